//! Are superpixels better units than equal cells, and do more gradients help?

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use saliency::metrics::{Experiment, Units};
use saliency::photo::{Preparation, Slic};
use saliency::{Explainer, Schedule, Target};

use crate::cells::{COUNT, Cells, cells};
use crate::judge::{Judged, judge};
use crate::maps::path_from;
use crate::network::Network;
use crate::photo::SIDE;
use crate::question::{DEFAULT, Question, experiment};

/// Judges the default with more gradients, and maps added up over superpixels instead of cells.
pub fn judge_units<N: Network>(question: &Question<'_, N>) -> BTreeMap<String, Judged> {
    let &Question { net, photo, class, .. } = question;
    let experiment = experiment(net, photo, class);
    let regions = question.regions(None);
    let pixels = path_from(&photo.fills.blur, 8);
    let pixels = pixels.attribute_to(net, photo.input.clone(), Target::Class(class));
    let pixels = pixels.expect("a map").values;
    let in_cells = BTreeMap::from(
        [
            (DEFAULT, cells(&regions, false)),
            ("01 regions, at most 24", cells(&question.regions(Some(24)), false)),
            ("02 regions, at most 32", cells(&question.regions(Some(32)), false)),
            ("03 IG blur signed 8, cells", cells(&pixels, false)),
        ]
        .map(|(name, cells)| (name.to_owned(), cells)),
    );
    let mut found = judge(&experiment, photo, &in_cells);

    let picture = Preparation::imagenet().picture(&photo.input);
    let superpixels = Slic::new(COUNT).of(&picture).expect("superpixels");
    let units = Units::labels(superpixels.labels_of_values(3)).expect("units");
    let of_pixels = Units::labels(superpixels.labels().to_vec()).expect("units");
    let (input, target) = (photo.input.clone(), Target::Class(class));
    let experiment =
        Experiment::new(net, input, target, units, Schedule::new()).expect("an experiment");
    let sums = |map: &Tensor<4>| -> Cells {
        let values: Vec<f64> = map.clone().sum_dim(1).into_data().iter().collect();
        of_pixels.sums(&values)
    };
    let smooth = sums(&enlarged(&regions, InterpolateMode::Bilinear));
    let in_superpixels = BTreeMap::from(
        [
            ("10 regions, superpixels", sums(&enlarged(&regions, InterpolateMode::Nearest))),
            ("11 regions, enlarged smoothly, superpixels", smooth),
            ("12 IG blur signed 8, superpixels", sums(&pixels)),
        ]
        .map(|(name, sums)| (name.to_owned(), sums)),
    );
    found.extend(judge(&experiment, photo, &in_superpixels));
    found
}

/// Enlarges a map to the photo.
fn enlarged(map: &Tensor<4>, mode: InterpolateMode) -> Tensor<4> {
    let options = InterpolateOptions::new(mode).with_align_corners(false);
    interpolate(map.clone().sum_dim(1), options.with_output_size([SIDE, SIDE]))
}
