use burn::module::Module;
use burn::nn;
use burn::nn::PaddingConfig2d;
use burn::tensor::{Device, Distribution, Tensor};

use super::super::batch_norm::{BatchNorm, BatchNormConfig};
use super::super::conv::{Conv2d, Conv2dConfig};
use super::super::fold::{FoldError, fold_batch_norms};
use super::{values, within};

/// A convolution with and one without a bias, each with its BatchNorm.
#[derive(Module, Debug)]
struct Net {
    first: Conv2d,
    norm: BatchNorm,
    second: Conv2d,
    other: BatchNorm,
}

impl Net {
    fn new() -> Self {
        let device = Device::flex();
        device.seed(1);
        let conv = |channels, bias| {
            let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
            let config = Conv2dConfig::new(channels, [3, 3]).with_padding(padding);
            config.with_bias(bias).init(&device)
        };
        let norm = |channels| {
            let random =
                |low| Tensor::<1>::random([channels], Distribution::Uniform(low, 2.0), &device);
            let mut norm = BatchNormConfig::new(channels).init(&device);
            norm.gamma = norm.gamma.map(|_| random(-1.0));
            norm.beta = norm.beta.map(|_| random(-1.0));
            norm.running_mean = burn::module::RunningState::new(random(-1.0));
            norm.running_var = burn::module::RunningState::new(random(0.1));
            norm
        };
        Self {
            first: conv([3, 4], false),
            norm: norm(4),
            second: conv([4, 5], true),
            other: norm(5),
        }
    }

    fn middle(&self, x: Tensor<4>) -> Tensor<4> {
        self.second.forward(self.norm.forward(self.first.forward(x)).tanh())
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.other.forward(self.middle(x))
    }
}

fn picture() -> Tensor<4> {
    Tensor::random([2, 3, 7, 6], Distribution::Normal(0.0, 1.0), &Device::flex())
}

#[test]
fn a_folded_network_is_the_same_function() {
    let (net, x) = (Net::new(), picture());
    let folded = fold_batch_norms(&net, |net| net.forward(x.clone())).expect("a network");
    // Both are folded, also the one behind a convolution without a bias.
    let through = |norm: &BatchNorm, channels| {
        let x = Tensor::<4>::random([1, channels, 2, 2], Distribution::Default, &x.device());
        assert_eq!(values(norm.forward(x.clone())), values(x));
    };
    through(&folded.norm, 4);
    through(&folded.other, 5);
    let other = picture();
    within(&values(folded.forward(other.clone())), &values(net.forward(other)), 2e-5);
    // The network is left alone.
    assert!(net.first.bias.is_none());
    // A network in training mode is folded in inference mode.
    let trained = net.clone().train();
    let folded = fold_batch_norms(&trained, |net| net.forward(x.clone())).expect("a network");
    within(&values(folded.forward(x.clone())), &values(net.forward(x)), 2e-5);
}

/// If something else reads the convolution too, the scores change, which is found.
#[test]
fn a_convolution_that_is_read_twice_is_not_folded() {
    let (net, x) = (Net::new(), picture());
    let run = |net: &Net| {
        let middle = net.middle(x.clone());
        net.other.forward(middle.clone()) + middle
    };
    let error = fold_batch_norms(&net, run).unwrap_err();
    assert!(matches!(error, FoldError::Differs { .. }), "{error}");
    // Two layers of BatchNorm, or one that is called twice, are left as they are.
    let once = |net: &Net| net.norm.forward(net.first.forward(x.clone()));
    let twice = |net: &Net| {
        let first = net.first.forward(x.clone());
        net.norm.forward(first.clone()) * net.norm.forward(first)
    };
    assert!(fold_batch_norms(&net, once).is_ok());
    assert_eq!(fold_batch_norms(&net, twice).unwrap_err(), FoldError::NothingToFold);
    let called_twice = |net: &Net| once(net) + net.first.forward(x.clone() * 2.0);
    assert_eq!(fold_batch_norms(&net, called_twice).unwrap_err(), FoldError::NothingToFold);
}

#[test]
fn a_network_that_panics_or_has_nothing_to_fold_is_refused() {
    let (net, x) = (Net::new(), picture());
    let wrong = || fold_batch_norms(&net, |net| net.second.forward(x.clone()));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(wrong)).is_err());
    // The watch has ended: no call is recorded after it.
    let no_norm = fold_batch_norms(&net, |net| net.first.forward(x.clone()));
    assert_eq!(no_norm.unwrap_err(), FoldError::NothingToFold);
    let linear = nn::LinearConfig::new(2, 2).init(&x.device());
    let ones = Tensor::<2>::ones([1, 2], &x.device());
    let nothing = fold_batch_norms(&linear, |linear| linear.forward(ones.clone()));
    assert_eq!(nothing.unwrap_err(), FoldError::NothingToFold);
}
