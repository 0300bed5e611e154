//! Values of randomisation metrics and axioms that Quantus has computed in double precision.

use std::cell::Cell;

use burn::tensor::{DType, FloatDType};
use saliency_core::{Schedule, Score, Target};
use saliency_metrics::{
    EfficientRandomisation, Experiment, ModelRandomisation, NullSensitivity, RowValues, Units,
};
use saliency_models::CifarCnn;
use saliency_testkit::{Golden, device, on_every_device, values};

const CLOSE: f64 = 1e-6;
/// From the output to the input.
const LAYERS: [&str; 5] = ["fc3", "fc2", "fc1", "conv2", "conv1"];

/// Returns the maps of a name: one for each row, with a value for each pixel.
fn maps(name: &str) -> Vec<Vec<f64>> {
    let maps = Golden::cifar_randomisation().tensor::<2>(name, &device());
    let width = maps.dims()[1];
    values(&maps).chunks(width).map(|row| row.iter().map(|it| f64::from(*it)).collect()).collect()
}

fn assert_rows(name: &str, found: &RowValues) {
    let golden = values(&Golden::cifar_randomisation().tensor::<1>(name, &device()));
    assert_eq!(found.values().len(), golden.len(), "{name}");
    let largest = golden.iter().fold(0f32, |most, value| most.max(value.abs()));
    for (row, (found, golden)) in found.values().iter().zip(golden).enumerate() {
        let error = (found.unwrap() - f64::from(golden)).abs() / f64::from(largest);
        assert!(error < CLOSE, "{name} row {row}: {found:?}, golden {golden}");
    }
}

#[test]
fn similarities_and_complexities_are_those_of_quantus() {
    let net = CifarCnn::embedded(&device());
    let names: Vec<String> = LAYERS.iter().map(|layer| format!("random_{layer}")).collect();
    let names: Vec<&str> =
        std::iter::once("original").chain(names.iter().map(String::as_str)).collect();
    let calls = Cell::new(0);
    let next = |_: &CifarCnn| {
        let call = calls.replace(calls.get() + 1);
        Ok(maps(names[call]))
    };
    let found = ModelRandomisation::new().values_of(&net, next).unwrap();
    let layers: Vec<&str> = found.steps.iter().map(|step| step.layer.as_str()).collect();
    assert_eq!(layers, LAYERS);
    for step in &found.steps {
        assert_rows(&format!("mprt_{}", step.layer), &step.similarity);
    }

    calls.set(0);
    let first_and_last = |_: &CifarCnn| {
        let call = calls.replace(calls.get() + 1);
        Ok(maps(if call == 0 { "original" } else { "random_conv1" }))
    };
    assert_rows("emprt", &EfficientRandomisation::new().values_of(&net, first_and_last).unwrap());

    // The similarity of the random target is that of layers, with signs.
    calls.set(0);
    let classes = |_: &CifarCnn| {
        let call = calls.replace(calls.get() + 1);
        Ok(maps(if call == 0 { "original" } else { "other_class" }))
    };
    let similarity = ModelRandomisation::new().with_signs().with_layers(["fc3"]);
    let found = similarity.values_of(&net, classes).unwrap();
    assert_rows("random_logit", &found.steps[0].similarity);
}

#[test]
fn non_sensitivity_is_that_of_quantus() {
    on_every_device(|compute| {
        if !compute.supports(FloatDType::F64) {
            return;
        }
        let device = compute.device();
        let golden = Golden::cifar_zero_baseline();
        let net = CifarCnn::embedded_in(device, DType::F64);
        let input = golden.tensor::<4>("input", device).cast(DType::F64);
        let target = Target::Classes(golden.targets());

        let probability = target.with_score(Score::Probability);
        let units = Units::values(3072);
        let experiment =
            Experiment::new(&net, input.clone(), probability, units, Schedule::new()).unwrap();
        let maps = golden.tensor::<4>("ig_midpoint_50", device).cast(DType::F64);
        let mut maps = experiment.unit_sums(maps).unwrap();
        for map in &mut maps {
            let largest = map.iter().fold(0f64, |most, value| most.max(value.abs()));
            map.iter_mut().for_each(|value| *value /= largest);
        }
        let zeros = experiment.fill(input.zeros_like()).unwrap();
        let metric = NullSensitivity::new().with_threshold(1e-5);
        let found = metric.disagreements(&experiment, &zeros, &maps, 1e-5).unwrap();
        assert_rows("non_sensitivity", &found);
    });
}
