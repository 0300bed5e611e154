//! Judges maps by seven tests.

use std::collections::BTreeMap;

use saliency::metrics::{Cover, Experiment, ranking};

use crate::cells::{COUNT, Cells};
use crate::photo::{Fills, Photo};
use crate::random::{Random, hash, up_to};

/// The tests, for tables.
pub const TESTS: [&str; 7] =
    ["blur", "grey", "mean", "noise", "shifted", "keep on blur", "keep on grey"];
/// Of so many cells.
const COVERED: [usize; 3] = [10, 20, 40];
const KEPT: [usize; 3] = [20, 40, 80];
const DRAWS: usize = 20;

/// How a map does in each of the seven tests.
#[derive(Clone, Copy, Default)]
pub struct Judged {
    /// The share of random choices that the map beats.
    pub shares: [f64; 7],
    /// How much the score falls if the strongest units are covered, and how little it falls if they
    /// are kept (then it is negative).
    pub falls: [f64; 7],
}

impl Judged {
    pub fn average(&self) -> f64 {
        self.shares.iter().sum::<f64>() / 7.0
    }

    pub fn average_fall(&self) -> f64 {
        self.falls.iter().sum::<f64>() / 7.0
    }

    /// Adds a part of another judgement.
    pub fn add(&mut self, other: &Self, part: f64) {
        let add = |sums: &mut [f64; 7], values: &[f64; 7]| {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += part * value);
        };
        add(&mut self.shares, &other.shares);
        add(&mut self.falls, &other.falls);
    }
}

/// Judges maps with a value for each unit. Units are covered until a share of the photo is covered,
/// those first that have the largest value for their area.
pub fn judge(
    experiment: &Experiment<'_>,
    photo: &Photo,
    maps: &BTreeMap<String, Cells>,
) -> BTreeMap<String, Judged> {
    let Fills { blur, grey, mean, noise, shifted } = &photo.fills;
    let fills = [blur, grey, mean, noise, shifted, blur, grey];
    let units = experiment.units();
    let areas = units.sums(&vec![1.0; units.width()]);
    let by_density = |map: &Cells| {
        let densities: Vec<f64> =
            map.iter().zip(&areas).map(|(value, area)| value / area).collect();
        ranking(&densities)
    };
    let orders: Vec<Vec<usize>> = maps.values().map(by_density).collect();
    let mut found: BTreeMap<String, Judged> =
        maps.keys().map(|name| (name.clone(), Judged::default())).collect();
    let mut random = Random(hash(&photo.name));
    let original = experiment.scores()[0];
    for (test, fill) in fills.into_iter().enumerate() {
        let fill = experiment.fill(fill.clone()).expect("a fill");
        let keeps = test >= 5;
        let sizes = if keeps { KEPT } else { COVERED };
        let part = 1.0 / sizes.len() as f64;
        for size in sizes {
            let budget = size as f64 / COUNT as f64 * units.width() as f64;
            let cover = |chosen: &[usize]| {
                let cover = Cover::of(0, units.count(), chosen);
                if keeps { cover.inverted() } else { cover }
            };
            let mut covers: Vec<Cover> =
                (0..DRAWS).map(|_| cover(&random.units(&areas, budget))).collect();
            let strongest = |order: &Vec<usize>| up_to(order.iter().copied(), &areas, budget);
            covers.extend(orders.iter().map(|order| cover(&strongest(order))));
            let scores = experiment.covered_scores(&fill, &covers).expect("scores");
            let (draws, chosen) = scores.split_at(DRAWS);
            for (found, score) in found.values_mut().zip(chosen) {
                let beaten =
                    draws.iter().filter(|draw| if keeps { *draw < score } else { *draw > score });
                found.shares[test] += part * beaten.count() as f64 / DRAWS as f64;
                let fall = original - score;
                found.falls[test] += part * if keeps { -fall } else { fall };
            }
        }
    }
    found
}
