use burn::nn::PaddingConfig2d;
use burn::nn::pool::MaxPool2dConfig;
use burn::tensor::{DType, Device, Distribution, Tensor};

use super::super::max_pool::MaxPool2d;
use super::{gradient, values};

/// Compares pools with those of Burn. Nothing is rounded, so that results are equal.
#[test]
fn values_and_gradients_are_those_of_burn() {
    let device = Device::flex();
    device.seed(0);
    let pool =
        |size: usize, stride: usize| MaxPool2dConfig::new([size; 2]).with_strides([stride; 2]);
    let one = PaddingConfig2d::Explicit(1, 1, 1, 1);
    let uneven = PaddingConfig2d::Explicit(0, 1, 1, 0);
    let configs = [
        pool(2, 2),
        pool(2, 1),
        pool(1, 2),
        pool(3, 2).with_padding(one.clone()),
        pool(3, 2).with_padding(uneven.clone()),
        pool(3, 2).with_padding(uneven).with_ceil_mode(true),
        pool(3, 2).with_ceil_mode(true),
        pool(3, 3).with_padding(one.clone()).with_ceil_mode(true),
        pool(3, 1).with_padding(PaddingConfig2d::Same),
        pool(2, 1).with_padding(PaddingConfig2d::Same),
        pool(3, 2).with_dilation([2, 1]),
        pool(2, 3).with_dilation([1, 3]).with_padding(one),
        MaxPool2dConfig::new([1, 4]).with_strides([3, 2]),
        pool(16, 1).with_padding(PaddingConfig2d::Same),
    ];
    for config in configs {
        let burn = config.init();
        let ours = MaxPool2d::from(burn.clone());
        for size in [[7, 7], [8, 12], [17, 46]] {
            let random = Distribution::Uniform(-4.0, 4.0);
            let x = Tensor::<4>::random([2, 3, size[0], size[1]], random, &device);
            // Many equal values.
            for x in [x.clone(), x.round()] {
                for dtype in [DType::F32, DType::F64] {
                    let x = x.clone().cast(dtype);
                    let (these, those) = (ours.forward(x.clone()), burn.forward(x.clone()));
                    assert_eq!(these.dims(), those.dims(), "{config:?} {size:?}");
                    assert_eq!(values(these), values(those), "{config:?} {size:?}");
                    let own = gradient(&x, |x| ours.forward(x));
                    assert_eq!(own, gradient(&x, |x| burn.forward(x)), "{config:?} {size:?}");
                }
            }
        }
    }
}

#[test]
fn nan_and_infinity_are_largest_values_as_in_burn() {
    let device = Device::flex();
    let burn = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
    let (nan, low) = (f32::NAN, f32::NEG_INFINITY);
    let rows = [[1.0, nan, low, low, nan, 2.0], [3.0, 4.0, low, low, nan, f32::INFINITY]];
    let x = Tensor::<4>::from_data([[rows]], &device);
    let ours = MaxPool2d::from(burn.clone());
    let found = values(ours.forward(x.clone()));
    assert!(found[0].is_nan() && found[1] == f64::NEG_INFINITY && found[2].is_nan());
    assert_eq!(gradient(&x, |x| ours.forward(x)), gradient(&x, |x| burn.forward(x)));
}

#[test]
fn an_empty_batch_has_no_values() {
    let none = Tensor::<4>::zeros([0, 3, 4, 4], &Device::flex());
    let ours = MaxPool2d::from(MaxPool2dConfig::new([2, 2]).init());
    assert_eq!(ours.forward(none).dims(), [0, 3, 2, 2]);
}
