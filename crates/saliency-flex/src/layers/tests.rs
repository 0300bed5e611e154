//! Compares the layers with Burn's own.

use burn::module::Module as _;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation;
use burn::tensor::{DType, Device, Distribution, Tensor, TensorData};

use super::device::is_flex;
use super::{Conv, relu, relu6};

fn values(tensor: Tensor<4>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

/// Returns the gradients of a sum weighted by position, so that no two gradients are the same.
fn gradient(x: &Tensor<4>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Vec<f64> {
    let leaf = x.clone().autodiff().require_grad();
    let y = f(leaf.clone());
    let count = y.dims().iter().product::<usize>();
    let weights: Vec<f64> = (0..count).map(|at| (at as f64).sin()).collect();
    let data = TensorData::new(weights, y.dims());
    let weights = Tensor::<4>::from_data(data, (&x.device(), x.dtype()));
    let gradients = (y * weights).sum().backward();
    values(leaf.grad(&gradients).unwrap())
}

fn alike(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < 2e-5, "{a} {b}");
    }
}

fn conv(channels: [usize; 2], kernel: usize, stride: usize) -> Conv2dConfig {
    let half = kernel / 2;
    let padding = PaddingConfig2d::Explicit(half, half, half, half);
    Conv2dConfig::new(channels, [kernel; 2]).with_stride([stride; 2]).with_padding(padding)
}

/// Compares values and gradients of each kind of convolution with Burn's.
#[test]
fn convolutions_are_those_of_burn() {
    let device = Device::flex();
    device.seed(0);
    let before = PaddingConfig2d::Explicit(1, 0, 2, 3);
    let depthwise = |kernel, stride| conv([6, 6], kernel, stride).with_groups(6);
    let configs = [
        depthwise(3, 1),
        depthwise(5, 1),
        depthwise(3, 2),
        depthwise(5, 2),
        depthwise(2, 3),
        depthwise(3, 1).with_stride([1, 2]),
        depthwise(5, 2).with_padding(before.clone()),
        depthwise(3, 2).with_padding(PaddingConfig2d::Valid),
        depthwise(3, 1).with_padding(PaddingConfig2d::Same),
        depthwise(4, 1).with_padding(PaddingConfig2d::Explicit(2, 2, 1, 1)),
        depthwise(3, 1).with_padding(PaddingConfig2d::Explicit(0, 2, 4, 1)),
        depthwise(3, 1).with_dilation([2, 1]),
        depthwise(3, 2).with_bias(false),
        conv([6, 4], 1, 1),
        conv([6, 4], 1, 2),
        conv([6, 4], 1, 1).with_padding(before.clone()),
        conv([6, 4], 3, 1),
        conv([6, 4], 3, 1).with_groups(2),
        conv([6, 4], 3, 1).with_padding(before.clone()),
        conv([6, 4], 3, 2).with_padding(before),
        conv([6, 4], 3, 1).with_bias(false),
        conv([6, 4], 7, 2),
    ];
    for config in configs {
        let burn = config.init(&device);
        for size in [[9, 7], [8, 12], [51, 46]] {
            let x = Tensor::<4>::random([2, 6, size[0], size[1]], Distribution::Default, &device);
            for ours in [Conv::new(burn.clone()), Conv::frozen(burn.clone())] {
                alike(&values(ours.forward(x.clone())), &values(burn.forward(x.clone())));
                let own = gradient(&x, |x| ours.forward(x));
                alike(&own, &gradient(&x, |x| burn.forward(x)));
            }
            let double = Tensor::<4>::from_data(x.into_data(), (&device, DType::F64));
            let cast = |tensor: Tensor<4>| tensor.cast(DType::F64);
            let mut burn = burn.clone();
            burn.weight = burn.weight.map(cast);
            burn.bias = burn.bias.map(|bias| bias.map(|bias| bias.cast(DType::F64)));
            let ours = Conv::new(burn.clone());
            let own = gradient(&double, |x| ours.forward(x));
            alike(&own, &gradient(&double, |x| burn.forward(x)));
        }
    }
}

#[test]
fn rectifiers_are_those_of_burn() {
    let device = Device::flex();
    let clamped = |x: Tensor<4>| activation::relu(x.clone()) - activation::relu(x - 6.0);
    for dtype in [DType::F32, DType::F64] {
        let data = [[[[-1.0, 0.0, 3.0, 5.9], [6.1, 7.0, 0.1, -0.0]]]];
        let x = Tensor::<4>::from_data(data, (&device, dtype));
        alike(&gradient(&x, relu6), &gradient(&x, clamped));
        let all = [0.0, 0.0, 3.0, 5.9, 6.0, 6.0, 0.1, 0.0];
        alike(&values(relu6(x.clone())), &all);
        alike(&gradient(&x, relu), &gradient(&x, activation::relu));
        alike(&values(relu(x)), &[0.0, 0.0, 3.0, 5.9, 6.1, 7.0, 0.1, 0.0]);
        // At the corners the gradient is 0, as in PyTorch.
        let corners = Tensor::<4>::from_data([[[[0.0, 6.0]]]], (&device, dtype));
        alike(&gradient(&corners, relu6), &[0.0, 0.0]);
    }
    // More values than fit into one block of bits. The last block is not full.
    let long = Tensor::<4>::random([1, 1, 3, 333], Distribution::Uniform(-9.0, 9.0), &device);
    alike(&gradient(&long, relu6), &gradient(&long, clamped));
    // Infinity passes a ReLU, which has no ceiling.
    for dtype in [DType::F32, DType::F64] {
        let data = [[[[1.0, f32::INFINITY, f32::NEG_INFINITY, 1.0]]]];
        let infinite = Tensor::<4>::from_data(data, (&device, dtype));
        alike(&gradient(&infinite, relu), &gradient(&infinite, activation::relu));
        alike(&gradient(&infinite, relu6), &[0.0, 0.0, 0.0, 3.0_f64.sin()]);
    }
    let nan = Tensor::<4>::from_data([[[[f32::NAN, 1.0]]]], &device);
    assert!(values(relu6(nan))[0].is_nan());
}

/// Burn crashes in a product with an empty factor, so an empty batch is computed in another way.
#[test]
fn an_empty_batch_has_empty_values_and_gradients() {
    let device = Device::flex();
    for kernel in [1, 3] {
        for config in [conv([3, 3], kernel, 1), conv([3, 3], kernel, 1).with_groups(3)] {
            let net = config.init(&device);
            let none = Tensor::<4>::zeros([0, 3, 3, 5], &device);
            for ours in [Conv::new(net.clone()), Conv::frozen(net.clone())] {
                let leaf = none.clone().autodiff().require_grad();
                let output = ours.forward(leaf.clone());
                assert_eq!(output.dims(), [0, 3, 3, 5]);
                let gradient = leaf.grad(&output.sum().backward()).expect("a gradient");
                assert_eq!(gradient.dims(), [0, 3, 3, 5]);
            }
        }
    }
}

#[test]
fn a_kernel_larger_than_the_padded_picture_is_named() {
    let device = Device::flex();
    let wide = conv([3, 3], 5, 1).with_padding(PaddingConfig2d::Explicit(0, 1, 0, 0));
    let dilated = conv([3, 3], 3, 1).with_padding(PaddingConfig2d::Valid).with_dilation([1, 2]);
    for (config, groups, kernel) in
        [(wide.clone(), 1, "5 x 5"), (wide, 3, "5 x 5"), (dilated, 1, "3 x 5")]
    {
        let ours = Conv::new(config.with_groups(groups).init(&device));
        let picture = Tensor::<4>::zeros([1, 3, 4, 3], &device);
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ours.forward(picture)));
        let said = said.expect_err("the kernel does not fit");
        let said = said.downcast_ref::<String>().expect("a message");
        assert!(said.starts_with(&format!("a kernel of {kernel} (height x width")), "{said}");
    }
}

/// Weights that are trained get their gradients, also on Flex.
#[test]
fn weights_can_be_trained() {
    let device = Device::flex();
    let weight = |net: &Conv2d| net.weight.val();
    for config in [conv([3, 3], 3, 1).with_groups(3), conv([3, 2], 3, 1), conv([3, 2], 1, 1)] {
        let net = config.init(&device).train();
        let x = Tensor::<4>::ones([1, 3, 5, 5], &device).autodiff();
        let ours = Conv::new(net.clone()).forward(x.clone()).sum().backward();
        let burn = net.forward(x).sum().backward();
        let [ours, burn] = [ours, burn].map(|gradients| weight(&net).grad(&gradients));
        alike(&values(ours.expect("a gradient")), &values(burn.expect("a gradient")));
    }
}

#[test]
fn flex_is_recognised_with_and_without_autodiff() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        assert!(is_flex(&Tensor::zeros([1, 1, 1, 1], &device)));
    }
}
