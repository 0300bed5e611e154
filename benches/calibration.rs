//! Are chances as small as the metrics say? Counts how often an interval holds what it should, and
//! how often something is found that is not there.
//!
//! ```text
//! cargo bench --profile dev --bench calibration -- PHOTOS             # an hour on two cores
//! cargo bench --profile dev --bench calibration -- PHOTOS intervals   # all but the cover test
//! cargo bench --profile dev --bench calibration -- PHOTOS cover       # the cover test only
//! ```
//!
//! `PHOTOS` is a folder of photos, such as `benches/truth_photos.py` makes. Intervals and
//! comparisons: the CIFAR network, on crops of all photos. The cover test: EfficientNet-Lite0, maps
//! of regions, each photo with the maps of 14 others. Small versions of all this are tests.

use std::env;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use image::RgbImage;
use image::imageops::crop_imm;
use saliency::kit::{Key, Stream};
use saliency::metrics::{
    Better, Comparison, Controls, CoverTest, Experiment, Fill, Finding, RowValues, SaCo, Units,
};
use saliency::photo::{Preparation, blurred, read_photo};
use saliency::{Explainer, InputTimesGradient, Model, Schedule, SmoothGrad, Target};
use saliency_models::{CifarCnn, EfficientNetLite0};
use saliency_program::regions::Regions;

/// Samples of 64 rows, and comparisons.
const SAMPLES: u64 = 500;
const ROWS: usize = 64;
const COMPARISONS: u64 = 400;
/// Crops of the photos for the CIFAR network.
const CROPS: usize = 512;
/// The other photos whose maps each photo gets.
const OTHERS: usize = 14;
/// Cells of a photo for the cover test, down and across.
const CELLS: usize = 14;

fn main() {
    let mut arguments = env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let Some(folder) = arguments.next() else {
        println!("skipped: name the folder of photos that benches/truth_photos.py has made");
        return;
    };
    let entries = std::fs::read_dir(&folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: &PathBuf| read_photo(path).unwrap_or_else(|error| panic!("{error}"));
    let photos: Vec<RgbImage> = paths.iter().map(read).collect();
    println!("{} photos", photos.len());
    println!("| | found | of | share | wanted |\n|---|---|---|---|---|");
    let part = arguments.next();
    if part.as_deref() != Some("cover") {
        let crops = Crops::of(&photos);
        crops.random_maps();
        crops.intervals();
        crops.other_seeds();
    }
    if part.as_deref() != Some("intervals") {
        cover(&photos);
    }
}

/// Prints a line of the table.
fn print(what: &str, found: usize, of: usize, wanted: &str) {
    let share = 100.0 * found as f64 / of as f64;
    println!("| {what} | {found} | {of} | {share:.1} % | {wanted} |");
}

/// Crops of photos, and the network that explains them.
struct Crops {
    net: CifarCnn,
    input: Tensor<4>,
}

impl Crops {
    /// Cuts a random square out of each photo in turn.
    fn of(photos: &[RgbImage]) -> Self {
        let device = Device::flex();
        let crop = |at: usize| {
            let photo = &photos[at % photos.len()];
            let place = Key { seed: 0, row: at as u64, sample: 0 }.uniform(Stream::Own(0), 3);
            let least = photo.width().min(photo.height());
            let side = least / 4 + (place[0] * f64::from(least / 2)) as u32;
            let within = |at: usize, length: u32| (place[at] * f64::from(length - side)) as u32;
            let (x, y) = (within(1, photo.width()), within(2, photo.height()));
            let crop = crop_imm(photo, x, y, side, side).to_image();
            Preparation::imagenet().with_size(32).tensor(&crop, &device)
        };
        let input = Tensor::cat((0..CROPS).map(crop).collect(), 0);
        Self { net: CifarCnn::embedded(&device), input }
    }

    /// Asks about `rows` crops, cut into 8 x 8 cells.
    fn experiment(&self, from: usize, rows: usize) -> Experiment<'_> {
        let units = Units::cells([3, 32, 32], [8, 8]).expect("cells");
        let input = self.input.clone().narrow(0, from, rows);
        Experiment::new(&self.net, input, Target::Predicted, units, Schedule::new())
            .expect("an experiment")
    }

    /// Returns SaCo with grey.
    fn saco(experiment: &Experiment<'_>, maps: &[Vec<f64>]) -> RowValues {
        let grey = experiment.input().map(|part| part.zeros_like());
        SaCo::new().values(experiment, &Fill::values(grey), maps).expect("values")
    }

    /// Counts random maps whose SaCo has an interval that holds 0.
    fn random_maps(&self) {
        let held = (0..SAMPLES).filter(|&seed| {
            let experiment = self.experiment(seed as usize * 7 % (CROPS - ROWS), ROWS);
            let map = |row| Key { seed, row, sample: 1 }.uniform(Stream::Own(1), 64);
            let maps: Vec<Vec<f64>> = (0..ROWS as u64).map(map).collect();
            let interval = Self::saco(&experiment, &maps).interval();
            interval.is_some_and(|interval| interval.contains(0.0))
        });
        let what = "SaCo of random maps: the interval holds 0";
        print(what, held.count(), SAMPLES as usize, "92 to 98 %");
    }

    /// Counts samples of 64 rows whose interval holds the mean of the population.
    fn intervals(&self) {
        let experiment = self.experiment(0, CROPS);
        let maps = InputTimesGradient::new().attribute(&self.net, self.input.clone());
        let maps = experiment.unit_sums(maps.expect("maps").values).expect("sums");
        let population = Self::saco(&experiment, &maps);
        let (values, mean) = (population.defined(), population.mean().expect("a mean"));
        let held = (0..SAMPLES).filter(|&sample| {
            let drawn = Key { seed: 1, row: 0, sample }.uniform(Stream::Own(2), ROWS);
            let rows = drawn.into_iter().map(|at| Ok(values[(at * values.len() as f64) as usize]));
            RowValues::new(rows).interval().is_some_and(|interval| interval.contains(mean))
        });
        let what = "SaCo of input x gradient: the interval of 64 rows holds the mean of all";
        print(what, held.count(), SAMPLES as usize, "92 to 98 %");
    }

    /// Counts seeds of SmoothGrad that are told apart.
    fn other_seeds(&self) {
        let (rows, mut alone, mut corrected) = (24, 0, 0);
        for pair in 0..COMPARISONS {
            let from = pair as usize * 11 % (CROPS - rows);
            let experiment = self.experiment(from, rows);
            let input = || self.input.clone().narrow(0, from, rows);
            let explainer = |seed| SmoothGrad::default().with_samples(3).with_seed(seed);
            let table = Comparison::new(&experiment)
                .with_controls(Controls::new().with_draws(1))
                .with_explainer("a", &explainer(2 * pair), &self.net, input())
                .and_then(|it| it.with_explainer("b", &explainer(2 * pair + 1), &self.net, input()))
                .and_then(|it| {
                    it.with_metric("SaCo", Better::Higher, |maps| Ok(Self::saco(&experiment, maps)))
                })
                .and_then(|it| it.table())
                .expect("a table");
            let pair = table.metrics[0].pair("a", "b").expect("both");
            alone += usize::from(pair.p <= 0.05);
            corrected += usize::from(pair.is_different());
        }
        let of = COMPARISONS as usize;
        print("SmoothGrad and another seed: different, if compared alone", alone, of, "to 7.5 %");
        print("the same, corrected for the tests with controls", corrected, of, "to 7.5 %");
    }
}

/// Counts maps that the cover test confirms.
fn cover(photos: &[RgbImage]) {
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let tensor = |photo| Preparation::imagenet().tensor(photo, &device);
    let inputs: Vec<Tensor<4>> = photos.iter().map(tensor).collect();
    let own: Vec<Vec<f64>> = inputs.iter().map(|input| regions(&net, input)).collect();
    let names = ["the photo's own map", "another photo's map", "random, smooth", "the middle"];
    let mut counts = [[0; 2]; 4];
    for (at, input) in inputs.iter().enumerate() {
        let all = inputs.len();
        let others = OTHERS.min(all - 1);
        let other = |number: usize| own[(at + 1 + number * (all - 1) / others) % all].clone();
        let mut maps = vec![(0, own[at].clone()), (3, middle())];
        maps.extend((0..others).map(|number| (1, other(number))));
        maps.extend((0..5).map(|sample| (2, smooth_noise(at as u64, sample))));
        // Every map is tested on a copy of the photo.
        let copies = input.clone().repeat(&[maps.len(), 1, 1, 1]);
        let of: Vec<Vec<f64>> = maps.iter().map(|(_, map)| map.clone()).collect();
        for ((kind, _), is_confirmed) in maps.iter().zip(confirmed(&net, &copies, &of, at as u64)) {
            counts[*kind][0] += usize::from(is_confirmed);
            counts[*kind][1] += 1;
        }
        // What is known so far, for those who cannot wait.
        eprintln!("{} of {all} photos: {counts:?}", at + 1);
    }
    for (at, (name, [found, of])) in names.iter().zip(counts).enumerate() {
        let wanted = if at == 0 { "most" } else { "to 7.5 %" };
        print(&format!("cover test: {name} is confirmed"), found, of, wanted);
    }
    let [found, of] = [0, 1].map(|it| counts[1..].iter().map(|count| count[it]).sum());
    print("cover test: all that know nothing", found, of, "to 7.5 %");
}

/// Returns the map of regions of a photo.
fn regions(net: &EfficientNetLite0, input: &Tensor<4>) -> Vec<f64> {
    let target = Target::Class(net.forward(input.clone()).argmax(1).into_scalar::<i64>() as usize);
    let map = Regions::new().attribute_to(net, input.clone(), target).expect("a map");
    map.values.into_data().iter().collect()
}

/// Says of each map whether it is confirmed for its row.
fn confirmed(
    net: &EfficientNetLite0,
    input: &Tensor<4>,
    maps: &[Vec<f64>],
    seed: u64,
) -> Vec<bool> {
    let [_, channels, height, width] = input.dims();
    let units = Units::cells([channels, height, width], [CELLS, CELLS]).expect("cells");
    let (target, schedule) = (Target::Predicted, Schedule::new());
    let experiment =
        Experiment::new(net, input.clone(), target, units, schedule).expect("an experiment");
    let mean = input.clone().mean_dim(3).mean_dim(2);
    let fill =
        |name: &str, values: Tensor<4>| experiment.fill(values).expect("a fill").with_name(name);
    let fills = [
        fill("blur", blurred(input, 9.0).expect("a blurred photo")),
        fill("grey", input.zeros_like()),
        fill("mean", input.zeros_like() + mean),
    ];
    let test = CoverTest::new().with_seed(seed);
    let verdicts = test.brightest(&experiment, &fills, maps).expect("verdicts");
    verdicts.iter().map(|verdict| verdict.finding == Finding::Confirmed).collect()
}

/// Returns how near each cell is to the middle.
fn middle() -> Vec<f64> {
    let off = |at: usize| (at as f64 + 0.5) / CELLS as f64 - 0.5;
    let near = |cell: usize| -(off(cell / CELLS).powi(2) + off(cell % CELLS).powi(2));
    (0..CELLS * CELLS).map(near).collect()
}

/// Returns noise that is smooth, as maps are.
fn smooth_noise(row: u64, sample: u64) -> Vec<f64> {
    let noise = Key { seed: 2, row, sample }.uniform(Stream::Own(3), CELLS * CELLS);
    let near = |at: usize| at.saturating_sub(2)..(at + 3).min(CELLS);
    let smooth = |cell: usize| {
        let (rows, columns) = (near(cell / CELLS), near(cell % CELLS));
        let around = rows.flat_map(|y| columns.clone().map(move |x| y * CELLS + x));
        let around: Vec<f64> = around.map(|at| noise[at]).collect();
        around.iter().sum::<f64>() / around.len() as f64
    };
    (0..CELLS * CELLS).map(smooth).collect()
}
