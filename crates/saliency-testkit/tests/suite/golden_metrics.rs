//! Values of metrics that other libraries have computed in double precision.

use burn::tensor::{DType, Device, FloatDType, Tensor};
use saliency_core::kit::{Batch, Key};
use saliency_core::{Gradient, Schedule, Score, Target, pure_function};
use saliency_metrics::{
    Cover, EffectiveComplexity, Entropy, Experiment, Fill, Infidelity, InformationCurve,
    MassAccuracy, MaxSensitivity, Monotonicity, MonotonicityCorrelation, Neighbours, Perturbation,
    PixelFlipping, PointingGame, RankAccuracy, RelativeInputStability, RelativeOutputStability,
    Road, RocArea, RowValues, Sparseness, TopKIntersection, Units,
};
use saliency_models::CifarCnn;
use saliency_testkit::{Golden, device, on_every_device, values};

const CLOSE: f64 = 1e-6;

/// The input, the classes and the maps that the golden values are for.
struct Sample {
    net: CifarCnn,
    input: Tensor<4>,
    target: Target,
    maps: Golden,
    device: Device,
}

impl Sample {
    fn on(device: &Device) -> Self {
        let maps = Golden::cifar_zero_baseline();
        Self {
            net: CifarCnn::embedded_in(device, DType::F64),
            input: maps.tensor("input", device).cast(DType::F64),
            target: Target::Classes(maps.targets()),
            maps,
            device: device.clone(),
        }
    }

    fn map(&self, name: &str) -> Tensor<4> {
        self.maps.tensor::<4>(name, &self.device).cast(DType::F64)
    }

    fn experiment(&self, units: Units, target: Target) -> Experiment<'_> {
        let schedule = Schedule::new();
        Experiment::new(&self.net, self.input.clone(), target, units, schedule).unwrap()
    }

    /// Returns the probabilities of the classes that the network answers: the metrics that follow
    /// answers explain these.
    fn answers(&self) -> Target {
        let logits = values(&self.maps.tensor::<2>("logits", &device()));
        let largest = |row: &[f32]| {
            saliency_metrics::ranking(&row.iter().map(|&it| f64::from(it)).collect::<Vec<_>>())[0]
        };
        let classes = logits.chunks(10).map(largest).collect();
        Target::Classes(classes).with_score(Score::Probability)
    }

    /// Returns a map's sums over units.
    fn sums(&self, name: &str, units: Units) -> Vec<Vec<f64>> {
        self.experiment(units, self.target.clone()).unit_sums(self.map(name)).unwrap()
    }
}

const MAP: &str = "ig_midpoint_50";

fn assert_golden(name: &str, found: &[f64]) {
    let golden = values(&Golden::cifar_metrics().tensor::<1>(name, &device()));
    assert_eq!(found.len(), golden.len(), "{name}");
    let largest = golden.iter().fold(0f32, |most, value| most.max(value.abs()));
    for (row, (found, golden)) in found.iter().zip(golden).enumerate() {
        let error = (found - f64::from(golden)).abs() / f64::from(largest);
        assert!(error < CLOSE, "{name} row {row}: {found}, golden {golden}");
    }
}

/// Compares all values of a table with the golden ones.
fn assert_all(name: &str, found: &[f64]) {
    let golden = values(&Golden::cifar_metrics().tensor::<2>(name, &device()));
    let largest = golden.iter().fold(0f32, |most, value| most.max(value.abs()));
    let errors = found.iter().zip(&golden).map(|(found, it)| (found - f64::from(*it)).abs());
    let error = errors.fold(0.0, f64::max) / f64::from(largest);
    assert!(found.len() == golden.len() && error < CLOSE, "{name}: {error:.1e}");
}

fn assert_rows(name: &str, found: &RowValues) {
    assert_golden(name, &found.values().iter().map(|value| value.unwrap()).collect::<Vec<_>>());
}

/// Returns a square of 12 x 12 pixels for each row, each farther down.
fn masks(rows: usize) -> Vec<Vec<bool>> {
    let inside = |row: usize, pixel: usize| {
        let (y, x) = (pixel / 32, pixel % 32);
        (4 + 6 * row..16 + 6 * row).contains(&y) && (10..22).contains(&x)
    };
    (0..rows).map(|row| (0..1024).map(|pixel| inside(row, pixel)).collect()).collect()
}

/// Perturbs by the numbers that the recipe makes, between -radius and radius.
fn perturbation(radius: f64) -> Perturbation {
    Perturbation::own(move |rows: &Batch, keys: &[Key]| {
        let number = |key: &Key, at: u64| {
            let number = (key.row * 7919 + key.sample * 104_729 + at * 1_299_709) % 2001;
            (number as f64 - 1000.0) / 1000.0 * radius
        };
        let numbers = keys.iter().flat_map(|key| (0..3072).map(move |at| number(key, at) as f32));
        let numbers: Vec<f32> = numbers.collect();
        Ok(rows.map(|part| {
            let numbers = Tensor::<1>::from_data(&numbers[..], (&part.device(), part.dtype()));
            numbers.reshape(part.dims())
        }))
    })
}

#[test]
fn localisation_and_complexity_are_those_of_quantus() {
    let sample = Sample::on(&device());
    let pixels = sample.sums(MAP, Units::pixels([3, 32, 32]));
    let masks = masks(pixels.len());
    let check = |name: &str, found: saliency_metrics::Result<RowValues>| {
        assert_rows(name, &found.unwrap());
    };
    check("pointing_game", PointingGame::new().values(&pixels, &masks));
    check("mass_accuracy", MassAccuracy::new().values(&pixels, &masks));
    let absolute = MassAccuracy::new().with_absolute_values();
    check("mass_accuracy_absolute", absolute.values(&pixels, &masks));
    check("rank_accuracy", RankAccuracy::new().values(&pixels, &masks));
    check("roc_area", RocArea::new().values(&pixels, &masks));
    let top = TopKIntersection::new().with_k(100);
    check("top_k", top.values(&pixels, &masks));
    check("top_k_chance", top.with_chance_divided_out().values(&pixels, &masks));

    let values = sample.sums(MAP, Units::values(3072));
    assert_rows("entropy", &Entropy::new().values(&values));
    check("effective_complexity", EffectiveComplexity::new().with_threshold(0.01).values(&values));
    // Quantus adds 1e-7 to each share of the largest value.
    let shifted = Sparseness::new().values(&values).defined().into_iter().zip(&values);
    let shifted = shifted.map(|(found, map)| {
        let largest = map.iter().fold(0f64, |most, value| most.max(value.abs()));
        let sum = map.iter().map(|value| value.abs() / largest).sum::<f64>();
        found * sum / (sum + 1e-7 * map.len() as f64)
    });
    assert_golden("sparseness", &shifted.collect::<Vec<_>>());
}

#[test]
fn pixel_flipping_is_that_of_quantus() {
    on_every_device(|compute| {
        if !compute.supports(FloatDType::F64) {
            return;
        }
        let sample = Sample::on(compute.device());
        let maps = sample.sums(MAP, Units::values(3072));
        let target = sample.target.clone().with_score(Score::Probability);
        let experiment = sample.experiment(Units::values(3072), target);
        let flipping = PixelFlipping::new().with_step(32);
        for (name, flipping) in
            [("pixel_flipping", flipping), ("pixel_flipping_zero", flipping.with_value(0.0))]
        {
            let curves = flipping.curves(&experiment, &maps).unwrap();
            let golden = Golden::cifar_metrics().tensor::<2>(name, &device());
            let found = curves.rows().iter().flat_map(|row| row.clone().unwrap());
            let errors = found.zip(values(&golden));
            let largest =
                errors.map(|(found, it)| (found - f64::from(it)).abs()).fold(0.0, f64::max);
            assert!(largest < CLOSE, "{name}: {largest:.1e}");
        }
    });
}

#[test]
fn infidelity_and_sensitivity_are_those_of_captum() {
    on_every_device(|compute| {
        if !compute.supports(FloatDType::F64) {
            return;
        }
        let sample = Sample::on(compute.device());
        let experiment = sample.experiment(Units::values(3072), sample.target.clone());
        let metric = Infidelity::new().with_perturbation(perturbation(0.2)).with_draws(10);
        for (name, map) in [("infidelity", "gradient"), ("infidelity_ig", MAP)] {
            let map = experiment.attribution(sample.map(map)).unwrap();
            assert_rows(name, &metric.values(&experiment, &map).unwrap());
            let scaled = metric.clone().with_optimal_scale().values(&experiment, &map).unwrap();
            assert_rows(&format!("{name}_scaled"), &scaled);
        }
        let metric = MaxSensitivity::new().with_perturbation(perturbation(0.02)).with_draws(10);
        let (input, target) = (sample.input.clone(), sample.target.clone());
        let found = metric.values(&Gradient::new(), &sample.net, input, target).unwrap();
        assert_rows("max_sensitivity", &found);
    });
}

/// Adds the numbers of the recipe, and rounds to single precision, in which Quantus hands inputs to
/// the network.
fn rounded_perturbation(radius: f64) -> Perturbation {
    Perturbation::own(move |rows: &Batch, keys: &[Key]| {
        let number = |key: &Key, at: u64| {
            let number = (key.row * 7919 + key.sample * 104_729 + at * 1_299_709) % 2001;
            f64::from(((number as f64 - 1000.0) / 1000.0 * radius) as f32)
        };
        let numbers = keys.iter().flat_map(|key| (0..3072).map(move |at| number(key, at)));
        let numbers: Vec<f64> = numbers.collect();
        Ok(rows.map(|part| {
            let x = part.clone().try_into_vec_as::<f64>().unwrap();
            let moved = x.iter().zip(&numbers).map(|(x, add)| f64::from((x + add) as f32) - x);
            let moved: Vec<f64> = moved.collect();
            let moved = Tensor::<1>::from_data(&moved[..], (&part.device(), part.dtype()));
            moved.reshape(part.dims())
        }))
    })
}

#[test]
fn imputation_and_road_are_those_of_quantus() {
    let sample = Sample::on(&device());
    let pixels = sample.sums(MAP, Units::pixels([3, 32, 32]));
    // The identity shows what is imputed.
    let shown = pure_function(|x: Tensor<4>| x.flatten::<2>(1, 3));
    let (input, units) = (sample.input.clone(), Units::pixels([3, 32, 32]));
    let experiment =
        Experiment::new(&shown, input, Target::Class(0), units, Schedule::new()).unwrap();
    let exact = Neighbours::new().with_noise(0.0);
    let covers: Vec<Cover> = pixels
        .iter()
        .enumerate()
        .map(|(row, map)| Cover::of(row, 1024, &saliency_metrics::ranking(map)[..512]))
        .collect();
    let found = experiment.covered_outputs(&Fill::from(exact), &covers).unwrap();
    assert_all("road_imputed", &found.concat());

    let experiment = sample.experiment(Units::pixels([3, 32, 32]), sample.answers());
    let shares: Vec<f64> = (1..8).map(|step| f64::from(step) / 8.0).collect();
    let road = Road::new().with_imputation(exact).with_shares(shares);
    let curves = |road: &Road| -> Vec<Vec<f64>> {
        let curves = road.curves(&experiment, &pixels).unwrap();
        curves.rows().iter().map(|row| row.clone().unwrap()).collect()
    };
    assert_all("road", &curves(&road).concat());
    let right = curves(&road.with_accuracy());
    let accuracy: Vec<f64> =
        (0..7).map(|share| right.iter().map(|row| row[share]).sum::<f64>() / 3.0).collect();
    assert_golden("road_accuracy", &accuracy);
}

#[test]
fn monotonicity_is_that_of_quantus() {
    let sample = Sample::on(&device());
    let maps = sample.sums(MAP, Units::values(3072));
    let experiment = sample.experiment(Units::values(3072), sample.answers());
    let least = sample.input.clone().reshape([3, 3072]).min_dim(1).reshape([3, 1, 1, 1]);
    let black = experiment.fill(sample.input.zeros_like() + least).unwrap();
    let found: Vec<f64> = [1024, 512, 256, 64]
        .into_iter()
        .flat_map(|step| {
            let metric = Monotonicity::new().with_absolute_values().with_step(step);
            metric.values(&experiment, &black, &maps).unwrap().defined()
        })
        .collect();
    assert_golden("monotonicity", &found);

    let fill = |value| experiment.fill(sample.input.full_like(value)).unwrap();
    let fills = [0.1, -0.4, 0.7].map(fill);
    let metric = MonotonicityCorrelation::new().with_step(64);
    let found = metric.values(&experiment, &fills, &maps).unwrap();
    assert_rows("monotonicity_correlation", &found);
}

#[test]
fn relative_stability_is_that_of_quantus() {
    let sample = Sample::on(&device());
    let (input, target) = (&sample.input, &sample.target);
    let explainer = Gradient::new();
    let draws = rounded_perturbation(0.02);
    let metric = RelativeInputStability::new().with_perturbation(draws.clone());
    let found = metric.values(&explainer, &sample.net, input.clone(), target.clone());
    assert_rows("relative_input_stability", &found.unwrap());
    let metric = RelativeOutputStability::new().with_perturbation(draws);
    let found = metric.values(&explainer, &sample.net, input.clone(), target.clone());
    assert_rows("relative_output_stability", &found.unwrap());
}

/// Returns the total variation of a picture of [3, 32, 32].
fn variation(values: &[f64]) -> f64 {
    let change = |at: usize| {
        let right = if at % 32 < 31 { (values[at + 1] - values[at]).abs() } else { 0.0 };
        let down = if at % 1024 < 992 { (values[at + 32] - values[at]).abs() } else { 0.0 };
        right + down
    };
    (0..values.len()).map(change).sum()
}

#[test]
fn information_curves_are_those_of_pair() {
    let sample = Sample::on(&device());
    // PAIR takes photos of bytes.
    let photo = ((sample.input.clone() + 1.0) * 127.5).round() / 127.5 - 1.0;
    let (units, schedule) = (Units::pixels([3, 32, 32]), Schedule::new());
    let pixels = sample.sums(MAP, units.clone());
    let experiment =
        Experiment::new(&sample.net, photo, sample.answers(), units, schedule).unwrap();
    let metric = InformationCurve::new()
        .with_known_units((0..1024).map(|pixel| pixel % 61 == 0).collect::<Vec<_>>())
        .with_least_score(0.0);
    let fill = Fill::from(Neighbours::new().with_noise(0.0));
    let area =
        |metric: &InformationCurve| metric.values(&experiment, &fill, &pixels, variation).unwrap();
    assert_rows("sic", &area(&metric));
    assert_rows("aic", &area(&metric.with_accuracy()));
}

#[test]
fn curves_of_pair_follow_from_its_sizes_and_predictions() {
    let golden = Golden::cifar_metrics();
    let table = |name| -> Vec<Vec<f64>> {
        let values = values(&golden.tensor::<2>(name, &device()));
        values.chunks(15).map(|row| row.iter().map(|&it| f64::from(it)).collect()).collect()
    };
    let (sizes, predictions) = (table("pic_sizes"), table("pic_predictions"));
    // An input of 14 ones, whose number stands for the copy; 13 shares, each shows one more.
    let map: Vec<f64> = (0..14).map(f64::from).collect();
    let shares: Vec<f64> = (1..14).map(|step| (f64::from(step) - 0.5) / 13.0).collect();
    let metric = InformationCurve::new().with_shares(shares).with_least_score(0.0);
    let area = |(sizes, predictions): (&Vec<f64>, Vec<f64>)| {
        let model = pure_function(move |x: Tensor<2>| {
            let count = x.sum_dim(1);
            let found = |(copy, value): (usize, &f64)| {
                count.clone().equal_elem(copy as f64).float().cast(DType::F64) * *value
            };
            predictions.iter().enumerate().map(found).reduce(|sum, it| sum + it).unwrap()
        });
        let x = Tensor::<2>::ones([1, 14], (&device(), DType::F64));
        let (target, units) = (Target::Class(0), Units::values(14));
        let experiment =
            Experiment::new(&model, x.clone(), target, units, Schedule::new()).unwrap();
        let zeros = experiment.fill(x.zeros_like()).unwrap();
        let shown = |values: &[f64]| sizes[values.iter().sum::<f64>() as usize];
        metric.values(&experiment, &zeros, std::slice::from_ref(&map), shown).unwrap().defined()[0]
    };
    let found: Vec<f64> = sizes.iter().zip(predictions).map(area).collect();
    assert_golden("pic_area", &found);
}
