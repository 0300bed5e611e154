//! How often does the cover test confirm a map?

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use saliency::metrics::{CoverTest, Experiment, Finding};

use crate::cells::Maps;
use crate::cells::{COUNT, smoothed};
use crate::photo::{Fills, Photo};
use crate::question::DEFAULT;
use crate::random::{Random, hash};

/// Verdicts of the cover test.
#[derive(Default)]
pub struct Tested {
    maps: usize,
    confirmed: usize,
    unsure: usize,
}

/// Tests the default, and maps that know nothing of the photo: the middle, another photo's map,
/// and random ones.
pub fn cover(
    experiment: &Experiment<'_>,
    photo: &Photo,
    maps: &Maps,
    class: usize,
    verdicts: &mut BTreeMap<&'static str, Tested>,
) {
    let Fills { blur, grey, mean, .. } = &photo.fills;
    let fill = |name: &str, values: &Tensor<4>| {
        experiment.fill(values.clone()).expect("a fill").with_name(name)
    };
    let fills = [fill("blur", blur), fill("grey", grey), fill("mean", mean)];
    let mut random = Random(hash(&photo.name) ^ (class as u64) << 20);
    let mut tested = vec![
        (DEFAULT, maps[DEFAULT].clone()),
        ("z2 middle", maps["z2 middle"].clone()),
        ("z4 another photo's map", maps["z4 another photo's map"].clone()),
    ];
    for _ in 0..5 {
        // Noise that is smooth, as maps are: scattered cells cover a little of everything.
        let noise = (0..COUNT).map(|_| random.below(1000) as f64).collect();
        tested.push(("z8 random, smooth", smoothed(&smoothed(&noise))));
    }
    for (name, map) in tested {
        let test = CoverTest::new().with_seed(random.0);
        let verdict = &test.brightest(experiment, &fills, &[map]).expect("a verdict")[0];
        let tested = verdicts.entry(name).or_default();
        tested.maps += 1;
        tested.confirmed += usize::from(verdict.finding == Finding::Confirmed);
        tested.unsure += usize::from(verdict.finding == Finding::FillsDisagree);
    }
}

/// Prints how many maps were confirmed.
pub fn print(verdicts: BTreeMap<&str, Tested>) {
    println!("| map | confirmed by the cover test | not sure |");
    println!("|---|---|---|");
    for (name, Tested { maps, confirmed, unsure }) in verdicts {
        println!("| {} | {confirmed} of {maps} | {unsure} |", &name[3..]);
    }
}
