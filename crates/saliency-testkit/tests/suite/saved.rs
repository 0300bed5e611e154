//! Options of explainers are saved and restored.

use burn::tensor::Tensor;
use saliency_core::{
    Baseline, Distribution, Explainer, Gradient, InputTimesGradient, IntegratedGradients,
    MemoryBudget, NoiseScale, Parallelism, Rule, Schedule, SmoothGrad, Target, Timing, ValidRange,
};
use saliency_testkit::{device, square, values};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Explains with an explainer, and with the same one saved and restored.
fn check<M, E>(explainer: &E, model: &M)
where
    E: Explainer<M, Tensor<2>> + Serialize + DeserializeOwned + std::fmt::Debug,
{
    let saved = serde_json::to_string(explainer).unwrap();
    let restored: E = serde_json::from_str(&saved).unwrap();
    let x = Tensor::<2>::from_data([[1.0, -2.0], [0.5, 3.0]], &device());
    let explain = |explainer: &E| {
        let map = explainer.attribute_to(model, x.clone(), Target::Class(1)).unwrap();
        (values(&map.values), map.evaluations)
    };
    assert_eq!(explain(&restored), explain(explainer), "{saved}");
    assert_eq!(serde_json::to_string(&restored).unwrap(), saved);
}

#[test]
fn explainers_are_restored_as_they_were() {
    let schedule = Schedule::new()
        .with_chunk(3)
        .with_parallelism(Parallelism::Workers(2))
        .with_memory(MemoryBudget::new(1 << 20, 1 << 10));
    let model = square();
    check(&Gradient::new().with_schedule(schedule.clone()), &model);
    check(&InputTimesGradient::new(), &model);
    let tensor = Tensor::<2>::from_data([[0.25, -0.1]], &device());
    for baseline in [
        Baseline::constant(0.5),
        Baseline::uniform(-1.0, 1.0, 3),
        Baseline::tensor(tensor.clone()),
        Baseline::each([Baseline::tensor(tensor)]),
    ] {
        let ig = IntegratedGradients::new().with_baseline(baseline).with_steps(4);
        check(&ig.clone().with_rule(Rule::Placed).with_schedule(schedule.clone()), &model);
        check(&ig.with_tolerance(0.1).with_max_gradients(20), &model);
    }
    let noise = SmoothGrad::new(Gradient::new())
        .with_samples(3)
        .with_seed(7)
        .with_noise(NoiseScale::Absolute(0.2))
        .with_distribution(Distribution::Uniform);
    check(&noise, &model);
    let range = ValidRange::new(-4.0, 4.0);
    check(&noise.clone().with_valid_range(range.clone()), &model);
    check(&noise.with_noise(NoiseScale::adaptive(range, 0.9)), &model);
    let timing = Timing::new().with_samples(3).with_seed(7).with_segment_lengths(1, 1);
    check(&timing.with_time_axis(1).with_baseline(Baseline::constant(0.5)), &model);
}

#[test]
fn a_saved_baseline_with_a_wrong_shape_is_refused() {
    let saved = r#"{"Tensors":[{"shape":[1,3],"values":[1.0,2.0]}]}"#;
    let error = serde_json::from_str::<Baseline>(saved).unwrap_err().to_string();
    assert!(error.contains("shape [1, 3]") && error.contains("found 2"), "{error}");
}
