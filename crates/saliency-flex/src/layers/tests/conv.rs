use burn::module::{Module as _, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2dConfig;
use burn::tensor::{DType, Device, Distribution, Tensor};

use super::super::conv::Conv2d;
use super::super::device::is_flex;
use super::{alike, gradient, values, within};

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
            let ours = Conv2d::from(burn.clone());
            alike(&values(ours.forward(x.clone())), &values(burn.forward(x.clone())));
            let own = gradient(&x, |x| ours.forward(x));
            alike(&own, &gradient(&x, |x| burn.forward(x)));
            let double = Tensor::<4>::from_data(x.into_data(), (&device, DType::F64));
            let cast = |tensor: Tensor<4>| tensor.cast(DType::F64);
            let mut burn = burn.clone();
            burn.weight = burn.weight.map(cast);
            burn.bias = burn.bias.map(|bias| bias.map(|bias| bias.cast(DType::F64)));
            let ours = Conv2d::from(burn.clone());
            let own = gradient(&double, |x| ours.forward(x));
            within(&own, &gradient(&double, |x| burn.forward(x)), 1e-12);
        }
    }
}

/// Burn crashes in a product with an empty factor, so an empty batch is computed in another way.
#[test]
fn an_empty_batch_has_empty_values_and_gradients() {
    let device = Device::flex();
    for kernel in [1, 3] {
        for config in [conv([3, 3], kernel, 1), conv([3, 3], kernel, 1).with_groups(3)] {
            let net = config.init(&device);
            let none = Tensor::<4>::zeros([0, 3, 3, 5], &device);
            let leaf = none.clone().autodiff().require_grad();
            let output = Conv2d::from(net).forward(leaf.clone());
            assert_eq!(output.dims(), [0, 3, 3, 5]);
            let gradient = leaf.grad(&output.sum().backward()).expect("a gradient");
            assert_eq!(gradient.dims(), [0, 3, 3, 5]);
        }
    }
}

/// Returns what a forward pass says when it panics.
fn said(layer: &Conv2d, picture: Tensor<4>) -> String {
    let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| layer.forward(picture)));
    let said = said.expect_err("the picture does not fit");
    said.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn a_kernel_larger_than_the_padded_picture_is_named() {
    let device = Device::flex();
    let wide = conv([3, 3], 5, 1).with_padding(PaddingConfig2d::Explicit(0, 1, 0, 0));
    let dilated = conv([3, 3], 3, 1).with_padding(PaddingConfig2d::Valid).with_dilation([1, 2]);
    for (config, groups, kernel) in
        [(wide.clone(), 1, "5 x 5"), (wide, 3, "5 x 5"), (dilated, 1, "3 x 5")]
    {
        let ours = Conv2d::from(config.with_groups(groups).init(&device));
        let said = said(&ours, Tensor::zeros([1, 3, 4, 3], &device));
        assert!(said.starts_with(&format!("a kernel of {kernel} (height x width")), "{said}");
    }
    let ours = Conv2d::from(conv([6, 3], 3, 1).with_groups(3).init(&device));
    let said = said(&ours, Tensor::zeros([1, 3, 4, 4], &device));
    assert_eq!(said, "a convolution of 6 channels cannot read a picture of 3 channels");
}

/// Weights that are trained get their gradients, also on Flex.
#[test]
fn weights_can_be_trained() {
    let device = Device::flex();
    for config in [conv([3, 3], 3, 1).with_groups(3), conv([3, 2], 3, 1), conv([3, 2], 1, 1)] {
        let net = config.init(&device).train();
        let x = Tensor::<4>::ones([1, 3, 5, 5], &device).autodiff();
        let ours = Conv2d::from(net.clone()).forward(x.clone()).sum().backward();
        let burn = net.forward(x).sum().backward();
        let [ours, burn] = [ours, burn].map(|gradients| net.weight.val().grad(&gradients));
        alike(&values(ours.expect("a gradient")), &values(burn.expect("a gradient")));
    }
}

#[test]
fn flex_is_recognised_with_and_without_autodiff() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        assert!(is_flex(&Tensor::<4>::zeros([1, 1, 1, 1], &device)));
    }
}

/// The packed weights are kept for each set of options, and serve pictures of any size.
#[test]
fn packed_weights_are_those_of_the_options() {
    let device = Device::flex();
    device.seed(0);
    // With fewer channels than a product has rows, phases share a product.
    for channels in [[3, 5], [16, 24]] {
        let mut net = Conv2d::from(conv(channels, 7, 3).init(&device));
        for (stride, dilation, side) in
            [(3, 1, 20), (3, 1, 1), (3, 1, 5), (2, 1, 9), (3, 2, 9), (3, 1, 20)]
        {
            (net.stride, net.dilation) = ([stride; 2], [dilation; 2]);
            let half = 3 * dilation;
            net.padding = PaddingConfig2d::Explicit(half, half, half, half);
            let burn: burn::nn::conv::Conv2d = net.clone().into();
            let x = Tensor::random([2, channels[0], side, side], Distribution::Default, &device);
            within(&values(net.forward(x.clone())), &values(burn.forward(x.clone())), 1e-5);
            let ours = gradient(&x, |x| net.forward(x));
            within(&ours, &gradient(&x, |x| burn.forward(x)), 1e-5);
        }
    }
}

/// The transformed kernels are kept by all copies of a layer, and only as long as its weight stays.
#[test]
fn kernels_are_kept_until_the_weight_changes() {
    let device = Device::flex();
    let net = Conv2d::from(conv([6, 4], 3, 1).init(&device)).train();
    let x = Tensor::<4>::random([1, 6, 9, 9], Distribution::Default, &device);
    let check = |net: &Conv2d| {
        let burn: burn::nn::conv::Conv2d = net.clone().into();
        alike(&values(net.forward(x.clone())), &values(burn.forward(x.clone())));
    };
    assert!(!net.keeps_kernels());
    let snapshot = net.valid();
    check(&snapshot);
    // The network, and a later snapshot, have the kernels of this snapshot.
    assert!(net.valid().keeps_kernels() && net.clone().valid().keeps_kernels());

    // A weight that was changed in place, replaced, or mapped is transformed again.
    let mut changed = snapshot.clone();
    changed.weight = snapshot.weight.clone().map(|weight| weight * 2.0);
    assert!(!changed.keeps_kernels());
    check(&changed);
    // The copies share one place, so that the old weight is transformed anew.
    check(&snapshot);
    let other = Conv2d::from(conv([6, 4], 3, 1).init(&device));
    let loaded = snapshot.clone().load_record(other.into_record());
    check(&loaded);
    assert!(loaded.keeps_kernels() && snapshot.keeps_kernels());
    // A network that is trained does not use them.
    let trained = net.forward(x.clone().autodiff());
    assert!(trained.is_tracked());

    // Half of a larger weight, which begins at the same address.
    let large = Tensor::<4>::random([8, 6, 3, 3], Distribution::Default, &device);
    let mut half = snapshot;
    half.bias = None;
    half.weight = Param::from_tensor(large.clone());
    check(&half);
    half.weight = Param::from_tensor(large.narrow(0, 0, 4));
    check(&half);
}
