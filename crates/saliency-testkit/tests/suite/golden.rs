//! Answers that another library has computed in double precision.

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, FloatDType, Tensor};
use saliency_backends::ComputeDevice;
use saliency_core::{
    Attribution, Baseline, Explainer, Gradient, InputTimesGradient, IntegratedGradients, Model,
    Rule, Schedule, Split, Target,
};
use saliency_models::{CifarCnn, EfficientNetLite0, LastConvolution, imagenet, photos};
use saliency_photo::Preparation;
use saliency_testkit::{
    Golden, assert_close, cosine, device, largest_error, on_every_device, read_pytorch, schedule,
    values,
};

type Map = Attribution<Tensor<4>>;

/// Checks that the completeness gap of every row is the golden one. It is a difference of sums, so
/// its error is measured relative to the score that it is a gap of.
fn assert_gap(name: &str, map: &Map, golden: &Golden, what: &str, close: f32) {
    let deltas = values(&golden.tensor::<1>(&format!("{what}_delta"), &device()));
    let gaps = map.completeness_gap.as_ref().unwrap();
    for (row, (gap, delta)) in gaps.iter().zip(deltas).enumerate() {
        let error = (gap - f64::from(delta)).abs() / map.scores[row].abs();
        println!("{name} row {row}: gap {gap:.6}, golden {delta:.6}");
        assert!(error < f64::from(close), "{name} row {row}: {error:.2e}");
    }
}

/// The CIFAR network in some precision, with golden values.
struct Cifar<'a> {
    name: &'a str,
    golden: Golden,
    compute: &'a ComputeDevice,
    precision: DType,
    /// The largest error that is allowed, relative to the largest value.
    close: f32,
}

impl Cifar<'_> {
    fn tensor(&self, name: &str) -> Tensor<4> {
        self.golden.tensor::<4>(name, self.compute.device()).cast(self.precision)
    }

    fn check(&self, what: &str, found: &Tensor<4>, close: f32) {
        let found = found.clone().cast(DType::F32);
        let expected = self.tensor(what).cast(DType::F32);
        assert_close(&format!("{} {what}", self.name), &found, &expected, close);
    }

    /// Compares logits, gradients and Integrated Gradients with the golden values. `near_start` is
    /// what points near the baseline may add to the error of Gauss-Legendre points.
    fn compare(&self, points: &[usize], near_start: f32) {
        let (device, close) = (self.compute.device(), self.close);
        let net = CifarCnn::embedded_in(device, self.precision);
        let input = self.tensor("input");
        let target = Target::Classes(self.golden.targets());
        let explain = |explainer: &dyn Explainer<CifarCnn, Tensor<4>>| -> Map {
            explainer.attribute_to(&net, input.clone(), target.clone()).unwrap()
        };
        let rows = (0..input.dims()[0]).map(|row| net.forward(input.clone().narrow(0, row, 1)));
        let logits = Tensor::cat(rows.collect(), 0).cast(DType::F32);
        let expected = self.golden.tensor("logits", device);
        assert_close(&format!("{} logits", self.name), &logits, &expected, close);

        let schedule = schedule(self.compute);
        let gradient = explain(&Gradient::new().with_schedule(schedule.clone()));
        self.check("gradient", &gradient.values, close);
        let product = InputTimesGradient::new().with_schedule(schedule.clone());
        self.check("input_x_gradient", &explain(&product).values, close);
        for (rule, name, near_start) in
            [(Rule::Midpoint, "midpoint", 0.0), (Rule::GaussLegendre, "gauss_legendre", near_start)]
        {
            for &steps in points {
                let explainer = IntegratedGradients::new()
                    .with_rule(rule)
                    .with_steps(steps)
                    .with_baseline(Baseline::tensor(self.tensor("baseline")))
                    .with_schedule(schedule.clone());
                let map = explain(&explainer);
                let what = format!("ig_{name}_{steps}");
                let close = close + near_start;
                self.check(&what, &map.values, close);
                assert_gap(&format!("{} {what}", self.name), &map, &self.golden, &what, close);
            }
        }
    }
}

/// Compares in single precision, and more strictly in double precision where a device has it.
fn cifar(name: &str, golden: fn() -> Golden, points: &[usize], near_start: f32) {
    on_every_device(|compute| {
        let close = compute.tolerance(FloatDType::F32) as f32;
        let single = Cifar { name, golden: golden(), compute, precision: DType::F32, close };
        single.compare(points, near_start);
        if compute.supports(FloatDType::F64) {
            let double = Cifar { precision: DType::F64, close: 1e-6, golden: golden(), ..single };
            double.compare(points, 0.0);
        }
    });
}

#[test]
fn cifar_network_from_a_zero_baseline() {
    cifar("zero baseline", Golden::cifar_zero_baseline, &[10, 50], 0.0);
}

/// All pixels of a black photo are alike. At the first two of 50 Gauss-Legendre points, those of a
/// window of a pool still are, up to rounding, which then decides which of them gets the gradient.
/// The two points have 0.5 % of the weight, and their gradients may be 30 % off.
#[test]
fn cifar_network_from_a_black_baseline() {
    cifar("black baseline", Golden::cifar_black_baseline, &[50], 0.0015);
}

fn coffee(device: &Device) -> (Golden, Tensor<4>, Target) {
    let golden = Golden::lite0_coffee();
    let (input, target) = (golden.tensor("input", device), Target::Class(golden.targets()[0]));
    (golden, input, target)
}

/// Returns the original weights, which are too large to ship: `SALIENCY_LITE0_WEIGHTS` names the
/// file `efficientnet-lite0-57934424.pth`. `.ci/run` downloads it.
fn original_weights() -> Option<PathBuf> {
    let path = std::env::var_os("SALIENCY_LITE0_WEIGHTS").map(PathBuf::from);
    if path.is_none() {
        println!("skipped: SALIENCY_LITE0_WEIGHTS does not name the original weights");
    }
    path
}

/// Makes the network with the original weights.
fn lite0(path: &Path, device: &Device, precision: DType) -> EfficientNetLite0 {
    EfficientNetLite0::from_original(read_pytorch(path).unwrap(), device, precision).unwrap()
}

/// A map and the golden one.
struct Pair {
    what: &'static str,
    found: Tensor<4>,
    expected: Tensor<4>,
}

/// Compares logits and completeness gap with the golden ones; returns the gradient and the map of
/// Integrated Gradients beside the golden ones.
fn original(path: &Path, precision: DType, close: f32) -> [Pair; 2] {
    let device = device();
    let name = |what: &str| format!("lite0 {precision:?} {what}");
    let net = lite0(path, &device, precision);
    let (golden, input, target) = coffee(&device);
    let input = input.cast(precision);
    let logits = net.forward(input.clone());
    assert_close(&name("logits"), &logits, &golden.tensor("logits", &device), close);
    let gradient = Gradient::new().attribute_to(&net, input.clone(), target.clone()).unwrap();
    let explainer = IntegratedGradients::new().with_steps(20).with_rule(Rule::Midpoint);
    let map = explainer.attribute_to(&net, input, target).unwrap();
    assert_gap(&name("IG"), &map, &golden, "ig_midpoint_20", close);
    let expected = |what| golden.tensor(what, &device);
    [
        Pair { what: "gradient", found: gradient.values, expected: expected("gradient") },
        Pair { what: "IG", found: map.values, expected: expected("ig_midpoint_20") },
    ]
}

/// Compares in the precision of the golden values: everything agrees to the rounding of the file.
#[test]
fn efficientnet_lite0_with_its_original_weights_in_double_precision() {
    const CLOSE: f32 = 1e-6;
    let Some(path) = original_weights() else { return };
    for Pair { what, found, expected } in original(&path, DType::F64, CLOSE) {
        assert_close(&format!("lite0 F64 {what}"), &found, &expected, CLOSE);
    }
}

/// Compares with Captum's Grad-CAM: gradients at the last convolution, averaged over its area and
/// multiplied by the activation there. A constant differs, because Captum's point is before
/// BatchNorm, which is folded here.
#[test]
fn gradients_at_the_last_convolution_make_grad_cam() {
    let Some(path) = original_weights() else { return };
    let device = device();
    let net = lite0(&path, &device, DType::F64);
    let (golden, input, target) = coffee(&device);
    let split = Split::at(&net, LastConvolution);
    let activation = split.activation(input.cast(DType::F64), &Schedule::new()).unwrap();
    let map = Gradient::new().attribute_to(split.after(), activation.clone(), target).unwrap();
    let weights = map.values.mean_dim(2).mean_dim(3);
    let centred = |map: Tensor<4>| map.clone() - map.mean_dim(2).mean_dim(3);
    let cam = centred((activation * weights).sum_dim(1));
    let expected = golden.tensor("grad_cam_conv_head", &device);
    assert_close("Grad-CAM", &cam.cast(DType::F32), &centred(expected), 1e-5);
}

/// Compares in single precision, in which gradients are not continuous enough to be that close: a
/// change of the input in its last bit moves single values of Integrated Gradients by 5e-3 of the
/// largest, because a few ReLUs along the path switch sides. One ReLU that switches at the photo moves
/// single values of the gradient by 3e-3. The maps as a whole are right.
#[test]
fn efficientnet_lite0_with_its_original_weights_in_single_precision() {
    let Some(path) = original_weights() else { return };
    let sum = |tensor: Tensor<4>| tensor.abs().sum().into_scalar::<f32>();
    let check = |pair: Pair, largest: f32, whole: f32| {
        let Pair { what, found, expected } = pair;
        assert_close(&format!("lite0 F32 {what}"), &found, &expected, largest);
        let error = sum(found - expected.clone()) / sum(expected);
        println!("lite0 F32 {what}: relative L1 error {error:.2e}");
        assert!(error < whole, "{what}");
    };
    let [gradient, ig] = original(&path, DType::F32, 1e-3);
    check(gradient, 5e-3, 2e-4);
    check(ig, 2e-2, 2e-3);
}

#[test]
fn efficientnet_lite0_with_the_embedded_half_precision_weights() {
    let device = device();
    let net = EfficientNetLite0::embedded(&device);
    let (golden, input, target) = coffee(&device);
    let found = net.forward(input.clone());
    let expected: Tensor<2> = golden.tensor("logits", &device);
    println!("logits: {:.2e} of the largest value", largest_error(&found, &expected));
    let class = golden.targets()[0];
    let top = |logits: &Tensor<2>| logits.clone().argmax(1).into_scalar::<i64>() as usize;
    assert_eq!((top(&found), top(&expected)), (class, class));
    let probability =
        |logits: Tensor<2>| values(&burn::tensor::activation::softmax(logits, 1))[class];
    let (found, expected) = (probability(found), probability(expected));
    println!("probability: {found:.4}, in double precision {expected:.4}");
    assert!((found - expected).abs() < 0.01);

    let map = Gradient::new().attribute_to(&net, input, target).unwrap();
    let cosine = cosine(&map.values, &golden.tensor("gradient", &device));
    println!("cosine of the gradients: {cosine:.5}");
    assert!(cosine > 0.99);
}

#[test]
fn the_photos_that_ship_are_what_they_show() {
    let device = device();
    let net = EfficientNetLite0::embedded(&device);
    for (photo, name) in [(photos::chelsea(), "Egyptian cat"), (photos::coffee(), "espresso")] {
        let input = Preparation::imagenet().tensor(&photo, &device);
        let class = net.forward(input).argmax(1).into_scalar::<i64>();
        assert_eq!(imagenet::name(class as usize), Some(name));
    }
}
