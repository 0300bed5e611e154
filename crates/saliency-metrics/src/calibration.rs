//! Are chances as small as the metrics say? Small versions of `benches/calibration.rs`.

use burn::tensor::Tensor;
use saliency_core::kit::{Key, Stream};
use saliency_core::{Explainer, InputTimesGradient, Schedule, SmoothGrad, Target};

use crate::comparison::is_told_apart;
use crate::fixtures::{Net, SIDE, photos};
use crate::{CoverTest, Experiment, Finding, RowValues, SaCo, Units};

/// Cells of 2 x 2 pixels, as many down as across.
const CELLS: usize = SIDE / 2;

fn experiment<'m>(net: &'m Net, photos: &Tensor<4>) -> Experiment<'m> {
    let units = Units::cells([3, SIDE, SIDE], [CELLS, CELLS]).unwrap();
    Experiment::new(net, photos.clone(), Target::Predicted, units, Schedule::new()).unwrap()
}

/// Uniform values for each cell of each row.
fn random_maps(rows: usize, seed: u64) -> Vec<Vec<f64>> {
    let map = |row| Key { seed, row, sample: 0 }.uniform(Stream::Own(35), CELLS * CELLS);
    (0..rows as u64).map(map).collect()
}

/// Draws 64 rows again and again, and counts how often their interval holds the mean of all.
fn held(population: &RowValues, samples: u64) -> usize {
    let (values, mean) = (population.defined(), population.mean().unwrap());
    let holds = |&sample: &u64| {
        let drawn = Key { seed: 3, row: 0, sample }.uniform(Stream::Own(36), 64);
        let rows = drawn.into_iter().map(|at| Ok(values[(at * values.len() as f64) as usize]));
        RowValues::new(rows).interval().is_some_and(|interval| interval.contains(mean))
    };
    (0..samples).filter(holds).count()
}

#[test]
fn random_maps_have_saco_zero_within_its_interval() {
    let (net, photos) = (Net::random(0), photos(32));
    let experiment = experiment(&net, &photos);
    let grey = experiment.fill(photos.zeros_like()).unwrap();
    let holds = |&seed: &u64| {
        let found = SaCo::new().values(&experiment, &grey, &random_maps(32, seed)).unwrap();
        found.interval().is_some_and(|interval| interval.contains(0.0))
    };
    let held = (0..100).filter(holds).count();
    assert!((90..=99).contains(&held), "{held} of 100");
}

#[test]
fn intervals_of_a_metric_hold_the_mean_of_its_population() {
    let (net, photos) = (Net::random(0), photos(400));
    let experiment = experiment(&net, &photos);
    let grey = experiment.fill(photos.zeros_like()).unwrap();
    let maps = InputTimesGradient::new().attribute(&net, photos).unwrap();
    let maps = experiment.unit_sums(maps.values).unwrap();
    let population = SaCo::new().values(&experiment, &grey, &maps).unwrap();
    let held = held(&population, 500);
    assert!((460..=490).contains(&held), "{held} of 500");
}

#[test]
fn a_method_under_another_seed_is_hardly_ever_told_apart() {
    let (net, photos) = (Net::random(0), photos(12));
    let experiment = experiment(&net, &photos);
    let grey = experiment.fill(photos.zeros_like()).unwrap();
    let values = |seed| {
        let explainer = SmoothGrad::default().with_samples(2).with_seed(seed);
        let maps = explainer.attribute(&net, photos.clone()).unwrap();
        let maps = experiment.unit_sums(maps.values).unwrap();
        SaCo::new().values(&experiment, &grey, &maps).unwrap()
    };
    let differs = |pair: &u64| is_told_apart([&values(2 * pair), &values(2 * pair + 1)]);
    let different = (0..400).filter(differs).count();
    // 7.5 %.
    assert!(different <= 30, "{different} of 400");
}

#[test]
fn maps_that_know_nothing_are_hardly_ever_confirmed() {
    // Photos have their subject near the middle, and so do the maps of other photos.
    let (net, photos) = (Net::random(0), photos(40));
    let experiment = experiment(&net, &photos);
    let fill = |name: &str, values: Tensor<4>| experiment.fill(values).unwrap().with_name(name);
    let mean = photos.clone().mean_dim(3).mean_dim(2);
    let fills =
        [fill("the mean colour", photos.zeros_like() + mean), fill("grey", photos.zeros_like())];
    let own = InputTimesGradient::new().attribute(&net, photos.clone()).unwrap();
    let own = experiment.unit_sums(own.values).unwrap();
    let middle = |unit: usize| {
        let off = |at: usize| (at as f64 + 0.5) / CELLS as f64 - 0.5;
        -(off(unit / CELLS).powi(2) + off(unit % CELLS).powi(2))
    };
    let middle: Vec<f64> = (0..CELLS * CELLS).map(middle).collect();
    let confirmed = |maps: &[Vec<f64>], seed| {
        let test = CoverTest::new().with_seed(seed);
        let verdicts = test.brightest(&experiment, &fills, maps).unwrap();
        verdicts.iter().filter(|verdict| verdict.finding == Finding::Confirmed).count()
    };
    // 10 times 40 maps of each kind.
    let count = |maps: &dyn Fn(usize) -> Vec<Vec<f64>>| -> usize {
        (0..10).map(|round| confirmed(&maps(round), round as u64)).sum()
    };
    let others = |round: usize| (0..40).map(|row| own[(row + round + 1) % 40].clone()).collect();
    for (name, confirmed) in [
        ("random", count(&|round| random_maps(40, round as u64))),
        ("the middle", count(&|_| vec![middle.clone(); 40])),
        ("another photo's", count(&others)),
    ] {
        // 7.5 %.
        assert!(confirmed <= 30, "{name}: {confirmed} of 400");
    }
    let of_own = confirmed(&own, 0);
    assert!(of_own >= 20, "{of_own} of 40 of the photos' own maps");
}
