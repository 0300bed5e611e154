//! Which map of a photo is true of the model? Covers what a map calls important, or keeps nothing
//! else, and compares the model's score with that of random choices.
//!
//! ```text
//! python3 benches/truth_photos.py PHOTOS
//! cargo bench --profile dev --bench truth -- PHOTOS             # half an hour on two cores
//! cargo bench --profile dev --bench truth -- PHOTOS controls    # the default and the controls only
//! ```
//!
//! The square that the network is shown is cut into 14 x 14 cells, and a map is added up in each of
//! them. Seven tests:
//!
//! - The 10, 20 or 40 strongest cells are covered with a blurred photo, with grey, with the photo's
//!   mean colour, with noise of the photo's own strength, or with the photo shifted by half.
//! - The 20, 40 or 80 strongest cells are kept, and the rest is covered with a blurred photo or with
//!   grey.
//!
//! A figure is the share of 20 random choices of as many cells that change the score less than the
//! map's cells do; chance is 50 %. The predicted class and the second are explained. The unit is the
//! photo: intervals are bootstraps over photos. Half of the photos, by a hash of their names, are
//! not used to choose a default: their figures stand in columns of their own.
//!
//! Controls know nothing of the model, or of the class, or of the photo: an edge filter, the middle,
//! the difference from the blurred photo, the map of another photo, of a random class, of an
//! untrained network, and the map itself, moved. The last column compares each map with the default,
//! photo by photo.
//!
//! The second table asks how often the cover test confirms the default, and maps that know nothing
//! of the photo, which it should confirm in at most 7.5 %.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Distribution, Tensor, TensorData};
use saliency::metrics::{Cover, CoverTest, Experiment, Finding, Units, ranking};
use saliency::photo::{Preparation, blurred, read_photo};
use saliency::{
    Baseline, Explainer, Gradient, IntegratedGradients, MethodOptions, Model, Rule, Schedule,
    SmoothGrad, Split, Target,
};
use saliency_cli::method::{PhotoMethod, PhotoQuestion};
use saliency_models::{AfterBlock, EfficientNetLite0, LastConvolution};

/// Cells down and across.
const CELLS: usize = 14;
const COUNT: usize = CELLS * CELLS;
/// The side of what the network is shown, in pixels.
const SIDE: usize = 224;
/// The name of the default of `explain`. The first three letters sort the table.
const DEFAULT: &str = "00 regions, the default, at most 12";
const COVERED: [usize; 3] = [10, 20, 40];
const KEPT: [usize; 3] = [20, 40, 80];
const DRAWS: usize = 20;
/// The blur of the fill, in pixels: as wide as a box of 31 pixels.
const BLUR: f64 = 9.0;

type Cells = Vec<f64>;

/// A photo, prepared, with what it is covered with.
struct Photo {
    name: String,
    input: Tensor<4>,
    fills: Fills,
}

struct Fills {
    blur: Tensor<4>,
    grey: Tensor<4>,
    mean: Tensor<4>,
    noise: Tensor<4>,
    shifted: Tensor<4>,
}

/// Numbers that look random, from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % most
    }

    fn cells(&mut self, count: usize) -> Vec<usize> {
        let mut cells: Vec<usize> = (0..COUNT).collect();
        for at in 0..count {
            cells.swap(at, at + self.below(COUNT - at));
        }
        cells.truncate(count);
        cells
    }
}

/// The FNV hash of a name.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Photo {
    fn read(path: &Path, device: &Device) -> Self {
        let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
        let photo = read_photo(path).unwrap_or_else(|error| panic!("{error}"));
        let input = Preparation::imagenet().tensor(&photo, device);
        let mean = input.clone().mean_dim(3).mean_dim(2);
        let centred = input.clone() - mean.clone();
        let deviation = centred.powi_scalar(2).mean_dim(3).mean_dim(2).sqrt();
        let noise = normal(input.dims(), hash(&name), device) * deviation + mean.clone();
        let half = SIDE / 2;
        let halves = |x: &Tensor<4>, dim| {
            let [first, second] = [0, half].map(|from| x.clone().narrow(dim, from, half));
            Tensor::cat(vec![second, first], dim)
        };
        let fills = Fills {
            blur: blurred(&input, BLUR).expect("a blurred photo"),
            grey: input.zeros_like(),
            mean: input.zeros_like() + mean,
            noise,
            shifted: halves(&halves(&input, 2), 3),
        };
        Self { name, input, fills }
    }

    fn is_kept_back(&self) -> bool {
        hash(&self.name) >> 40 & 1 == 1
    }
}

/// Normal numbers that depend on the seed alone.
fn normal(shape: [usize; 4], seed: u64, device: &Device) -> Tensor<4> {
    use saliency::kit::{Key, Stream};
    let key = Key { seed, row: 0, sample: 0 };
    let values = key.normal(Stream::Own(1), shape.iter().product());
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Adds values `[1, channels, height, width]` up in cells; the sides are multiples of the cells' or
/// the other way round.
fn cells(values: &Tensor<4>, absolute: bool) -> Cells {
    let values = if absolute { values.clone().abs() } else { values.clone() };
    let sum = values.sum_dim(1);
    let [.., height, width] = sum.dims();
    let values: Vec<f64> = sum.into_data().iter().collect();
    let at = |y: usize, x: usize| values[y * width + x];
    if height >= CELLS {
        let cells = Units::cells([1, height, width], [CELLS, CELLS]).expect("cells");
        return cells.sums(&values);
    }
    // Coarser than the cells: linear between the middles of its values.
    let place = |cell: usize, side: usize| {
        let at =
            ((cell as f64 + 0.5) * side as f64 / CELLS as f64 - 0.5).clamp(0.0, (side - 1) as f64);
        let low = at as usize;
        (low, (low + 1).min(side - 1), at - low as f64)
    };
    let mut cells = Vec::with_capacity(COUNT);
    for row in 0..CELLS {
        let (y0, y1, below) = place(row, height);
        for column in 0..CELLS {
            let (x0, x1, right) = place(column, width);
            let above = at(y0, x0) * (1.0 - right) + at(y0, x1) * right;
            let under = at(y1, x0) * (1.0 - right) + at(y1, x1) * right;
            cells.push(above * (1.0 - below) + under * below);
        }
    }
    cells
}

/// Replaces values by their ranks, so that maps of different units can be added.
fn ranks(cells: &Cells) -> Cells {
    let mut ranks = vec![0.0; cells.len()];
    for (place, cell) in ranking(cells).into_iter().enumerate() {
        ranks[cell] = (cells.len() - place) as f64;
    }
    ranks
}

fn added(maps: &[&Cells]) -> Cells {
    let mut sum = vec![0.0; COUNT];
    for map in maps {
        for (sum, rank) in sum.iter_mut().zip(ranks(map)) {
            *sum += rank;
        }
    }
    sum
}

/// Averages each cell with its neighbours.
fn smoothed(cells: &Cells) -> Cells {
    let near = |at: usize| at.saturating_sub(1)..(at + 2).min(CELLS);
    (0..COUNT)
        .map(|cell| {
            let (y, x) = (cell / CELLS, cell % CELLS);
            let around: Vec<f64> = near(y)
                .flat_map(|y| near(x).map(move |x| y * CELLS + x))
                .map(|at| cells[at])
                .collect();
            around.iter().sum::<f64>() / around.len() as f64
        })
        .collect()
}

fn integrated(
    net: &EfficientNetLite0,
    photo: &Photo,
    class: usize,
    baseline: &Tensor<4>,
    points: usize,
) -> Tensor<4> {
    let explainer = IntegratedGradients::new()
        .with_baseline(Baseline::tensor(baseline.clone()))
        .with_rule(Rule::GaussLegendre)
        .with_steps(points);
    explainer.attribute_to(net, photo.input.clone(), Target::Class(class)).expect("a map").values
}

/// Integrated Gradients at a layer, from the activation of a baseline photo.
macro_rules! at_layer {
    ($net:expr, $photo:expr, $class:expr, $point:expr, $baseline:expr, $points:expr) => {{
        let split = Split::at($net, $point);
        let activation = split.before($photo.input.clone());
        let explainer = IntegratedGradients::new()
            .with_baseline(Baseline::tensor(split.before($baseline.clone())))
            .with_rule(Rule::GaussLegendre)
            .with_steps($points);
        let target = Target::Class($class);
        let map = explainer.attribute_to(split.after(), activation, target).expect("a map");
        cells(&map.values, false)
    }};
}

fn grad_cam(net: &EfficientNetLite0, photo: &Photo, class: usize) -> Cells {
    let split = Split::at(net, LastConvolution);
    let activation = split.before(photo.input.clone());
    let gradient = Gradient::new()
        .attribute_to(split.after(), activation.clone(), Target::Class(class))
        .expect("a map");
    let weights = gradient.values.mean_dim(3).mean_dim(2);
    cells(&(activation * weights).sum_dim(1).clamp_min(0.0), false)
}

fn occlusion(net: &EfficientNetLite0, photo: &Photo, class: usize) -> Cells {
    // Squares of 2 x 2 cells, a cell apart; a cell has the falls of all squares over it.
    let experiment = experiment(net, photo, class);
    let fill = experiment.fill(photo.fills.blur.clone()).expect("a fill");
    let squares: Vec<Vec<usize>> = (0..COUNT)
        .map(|cell| {
            let (y, x) = (cell / CELLS, cell % CELLS);
            let corners = [(y, x), (y + 1, x), (y, x + 1), (y + 1, x + 1)];
            corners
                .iter()
                .filter(|(y, x)| *y < CELLS && *x < CELLS)
                .map(|(y, x)| y * CELLS + x)
                .collect()
        })
        .collect();
    let covers: Vec<Cover> = squares.iter().map(|square| Cover::of(0, COUNT, square)).collect();
    let scores = experiment.covered_scores(&fill, &covers).expect("scores");
    let mut cells = vec![0.0; COUNT];
    for (square, score) in squares.iter().zip(scores) {
        for &cell in square {
            cells[cell] += experiment.scores()[0] - score;
        }
    }
    cells
}

fn sobel(photo: &Photo) -> Cells {
    let grey = photo.input.clone().sum_dim(1);
    let shifted = |dim, by| {
        let start = if by { 2 } else { 0 };
        grey.clone().narrow(dim, start, SIDE - 2)
    };
    let down = (shifted(2, true) - shifted(2, false)).narrow(3, 1, SIDE - 2);
    let across = (shifted(3, true) - shifted(3, false)).narrow(2, 1, SIDE - 2);
    let edges = (down.powi_scalar(2) + across.powi_scalar(2)).sqrt();
    cells(&edges.pad((1, 1, 1, 1), 0.0), false)
}

fn middle() -> Cells {
    let off = |at: usize| (at as f64 + 0.5) / CELLS as f64 - 0.5;
    (0..COUNT).map(|cell| -(off(cell / CELLS).powi(2) + off(cell % CELLS).powi(2))).collect()
}

/// Moves a map around the edges.
fn moved(cells: &Cells, random: &mut Random) -> Cells {
    let (down, across) = (3 + random.below(CELLS - 6), 3 + random.below(CELLS - 6));
    (0..COUNT)
        .map(|cell| {
            let (y, x) = ((cell / CELLS + down) % CELLS, (cell % CELLS + across) % CELLS);
            cells[y * CELLS + x]
        })
        .collect()
}

fn experiment<'m>(net: &'m EfficientNetLite0, photo: &Photo, class: usize) -> Experiment<'m> {
    let units = Units::cells([3, SIDE, SIDE], [CELLS, CELLS]).expect("cells");
    Experiment::new(net, photo.input.clone(), Target::Class(class), units, Schedule::new())
        .expect("an experiment")
}

/// What is explained.
#[derive(Clone, Copy)]
struct Question<'a> {
    net: &'a EfficientNetLite0,
    /// The same network with random weights.
    untrained: &'a EfficientNetLite0,
    photo: &'a Photo,
    other: &'a Photo,
    class: usize,
}

impl Question<'_> {
    /// The default of `explain`.
    fn regions(&self) -> Cells {
        self.regions_of(self.net, self.photo, self.class)
    }

    fn regions_of(&self, net: &EfficientNetLite0, photo: &Photo, class: usize) -> Cells {
        let map = PhotoMethod::Regions.attribute(PhotoQuestion {
            net,
            input: &photo.input,
            target: Target::Class(class),
            options: &MethodOptions::new(),
            tolerance: None,
            schedule: &Schedule::new(),
        });
        cells(&map.expect("a map").values, false)
    }

    /// The default, and maps that know nothing of the model, of the class or of the photo.
    fn controls(&self) -> BTreeMap<String, Cells> {
        let mut random = Random(hash(&self.photo.name) ^ self.class as u64);
        let others = self.net.forward(self.other.input.clone()).argmax(1).into_scalar::<i64>();
        let random_class = (self.class + 1 + random.below(999)) % 1000;
        let regions = self.regions();
        let off = self.photo.input.clone() - self.photo.fills.blur.clone();
        BTreeMap::from(
            [
                ("z1 edges", sobel(self.photo)),
                ("z2 middle", middle()),
                ("z3 abs(photo - blur)", cells(&off, true)),
                ("z4 another photo's map", self.regions_of(self.net, self.other, others as usize)),
                ("z5 a random class", self.regions_of(self.net, self.photo, random_class)),
                ("z6 untrained network", self.regions_of(self.untrained, self.photo, self.class)),
                ("z7 the map, moved", moved(&regions, &mut random)),
                (DEFAULT, regions),
            ]
            .map(|(name, cells)| (name.to_owned(), cells)),
        )
    }
}

/// All maps that might have become the default, with the number of gradients or passes that they
/// take.
fn candidates(question: Question<'_>) -> BTreeMap<String, Cells> {
    let Question { net, photo, class, .. } = question;
    let Fills { blur, grey, mean, noise, .. } = &photo.fills;
    let mut maps = BTreeMap::new();
    let mut add = |name: &str, cells: Cells| maps.insert(name.to_owned(), cells);
    let ig = |baseline: &Tensor<4>, points| integrated(net, photo, class, baseline, points);
    let from_grey = ig(grey, 50);
    add("a1 IG grey abs 50", cells(&from_grey, true));
    add("a2 IG grey signed 50", cells(&from_grey, false));
    let target = || Target::Class(class);
    let gradient = Gradient::new().attribute_to(net, photo.input.clone(), target()).expect("a map");
    add("a3 gradient abs 1", cells(&gradient.values, true));
    let smooth = SmoothGrad::default().with_samples(25);
    let smooth = smooth.attribute_to(net, photo.input.clone(), target()).expect("a map");
    add("a4 SmoothGrad abs 25", cells(&smooth.values, true));
    let ig_blur = cells(&ig(blur, 8), false);
    add("b1 IG blur signed 8", ig_blur.clone());
    add("b2 IG blur signed 8, smoothed", smoothed(&ig_blur));
    add("b3 IG noise signed 8", cells(&ig(noise, 8), false));
    let cam = grad_cam(net, photo, class);
    add("c1 Grad-CAM 1", cam.clone());
    for (name, baseline) in [("blur", blur), ("noise", noise), ("mean", mean), ("grey", grey)] {
        for points in [4, 8] {
            let block4 = at_layer!(net, photo, class, AfterBlock::<4>, baseline, points);
            let block10 = at_layer!(net, photo, class, AfterBlock::<10>, baseline, points);
            add(&format!("d4 layer 4 {name} {points}"), block4);
            add(&format!("dA layer 10 {name} {points}"), block10);
        }
        let block7 = at_layer!(net, photo, class, AfterBlock::<7>, baseline, 8);
        let head = at_layer!(net, photo, class, LastConvolution, baseline, 8);
        add(&format!("d7 layer 7 {name} 8"), block7);
        add(&format!("dH layer head {name} 8"), head);
    }
    let layer = |name: &str| maps[name].clone();
    let (n10, b10) = (layer("dA layer 10 noise 8"), layer("dA layer 10 blur 4"));
    let (n10_4, m10) = (layer("dA layer 10 noise 4"), layer("dA layer 10 mean 4"));
    let (n4, b4) = (layer("d4 layer 4 noise 8"), layer("d4 layer 4 blur 8"));
    let (n4_4, b4_4) = (layer("d4 layer 4 noise 4"), layer("d4 layer 4 blur 4"));
    let b10_8 = layer("dA layer 10 blur 8");
    let mut add = |name: &str, cells: Cells| maps.insert(name.to_owned(), cells);
    add("e1 ranks: CAM + IG blur 8", added(&[&cam, &ig_blur]));
    add("e2 ranks: layer 10 noise 4 + blur 4", added(&[&n10_4, &b10]));
    add("e3 ranks: layer 10 noise 4 + blur 4 + mean 4", added(&[&n10_4, &b10, &m10]));
    add("e4 ranks: layer 10 noise 8 + CAM", added(&[&n10, &cam]));
    add("e5 ranks: layer 10 noise 4 + layer 4 noise 4 + CAM", added(&[&n10_4, &n4_4, &cam]));
    add("e6 ranks: layer 10 noise 4 + layer 4 blur 4 + CAM", added(&[&n10_4, &b4_4, &cam]));
    add("e7 ranks: CAM, layers 4 and 10 blur, IG blur 25", added(&[&cam, &b4, &b10_8, &ig_blur]));
    add("e8 ranks: CAM, layers 4 and 10 noise, IG blur 25", added(&[&cam, &n4, &n10, &ig_blur]));
    add(
        "e9 ranks: CAM, layer 4 blur, layer 10 noise, IG blur 25",
        added(&[&cam, &b4, &n10, &ig_blur]),
    );
    add("eA layer 10 noise 8, smoothed", smoothed(&n10));
    add("eB ranks: layer 10 noise 8 + smoothed IG blur", added(&[&n10, &smoothed(&ig_blur)]));
    add("eC ranks: layer 10 noise 4 + layer 4 blur 4", added(&[&n10_4, &b4_4]));
    let occlusion = occlusion(net, photo, class);
    add("f1 occlusion 196", occlusion.clone());
    add("f2 ranks: CAM + occlusion", added(&[&cam, &occlusion]));
    maps
}

/// What a map does better than random choices in each of the seven tests, in shares.
fn judge(
    experiment: &Experiment<'_>,
    photo: &Photo,
    maps: &BTreeMap<String, Cells>,
) -> BTreeMap<String, [f64; 7]> {
    let Fills { blur, grey, mean, noise, shifted } = &photo.fills;
    let tests = [
        (blur, false),
        (grey, false),
        (mean, false),
        (noise, false),
        (shifted, false),
        (blur, true),
        (grey, true),
    ];
    let mut found: BTreeMap<String, [f64; 7]> =
        maps.keys().map(|name| (name.clone(), [0.0; 7])).collect();
    let mut random = Random(hash(&photo.name));
    for (test, (fill, keeps)) in tests.into_iter().enumerate() {
        let fill = experiment.fill(fill.clone()).expect("a fill");
        let sizes = if keeps { KEPT } else { COVERED };
        for size in sizes {
            let cover = |cells: &[usize]| {
                let cover = Cover::of(0, COUNT, cells);
                if keeps { cover.inverted() } else { cover }
            };
            let mut covers: Vec<Cover> = (0..DRAWS).map(|_| cover(&random.cells(size))).collect();
            covers.extend(maps.values().map(|map| cover(&ranking(map)[..size])));
            let scores = experiment.covered_scores(&fill, &covers).expect("scores");
            let (draws, chosen) = scores.split_at(DRAWS);
            for (found, score) in found.values_mut().zip(chosen) {
                let beaten =
                    draws.iter().filter(|draw| if keeps { *draw < score } else { *draw > score });
                found[test] += beaten.count() as f64 / DRAWS as f64 / sizes.len() as f64;
            }
        }
    }
    found
}

/// The mean, and a bootstrap's interval that holds it in 95 %.
fn interval(values: &[f64]) -> [f64; 3] {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut random = Random(1);
    let mut means: Vec<f64> = (0..2000)
        .map(|_| {
            mean(&(0..values.len()).map(|_| values[random.below(values.len())]).collect::<Vec<_>>())
        })
        .collect();
    means.sort_by(f64::total_cmp);
    [mean(values), means[50], means[1949]]
}

fn main() {
    let mut arguments = env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let Some(folder) = arguments.next() else {
        println!("skipped: name the folder of photos that benches/truth_photos.py has made");
        return;
    };
    let controls_only = arguments.next().is_some_and(|word| word == "controls");
    let entries = std::fs::read_dir(&folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let device = Device::flex();
    let photos: Vec<Photo> = paths.iter().map(|path| Photo::read(path, &device)).collect();
    let net = EfficientNetLite0::embedded(&device);
    let untrained = untrained(&net);
    let mut all: BTreeMap<String, Vec<Judged>> = BTreeMap::new();
    let mut verdicts: BTreeMap<&str, Tested> = BTreeMap::new();
    for (at, photo) in photos.iter().enumerate() {
        let (_, classes) = net.forward(photo.input.clone()).topk_with_indices(2, 1);
        let classes: Vec<i64> = classes.into_data().iter().collect();
        let mut sums: BTreeMap<String, [f64; 7]> = BTreeMap::new();
        for &class in &classes {
            let class = class as usize;
            let other = &photos[(at + 1) % photos.len()];
            let question = Question { net: &net, untrained: &untrained, photo, other, class };
            let mut maps = question.controls();
            if !controls_only {
                maps.extend(candidates(question));
            }
            let experiment = experiment(&net, photo, class);
            for (name, shares) in judge(&experiment, photo, &maps) {
                let sum = sums.entry(name).or_default();
                sum.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share / 2.0);
            }
            cover(&experiment, photo, &maps, class, &mut verdicts);
        }
        eprintln!("{} of {}: {}", at + 1, photos.len(), photo.name);
        for (name, shares) in sums {
            all.entry(name).or_default().push(Judged { kept_back: photo.is_kept_back(), shares });
        }
    }
    print_shares(&all);
    println!();
    println!("| map | confirmed by the cover test | not sure |");
    println!("|---|---|---|");
    for (name, Tested { maps, confirmed, unsure }) in verdicts {
        println!("| {} | {confirmed} of {maps} | {unsure} |", &name[3..]);
    }
}

/// A map of a photo, judged by seven tests.
struct Judged {
    kept_back: bool,
    shares: [f64; 7],
}

impl Judged {
    fn average(&self) -> f64 {
        self.shares.iter().sum::<f64>() / 7.0
    }
}

/// Verdicts of the cover test.
#[derive(Default)]
struct Tested {
    maps: usize,
    confirmed: usize,
    unsure: usize,
}

/// Tests the default, and maps that know nothing of the photo: the middle, another photo's map,
/// and random ones.
fn cover(
    experiment: &Experiment<'_>,
    photo: &Photo,
    maps: &BTreeMap<String, Cells>,
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

fn print_shares(all: &BTreeMap<String, Vec<Judged>>) {
    let kept_back = all[DEFAULT].iter().filter(|judged| judged.kept_back).count();
    println!("{} photos, {kept_back} of them kept back", all[DEFAULT].len());
    println!(
        "| map | blur | grey | mean | noise | shifted | keep on blur | keep on grey | average | \
         worst | kept back: average | worst | the default is ahead by |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, judged) in all {
        let line = |back: bool| {
            let of: Vec<&Judged> = judged.iter().filter(|it| it.kept_back == back).collect();
            let share =
                |test: usize| of.iter().map(|it| it.shares[test]).sum::<f64>() / of.len() as f64;
            let tests: Vec<f64> = (0..7).map(|test| 100.0 * share(test)).collect();
            let averages: Vec<f64> = of.iter().map(|it| it.average()).collect();
            let [mean, low, high] = interval(&averages).map(|it| 100.0 * it);
            let worst = tests.iter().copied().fold(100.0, f64::min);
            (tests, format!("{mean:.0} [{low:.0}, {high:.0}] | {worst:.0}"))
        };
        let ((tests, chosen), (_, back)) = (line(false), line(true));
        let tests: Vec<String> = tests.iter().map(|share| format!("{share:.0}")).collect();
        // Paired: the same photos.
        let ahead: Vec<f64> = all[DEFAULT]
            .iter()
            .zip(judged)
            .map(|(default, it)| default.average() - it.average())
            .collect();
        let [ahead, low, high] = interval(&ahead).map(|it| 100.0 * it);
        println!(
            "| {} | {} | {chosen} | {back} | {ahead:.0} [{low:.0}, {high:.0}] |",
            &name[3..],
            tests.join(" | ")
        );
    }
}

/// The same network with random weights.
fn untrained(net: &EfficientNetLite0) -> EfficientNetLite0 {
    use burn::module::{Module, ModuleMapper, Param};
    struct Shuffle;
    impl ModuleMapper for Shuffle {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let deviation = tensor.clone().powi_scalar(2).mean().sqrt().into_scalar::<f32>();
                let noise = Distribution::Normal(0.0, f64::from(deviation).max(1e-6));
                tensor.random_like(noise)
            })
        }
    }
    let device = Device::flex();
    device.seed(0);
    net.clone().map(&mut Shuffle)
}
