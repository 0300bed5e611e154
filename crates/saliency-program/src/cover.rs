//! Covers the brightest parts of a photo, and asks the network again.

use std::fmt;

use burn::tensor::Tensor;
use image::RgbImage;
use saliency::metrics::{
    Cover, CoverTest, CoveredAnswer, Experiment, Fill, Finding, Units, Verdict,
};
use saliency::photo::{ClassNames, Map, Size, blurred, percent};
use saliency::viz::{Outcome, PageTest, Trial, Trials};
use saliency::{Schedule, Target};

use crate::Result;
use crate::grid::REGIONS;
use crate::network::PhotoNetwork;

/// The blur of the photo that regions are covered with, as a share of the photo's side.
const BLUR: f64 = 0.04;

/// A map to test.
pub struct CoverQuestion<'a, N: PhotoNetwork> {
    /// The network.
    pub network: &'a N,
    /// The same, on its device.
    pub model: &'a N::Model,
    /// The photo, prepared.
    pub input: &'a Tensor<4>,
    /// The class.
    pub target: Target,
    /// The map of the photo.
    pub map: &'a Map,
    /// The device's schedule.
    pub schedule: &'a Schedule,
}

impl<N: PhotoNetwork> fmt::Debug for CoverQuestion<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoverQuestion")
            .field("network", &self.network.description())
            .field("input", &self.input.dims())
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// The verdict on a map, and the pictures that the network was shown.
#[derive(Debug)]
pub struct CoverTested {
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict in words.
    pub sentence: String,
    /// How many regions the photo was divided into.
    pub grid: Size,
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
pub fn cover_test<N: PhotoNetwork>(question: CoverQuestion<'_, N>) -> Result<CoverTested> {
    let CoverQuestion { network, model, input, target, map, schedule } = question;
    let [_, channels, height, width] = input.dims();
    let grid = [height, width].map(|side| side.min(REGIONS));
    let units = Units::cells([channels, height, width], grid)?;
    let experiment = Experiment::new(model, input.clone(), target, units, schedule.clone())?;
    let mean = input.clone().mean_dim(3).mean_dim(2);
    let fills = [
        ("blur", blurred(input, BLUR * width as f64)?),
        ("grey", input.zeros_like()),
        ("the mean colour", input.zeros_like() + mean),
    ];
    let fill = |(name, values): (&str, Tensor<4>)| Ok(experiment.fill(values)?.with_name(name));
    let fills = fills.into_iter().map(fill).collect::<Result<Vec<_>>>()?;
    let mut verdicts = CoverTest::new().brightest(&experiment, &fills, &[regions(map, grid)?])?;
    pictured(network, &experiment, &fills[0], verdicts.remove(0))
}

/// Makes the pictures of a verdict.
fn pictured<N: PhotoNetwork>(
    network: &N,
    experiment: &Experiment<'_>,
    fill: &Fill,
    verdict: Verdict,
) -> Result<CoverTested> {
    let size = verdict.size_in_words();
    let elsewhere = &size.regions_elsewhere[size.median_draw()];
    let covers = [&[][..], &size.region, elsewhere]
        .map(|units| Cover::of(0, experiment.units().count(), units));
    let copies: Tensor<4> = experiment.covered(fill, &covers)?.into_inputs();
    let picture = |row| network.preparation().picture(&copies.clone().narrow(0, row, 1));
    let [shown, covered, elsewhere] = [0, 1, 2].map(picture);
    let sentence = verdict.sentence(|class| network.classes().name(class));
    let [height, width] = experiment.units().grid().unwrap_or([1, 1]).map(|side| side as u32);
    let grid = Size { width, height };
    Ok(CoverTested { verdict, sentence, grid, shown, covered, elsewhere })
}

impl CoverTested {
    /// Returns the test for a page, with its pictures and what the network answers for each.
    pub fn page_test(&self, classes: &ClassNames) -> PageTest {
        let verdict = &self.verdict;
        let outcome = match verdict.finding {
            Finding::Confirmed => Outcome::Confirmed,
            Finding::NotConfirmed => Outcome::NotConfirmed,
            _ => Outcome::Unsure,
        };
        let size = verdict.size_in_words();
        let draw = size.median_draw();
        let trial =
            |picture: &RgbImage, answer| Trial::new(picture.clone(), self.answers(answer, classes));
        let trials = Trials {
            shown: trial(&self.shown, &verdict.original),
            covered: trial(&self.covered, &size.covered[0]).with_outline(self.grid, &size.region),
            elsewhere: trial(&self.elsewhere, &size.elsewhere[draw])
                .with_outline(self.grid, &size.regions_elsewhere[draw]),
        };
        PageTest::new(outcome, self.sentence.clone()).with_luck(verdict.p).with_trials(trials)
    }

    /// Says what the network answers, and in a second line what it gives the class that is
    /// explained, if it answers another one.
    fn answers(&self, answer: &CoveredAnswer, classes: &ClassNames) -> Vec<String> {
        let said = |class: usize, probability: Option<f64>| {
            let probability = probability.map(percent).unwrap_or_default();
            // No line begins with the sign of percent.
            format!("{} {}", classes.name(class), probability.replace(' ', "\u{a0}"))
        };
        let mut lines = vec![said(answer.answer, answer.answer_probability)];
        if answer.answer != self.verdict.class {
            lines.push(said(self.verdict.class, answer.probability));
        }
        lines
    }
}

/// Adds a map up in regions. If the map has fewer places than there are regions, each region has the
/// value of its place.
fn regions(map: &Map, [down, across]: [usize; 2]) -> Result<Vec<f64>> {
    let size = map.size();
    let [height, width] = [size.height as usize, size.width as usize];
    if height >= down && width >= across {
        let cells = Units::cells([1, height, width], [down, across])?;
        return Ok(cells.sums(map.values()));
    }
    let value = |region: usize| {
        let (row, column) = (region / across * height / down, region % across * width / across);
        map.values()[row * width + column]
    };
    Ok((0..down * across).map(value).collect())
}
