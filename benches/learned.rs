//! Does a rule that is learned on some photos need fewer gradients on others?
//!
//! ```text
//! cargo bench --profile dev --bench learned -- PHOTOS
//! ```
//!
//! `PHOTOS` is a folder of photos, such as `benches/truth_photos.py` makes. EfficientNet-Lite0 and a
//! zero baseline. Every second photo is for learning: at 128 points of its path, the change of the
//! gradient times the input from point to point. The learned rule has the places that make the mean
//! squared error over these photos least, for gradients that change at random. It is then compared
//! with `with_tolerance` on the other photos.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use saliency::photo::{Preparation, read_photo};
use saliency::{Explainer, Gradient, IntegratedGradients, Rule, Target};
use saliency_models::EfficientNetLite0;
use saliency_testkit::{relative_l1, values};

/// The points on the path of a photo that a rule is learned from.
const GRID: usize = 128;
const TOLERANCE: f64 = 0.05;
const COUNTS: [usize; 4] = [28, 36, 46, 60];

/// Returns gradient times input at some places of the path from zeros, place by place.
fn contributions(net: &EfficientNetLite0, input: &Tensor<4>, places: &[f64]) -> Vec<Vec<f32>> {
    let class = net_class(net, input);
    let input_values = values(input);
    let mut all = Vec::with_capacity(places.len());
    for places in places.chunks(8) {
        let points: Vec<Tensor<4>> = places.iter().map(|at| input.clone() * *at).collect();
        let map = Gradient::new()
            .attribute_to(net, Tensor::cat(points, 0), Target::Class(class))
            .expect("gradients");
        let gradients = values(&map.values);
        all.extend(gradients.chunks(input_values.len()).map(|gradient| {
            gradient.iter().zip(&input_values).map(|(gradient, x)| gradient * x).collect()
        }));
    }
    all
}

fn net_class(net: &EfficientNetLite0, input: &Tensor<4>) -> usize {
    let map = Gradient::new().attribute(net, input.clone()).expect("a gradient");
    map.targets[0].expect("a class")
}

/// The cumulative density of the points of a rule at the ends of equal or unequal intervals.
struct Learned {
    ends: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Learned {
    fn new(grid: &[f64], rates: &[f64]) -> Self {
        let mut ends = vec![0.0];
        ends.extend(grid.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0));
        ends.push(1.0);
        // One rate for each gap between points; each interval around a point has two halves.
        let at = |k: usize| (rates[k.saturating_sub(1)] + rates[k.min(rates.len() - 1)]) / 2.0;
        let mut cumulative = vec![0.0];
        for k in 0..grid.len() {
            let mass = at(k).cbrt() * (ends[k + 1] - ends[k]);
            cumulative.push(cumulative[k] + mass);
        }
        Self { ends, cumulative }
    }

    fn place(&self, share: f64) -> f64 {
        let mass = share * self.cumulative.last().expect("ends");
        let k = self.cumulative.windows(2).position(|pair| mass <= pair[1]).unwrap_or(GRID - 1);
        let within = (mass - self.cumulative[k]) / (self.cumulative[k + 1] - self.cumulative[k]);
        self.ends[k] + within.clamp(0.0, 1.0) * (self.ends[k + 1] - self.ends[k])
    }

    /// Returns the places of a rule, and their weights.
    fn rule(&self, count: usize) -> (Vec<f64>, Vec<f64>) {
        let ends: Vec<f64> = (0..=count).map(|k| self.place(k as f64 / count as f64)).collect();
        let places = ends.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
        (places, ends.windows(2).map(|pair| pair[1] - pair[0]).collect())
    }
}

fn weighted(contributions: &[Vec<f32>], weights: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; contributions[0].len()];
    for (values, weight) in contributions.iter().zip(weights) {
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * f64::from(*value));
    }
    sum
}

fn size(values: impl Iterator<Item = f64>) -> f64 {
    values.map(f64::abs).sum()
}

fn main() {
    let Some(folder) = std::env::args().skip(1).find(|arg| !arg.starts_with("--")) else {
        println!("skipped: name the folder of photos that benches/truth_photos.py has made");
        return;
    };
    let entries = std::fs::read_dir(&folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let read = |path: &PathBuf| {
        let photo = read_photo(path).unwrap_or_else(|error| panic!("{error}"));
        Preparation::imagenet().tensor(&photo, &device)
    };
    // Dense near the baseline, where gradients change fastest.
    let grid: Vec<f64> = (0..GRID).map(|k| ((k as f64 + 0.5) / GRID as f64).powi(2)).collect();
    let mut rates = vec![0.0; GRID - 1];
    for path in paths.iter().step_by(2) {
        let found = contributions(&net, &read(path), &grid);
        let mut weights = vec![0.0; GRID];
        for k in 0..GRID {
            let low = if k == 0 { 0.0 } else { (grid[k - 1] + grid[k]) / 2.0 };
            let high = if k + 1 == GRID { 1.0 } else { (grid[k] + grid[k + 1]) / 2.0 };
            weights[k] = high - low;
        }
        let total = size(weighted(&found, &weights).into_iter());
        for (k, rate) in rates.iter_mut().enumerate() {
            let pairs = found[k].iter().zip(&found[k + 1]);
            let change = size(pairs.map(|(a, b)| f64::from(*a) - f64::from(*b))) / total;
            *rate += change * change / (grid[k + 1] - grid[k]);
        }
        eprintln!("learned from {}", path.display());
    }
    let learned = Learned::new(&grid, &rates);
    let shares: Vec<String> =
        (1..10).map(|k| format!("{:.3}", learned.place(f64::from(k) / 10.0))).collect();
    println!("tenths of the points end at {}", shares.join(", "));

    println!("| Photo | with_tolerance | true error | placed 46 | learned {COUNTS:?} |");
    for path in paths.iter().skip(1).step_by(2) {
        let input = read(path);
        let ig = IntegratedGradients::new;
        let right = ig().with_rule(Rule::Placed).with_steps(400).attribute(&net, input.clone());
        let right: Vec<f64> =
            values(&right.expect("a map").values).into_iter().map(f64::from).collect();
        let tolerant =
            ig().with_tolerance(TOLERANCE).attribute(&net, input.clone()).expect("a map");
        let placed = ig().with_rule(Rule::Placed).with_steps(46).attribute(&net, input.clone());
        let placed = relative_l1(&values(&placed.expect("a map").values), &right);
        let error = relative_l1(&values(&tolerant.values), &right);
        let errors = COUNTS.map(|count| {
            let (places, weights) = learned.rule(count);
            relative_l1(&weighted(&contributions(&net, &input, &places), &weights), &right)
        });
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let errors = errors.map(|error| format!("{:.1}", 100.0 * error)).join(" ");
        println!(
            "| {name} | {} | {:.1} % | {:.1} | {errors} |",
            tolerant.evaluations[0],
            100.0 * error,
            100.0 * placed
        );
    }
}
