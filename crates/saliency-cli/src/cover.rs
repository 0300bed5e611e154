//! Covers the brightest parts of a photo, and asks the network again.

use burn::tensor::Tensor;
use saliency::metrics::{CoverTest, Experiment, Units, Verdict};
use saliency::photo::{Map, blurred};
use saliency::{Schedule, Target};
use saliency_models::EfficientNetLite0;

use crate::Result;
use crate::subject::class_name;

/// Regions down and across.
const REGIONS: usize = 14;
/// The blur of the photo that regions are covered with, as a share of the photo's side.
const BLUR: f64 = 0.04;

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
) -> Result<Verdict> {
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
    Ok(verdicts.remove(0))
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
