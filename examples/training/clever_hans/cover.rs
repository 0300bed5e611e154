//! Covers the mark, and the brightest parts of maps, and asks a network again.

use burn::tensor::{Device, Tensor};
use saliency::metrics::{CoverTest, Experiment, Finding, Units, Verdict, ranking};
use saliency::photo::blurred;
use saliency::{Explainer, IntegratedGradients, Schedule, Target};
use saliency_examples_training::shop::{MUG, Product, SIDE, WATERMARK};
use saliency_examples_training::shop_network::{Net, tensor};
use saliency_program::Result;

/// Cells of 2 x 2 pixels, as many down as across.
const CELLS: usize = SIDE as usize / 2;
/// The share of the picture that is covered where a map is brightest: a little more than the mark.
const BRIGHTEST: f64 = 0.04;

/// What a network says about photos of mugs if parts of them are covered.
pub struct Covered {
    /// The number of photos.
    pub photos: usize,
    /// The photos that get another answer if the mark is covered.
    pub changed: usize,
    /// The share of the other places at which a cover of the same size changes the answer.
    pub changed_elsewhere: f64,
    /// The photos whose score falls more than at any other place if the mark is covered.
    pub confirmed: usize,
    /// The photos whose map is confirmed: the brightest parts were covered.
    pub maps_confirmed: usize,
    /// Those of them whose brightest parts hold at least half of the mark.
    pub maps_on_mark: usize,
}

impl Covered {
    /// Tests a network. The maps are those of Integrated Gradients, added up in cells.
    pub fn of(net: &Net, mugs: &[Product]) -> Result<Self> {
        let input = tensor(mugs.iter().map(|it| it.photo.clone()).collect(), &Device::flex());
        let side = SIDE as usize;
        let units = Units::cells([3, side, side], [CELLS, CELLS])?;
        let target = Target::Class(MUG);
        let experiment =
            Experiment::new(net, input.clone(), target.clone(), units, Schedule::new())?;
        let mean = input.clone().mean_dim(3).mean_dim(2);
        let fill = |name: &str, values: Tensor<4>| {
            Ok::<_, saliency::metrics::Error>(experiment.fill(values)?.with_name(name))
        };
        let fills = [
            fill("the mean colour", input.zeros_like() + mean)?,
            fill("blur", blurred(&input, 4.0)?)?,
        ];

        let mark = mark();
        let of_mark = CoverTest::new().area(&experiment, &fills, &mark)?;
        let map = IntegratedGradients::new().attribute_to(net, input, target)?;
        let maps = experiment.unit_sums(map.values)?;
        let brightest = CoverTest::new().with_sizes([BRIGHTEST]);
        let of_maps = brightest.brightest(&experiment, &fills, &maps)?;

        let confirmed = |it: &&Verdict| it.finding == Finding::Confirmed;
        let on_mark = |map: &Vec<f64>| {
            let cells = (BRIGHTEST * (CELLS * CELLS) as f64).round() as usize;
            let marked = mark.iter().filter(|is_marked| **is_marked).count();
            let found = ranking(map)[..cells].iter().filter(|&&cell| mark[cell]).count();
            2 * found >= marked
        };
        let elsewhere = of_mark.iter().flat_map(|verdict| {
            let answers = verdict.sizes[0].elsewhere.iter();
            answers.map(|it| it.answer != verdict.original.answer)
        });
        let (draws, changed) =
            elsewhere.fold((0, 0), |(draws, changed), is| (draws + 1, changed + usize::from(is)));
        Ok(Self {
            photos: mugs.len(),
            changed: of_mark.iter().filter(|verdict| verdict.changes_at().is_some()).count(),
            changed_elsewhere: f64::from(changed as u32) / f64::from(draws as u32),
            confirmed: of_mark.iter().filter(confirmed).count(),
            maps_confirmed: of_maps.iter().filter(confirmed).count(),
            maps_on_mark: of_maps
                .iter()
                .zip(&maps)
                .filter(|(verdict, map)| confirmed(verdict) && on_mark(map))
                .count(),
        })
    }

    /// Returns whether the mark decides for most photos.
    pub fn is_decided_by_mark(&self) -> bool {
        2 * self.confirmed > self.photos
    }

    /// Says in words what was found.
    pub fn sentences(&self) -> [String; 3] {
        let Self { photos, changed, confirmed, maps_confirmed, maps_on_mark, .. } = self;
        let elsewhere = super::percent(self.changed_elsewhere);
        let not = if self.is_decided_by_mark() { "" } else { "not " };
        [
            format!(
                "If the mark is covered, the answer changes for {changed} of {photos} photos; if as \
                 much is covered elsewhere, in {elsewhere} of the tries."
            ),
            format!(
                "For {confirmed} of {photos} photos no other place matters as much: the answer is \
                 {not}decided by the mark."
            ),
            format!(
                "Without knowing of the mark: {maps_confirmed} maps are confirmed, and the brightest \
                 parts of {maps_on_mark} of them hold the mark."
            ),
        ]
    }
}

/// Says of each cell whether the mark is in it.
fn mark() -> Vec<bool> {
    let inside = |at: u32, from: u32, length: u32| (from..from + length).contains(&at);
    (0..CELLS * CELLS)
        .map(|cell| {
            let [y, x] = [cell / CELLS, cell % CELLS].map(|at| 2 * at as u32);
            inside(x, WATERMARK.x, WATERMARK.width) && inside(y, WATERMARK.y, WATERMARK.height)
        })
        .collect()
}
