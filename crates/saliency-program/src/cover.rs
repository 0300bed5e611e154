//! Covers the brightest parts of a photo, and asks the network again.

use burn::tensor::Tensor;
use image::RgbImage;
use saliency::metrics::{
    Cover, CoverTest, CoveredAnswer, Experiment, Fill, Finding, Units, Verdict,
};
use saliency::photo::{Map, Size, blurred, percent};
use saliency::viz::{Outcome, PageTest, Trial, Trials};
use saliency::{Schedule, Target};
use saliency_models::EfficientNetLite0;

use crate::Result;
use crate::subject::{class_name, preparation};

/// Regions down and across.
const REGIONS: usize = 14;
const GRID: Size = Size { width: REGIONS as u32, height: REGIONS as u32 };
/// The blur of the photo that regions are covered with, as a share of the photo's side.
const BLUR: f64 = 0.04;

/// The verdict on a map, and the pictures that the network was shown.
#[derive(Debug)]
pub struct CoverTested {
    /// The verdict.
    pub verdict: Verdict,
    /// The photo as the network is shown it.
    pub shown: RgbImage,
    /// The same with the brightest regions covered, for the size that the verdict's words are about.
    pub covered: RgbImage,
    /// The same with as much covered elsewhere, by the draw in the middle of all.
    pub elsewhere: RgbImage,
}

/// Covers the brightest regions of a map, and as much elsewhere.
///
/// # Errors
/// Those of the model.
pub fn cover_test(
    net: &EfficientNetLite0,
    input: &Tensor<4>,
    target: Target,
    map: &Map,
    schedule: &Schedule,
) -> Result<CoverTested> {
    let [_, channels, height, width] = input.dims();
    let units = Units::cells([channels, height, width], [REGIONS, REGIONS])?;
    let experiment = Experiment::new(net, input.clone(), target, units, schedule.clone())?;
    let mean = input.clone().mean_dim(3).mean_dim(2);
    let fills = [
        ("blur", blurred(input, BLUR * width as f64)?),
        ("grey", input.zeros_like()),
        ("the mean colour", input.zeros_like() + mean),
    ];
    let fill = |(name, values): (&str, Tensor<4>)| Ok(experiment.fill(values)?.with_name(name));
    let fills = fills.into_iter().map(fill).collect::<Result<Vec<_>>>()?;
    let mut verdicts = CoverTest::new().brightest(&experiment, &fills, &[regions(map)?])?;
    pictured(&experiment, &fills[0], verdicts.remove(0))
}

/// Makes the pictures of a verdict.
fn pictured(experiment: &Experiment<'_>, fill: &Fill, verdict: Verdict) -> Result<CoverTested> {
    let size = verdict.size_in_words();
    let elsewhere = &size.regions_elsewhere[size.median_draw()];
    let covers = [&[][..], &size.region, elsewhere]
        .map(|units| Cover::of(0, experiment.units().count(), units));
    let copies: Tensor<4> = experiment.covered(fill, &covers)?.into_inputs();
    let picture = |row| preparation().picture(&copies.clone().narrow(0, row, 1));
    let [shown, covered, elsewhere] = [0, 1, 2].map(picture);
    Ok(CoverTested { verdict, shown, covered, elsewhere })
}

impl CoverTested {
    /// Returns the test for a page, with its pictures and what the network answers for each.
    pub fn page_test(&self) -> PageTest {
        let verdict = &self.verdict;
        let outcome = match verdict.finding {
            Finding::Confirmed => Outcome::Confirmed,
            Finding::NotConfirmed => Outcome::NotConfirmed,
            _ => Outcome::Unsure,
        };
        let size = verdict.size_in_words();
        let draw = size.median_draw();
        let trial = |picture: &RgbImage, answer| Trial::new(picture.clone(), self.answers(answer));
        let trials = Trials {
            shown: trial(&self.shown, &verdict.original),
            covered: trial(&self.covered, &size.covered[0]).with_outline(GRID, &size.region),
            elsewhere: trial(&self.elsewhere, &size.elsewhere[draw])
                .with_outline(GRID, &size.regions_elsewhere[draw]),
        };
        PageTest::new(outcome, sentence(verdict)).with_luck(verdict.p).with_trials(trials)
    }

    /// Says what the network answers, and in a second line what it gives the class that is
    /// explained, if it answers another one.
    fn answers(&self, answer: &CoveredAnswer) -> Vec<String> {
        let said = |class: usize, probability: Option<f64>| {
            let probability = probability.map(percent).unwrap_or_default();
            // No line begins with the sign of percent.
            format!("{} {}", class_name(class), probability.replace(' ', "\u{a0}"))
        };
        let mut lines = vec![said(answer.answer, answer.answer_probability)];
        if answer.answer != self.verdict.class {
            lines.push(said(self.verdict.class, answer.probability));
        }
        lines
    }
}

/// Says a verdict in words.
pub fn sentence(verdict: &Verdict) -> String {
    verdict.sentence(|class| class_name(class).to_owned())
}

/// Adds a map up in regions.
fn regions(map: &Map) -> Result<Vec<f64>> {
    let size = map.size();
    let [height, width] = [size.height as usize, size.width as usize];
    let cells = Units::cells([1, height, width], [REGIONS, REGIONS])?;
    Ok(cells.sums(map.values()))
}
