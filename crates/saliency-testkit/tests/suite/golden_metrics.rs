//! Values of metrics that other libraries have computed in double precision.

use burn::tensor::{DType, Device, FloatDType, Tensor};
use saliency_core::kit::{Batch, Key};
use saliency_core::{Gradient, Schedule, Score, Target};
use saliency_metrics::{
    EffectiveComplexity, Entropy, Experiment, Infidelity, MassAccuracy, MaxSensitivity,
    Perturbation, PixelFlipping, PointingGame, RankAccuracy, RocArea, RowValues, Sparseness,
    TopKIntersection, Units,
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
