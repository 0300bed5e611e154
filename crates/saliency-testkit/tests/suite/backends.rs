//! Every backend of the build must agree with Flex.

use std::sync::{Arc, Mutex};

use burn::tensor::{Device, FloatDType, Tensor};
use saliency_backends::{Backend, ComputeDevice, Hardware};
use saliency_core::methods::{OverNoise, Variance};
use saliency_core::{
    Baseline, Error, Explainer, Gradient, IntegratedGradients, NoiseScale, SmoothGrad, Target,
    pure_function,
};
use saliency_models::{CifarCnn, EfficientNetLite0, photos};
use saliency_photo::Preparation;
use saliency_testkit::{
    Golden, assert_close, device, largest_error, on_every_device, schedule, square, values,
};

/// The most by which a backend may differ from Flex, relative to the largest absolute value.
const PROMISED: f32 = 1e-3;

fn bits<const D: usize>(tensor: &Tensor<D>) -> Vec<u32> {
    values(tensor).into_iter().map(f32::to_bits).collect()
}

#[test]
fn maps_of_a_network_are_those_of_flex() {
    let golden = Golden::cifar_zero_baseline();
    on_every_device(|compute| {
        let explain = |device: &Device, explainer: &dyn Explainer<CifarCnn, Tensor<4>>| {
            let input = golden.tensor("input", device);
            explainer.attribute(&CifarCnn::embedded(device), input).unwrap()
        };
        let schedule = || schedule(compute);
        let gradient = || Gradient::new().with_schedule(schedule());
        let smooth = SmoothGrad::new(gradient()).with_samples(10).with_seed(3);
        let variance = OverNoise::<_, Variance>::new(gradient()).with_samples(10).with_seed(3);
        let explainers: [(&str, Box<dyn Explainer<_, _>>); 4] = [
            ("gradient", Box::new(gradient())),
            ("IG", Box::new(IntegratedGradients::new().with_schedule(schedule()))),
            ("SmoothGrad", Box::new(smooth.with_schedule(schedule()))),
            ("variance over noise", Box::new(variance.with_schedule(schedule()))),
        ];
        for (name, explainer) in &explainers {
            let (flex, map) = (explain(&device(), explainer), explain(compute.device(), explainer));
            assert_eq!(map.targets, flex.targets);
            let what = format!("{} {name}", compute.backend());
            assert_close(&what, &map.values, &flex.values, PROMISED);
        }
    });
}

#[test]
fn noise_is_the_same_everywhere_to_the_last_bit() {
    let x = |device: &Device| Tensor::<2>::from_data([[0.5, -1.0, 0.0], [2.0, 0.1, 3.0]], device);
    on_every_device(|compute| {
        // The gradient of (x + ε)² is x + ε twice, without rounding.
        let one = SmoothGrad::default().with_samples(1).with_noise(NoiseScale::Absolute(0.3));
        let draw = |device: &Device| {
            let map =
                one.clone().with_seed(11).attribute_to(&square(), x(device), Target::Class(0));
            bits(&map.unwrap().values)
        };
        assert_eq!(draw(compute.device()), draw(&device()));
        // From a random baseline to itself plus something: the baseline's numbers.
        let uniform = IntegratedGradients::new().with_baseline(Baseline::uniform(-1.0, 1.0, 5));
        let scores = |device: &Device| {
            let map = uniform.attribute_to(&square(), x(device), Target::Class(0)).unwrap();
            map.baseline_scores
        };
        assert_eq!(scores(compute.device()), scores(&device()));
    });
}

#[test]
fn the_same_call_gives_the_same_bits_again() {
    let golden = Golden::cifar_black_baseline();
    on_every_device(|compute| {
        let net = CifarCnn::embedded(compute.device());
        let path = IntegratedGradients::new().with_steps(3).with_schedule(schedule(compute));
        let explainer = SmoothGrad::new(path).with_samples(4).with_schedule(schedule(compute));
        let input = || golden.tensor("input", compute.device());
        let first = explainer.attribute(&net, input()).unwrap();
        let second = explainer.attribute(&net, input()).unwrap();
        assert_eq!(bits(&first.values), bits(&second.values), "{}", compute.backend());
    });
}

/// Returns whether the photo network is explained here. A GPU in software takes minutes for it;
/// `SALIENCY_TEST_PHOTO=1` explains it there too.
fn explains_photos(compute: &ComputeDevice) -> bool {
    let slow = compute.hardware() == Hardware::SoftwareGpu;
    let explains = !slow || std::env::var_os("SALIENCY_TEST_PHOTO").is_some();
    if !explains {
        println!("left out on {}: set SALIENCY_TEST_PHOTO=1", compute.backend());
    }
    explains
}

/// Explains the cat in the given precision.
fn explain_cat(
    device: &Device,
    precision: FloatDType,
    explainer: &dyn Explainer<EfficientNetLite0, Tensor<4>>,
) -> Tensor<4> {
    let input = Preparation::imagenet().tensor(&photos::chelsea(), device).cast(precision);
    let net = EfficientNetLite0::embedded_in(device, precision.into());
    let map = explainer.attribute(&net, input).unwrap();
    assert_eq!(map.targets, [Some(285)]);
    map.values
}

/// Compares maps of a deep network. With ReLUs, rounding sometimes decides on which side of a bend
/// an activation is, so that single pixels differ by more than the map as a whole: in single
/// precision Flex itself is off by 1.7e-2 at the worst pixel, and by 1.8e-4 over the map. In double
/// precision this effect is gone.
#[test]
fn the_photo_network_is_explained_as_on_flex() {
    on_every_device(|compute| {
        if !explains_photos(compute) {
            return;
        }
        let path = IntegratedGradients::new().with_steps(10);
        let explainers: [(_, &dyn Explainer<_, _>, _); 2] =
            [("gradient", &Gradient::new(), 1e-3), ("IG", &path, 5e-3)];
        for (name, explainer, allowed) in explainers {
            let on = |device: &Device| explain_cat(device, FloatDType::F32, explainer);
            let (map, flex) = (on(compute.device()), on(&device()));
            let sum = |tensor: &Tensor<4>| values(tensor).into_iter().map(f32::abs).sum::<f32>();
            let difference = values(&map).into_iter().zip(values(&flex));
            let difference: f32 = difference.map(|(a, b)| (a - b).abs()).sum();
            let (error, largest) = (difference / sum(&flex), largest_error(&map, &flex));
            println!("{name}: {error:.2e} of the map, {largest:.2e} of the largest value");
            assert!(error < allowed && largest < 3e-2, "{name}: {error}, {largest}");
        }
        if compute.supports(FloatDType::F64) {
            let on = |device: &Device| explain_cat(device, FloatDType::F64, &Gradient::new());
            let (map, flex) = (on(compute.device()), on(&device()));
            let largest = largest_error(&map.cast(FloatDType::F32), &flex.cast(FloatDType::F32));
            println!("gradient in double precision: {largest:.2e} of the largest value");
            assert!(largest < 1e-6, "{largest}");
        }
    });
}

#[test]
fn lower_precision_costs_what_is_stated() {
    let golden = Golden::cifar_zero_baseline();
    on_every_device(|compute| {
        let input = golden.tensor::<4>("input", &device());
        let exact = IntegratedGradients::new().attribute(&CifarCnn::embedded(&device()), input);
        let exact = exact.unwrap().values;
        for precision in [FloatDType::F16, FloatDType::BF16] {
            if !compute.supports(precision) {
                println!("{} does not compute in {precision:?}", compute.backend());
                continue;
            }
            let net = CifarCnn::embedded_in(compute.device(), precision.into());
            let input = golden.tensor::<4>("input", compute.device()).cast(precision);
            let map = IntegratedGradients::new().attribute(&net, input).unwrap();
            let stated = compute.tolerance(precision) as f32;
            let what = format!("{} IG in {precision:?}", compute.backend());
            assert_close(&what, &map.values, &exact, stated);
        }
    });
}

/// Exhausts a GPU's memory. A GPU in software has buffers of a gigabyte at most; a GPU with enough
/// memory computes everything at once.
#[test]
fn chunks_that_memory_does_not_suffice_for_are_halved() {
    on_every_device(|compute| {
        if compute.hardware() == Hardware::Cpu {
            // If a CPU's memory is too small, the program ends: hence memory budgets.
            return;
        }
        let given: Arc<Mutex<Vec<usize>>> = Arc::default();
        let explain = |mebibytes: usize, rows: usize| {
            let given = Arc::clone(&given);
            let model = pure_function(move |x: Tensor<2>| {
                given.lock().unwrap().push(x.dims()[0]);
                let large = x.repeat_dim(1, mebibytes << 18);
                (large.clone() * large).narrow(1, 0, 8).sum_dim(1)
            });
            let x = Tensor::<2>::ones([rows, 1], compute.device()) * 2.0;
            Gradient::new().attribute(&model, x)
        };
        let map = explain(280, 4).unwrap();
        assert_eq!(values(&map.values), [32.0; 4]);
        let halved = std::mem::take(&mut *given.lock().unwrap());
        println!("rows at once: {halved:?}");
        assert!(halved == [4] || halved == [4, 2, 2], "{halved:?}");
        if compute.hardware() == Hardware::SoftwareGpu {
            let error = explain(2048, 3).unwrap_err();
            println!("{error}");
            assert!(matches!(error, Error::OutOfMemory { .. }), "{error:?}");
            assert!(error.to_string().contains("bytes for this program"), "{error}");
            assert_eq!(*given.lock().unwrap(), [3, 2, 1]);
        }
        // The device is as good as before.
        let map = explain(1, 2).unwrap();
        assert_eq!(values(&map.values), [32.0; 2]);
    });
}

#[test]
fn a_device_is_opened_by_several_threads_at_once() {
    on_every_device(|compute| {
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| assert!(compute.backend().open().is_ok()));
            }
        });
    });
}

#[test]
fn a_real_gpu_comes_before_the_cpu_and_that_before_a_software_gpu() {
    let place = |hardware: Hardware| match hardware {
        Hardware::Cpu => 1,
        Hardware::SoftwareGpu => 2,
        _ => 0,
    };
    let all = Backend::available();
    assert!(all.is_sorted_by_key(|found| place(found.hardware)), "{all:?}");
    assert!(all.iter().any(|found| found.backend == Backend::Flex));
    if std::env::var_os("SALIENCY_DEVICE").is_none() {
        assert_eq!(*Backend::open_preferred().unwrap().backend(), all[0].backend);
    }
}
