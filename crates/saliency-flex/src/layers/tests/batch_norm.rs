use burn::module::{Module as _, ModuleMapper, Param};
use burn::nn;
use burn::tensor::{DType, Device, Distribution, Tensor};

use super::super::batch_norm::BatchNorm;
use super::{gradient, values, within};

struct Cast(DType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| value.cast(self.0))
    }
}

/// Returns a layer of Burn in inference mode, with parameters and statistics of every sign and size.
fn burn_norm(channels: usize, dtype: DType) -> nn::BatchNorm {
    let device = Device::flex();
    let random =
        |low, high| Tensor::<1>::random([channels], Distribution::Uniform(low, high), &device);
    let mut norm = nn::BatchNormConfig::new(channels).init(&device);
    norm.gamma = norm.gamma.map(|_| random(-2.0, 2.0));
    norm.beta = norm.beta.map(|_| random(-2.0, 2.0));
    norm.running_mean = burn::module::RunningState::new(random(-3.0, 3.0));
    norm.running_var = burn::module::RunningState::new(random(0.0, 2.0));
    norm.valid().map(&mut Cast(dtype))
}

fn compare<const D: usize>(dims: [usize; D], dtype: DType, tolerance: f64) {
    let device = Device::flex();
    let burn = burn_norm(dims[1], dtype);
    let ours = BatchNorm::from(burn.clone());
    let x = Tensor::<D>::random(dims, Distribution::Normal(0.0, 1.0), &device).cast(dtype);
    let before = values(x.clone());
    within(&values(ours.forward(x.clone())), &values(burn.forward(x.clone())), tolerance);
    let own = gradient(&x, |x| ours.forward(x));
    within(&own, &gradient(&x, |x| burn.forward(x)), tolerance);
    // Values that are used elsewhere are not changed.
    assert_eq!(values(x), before);
}

#[test]
fn values_and_gradients_are_those_of_burn() {
    Device::flex().seed(0);
    for (dtype, tolerance) in [(DType::F32, 1e-4), (DType::F64, 1e-12)] {
        compare([2, 5], dtype, tolerance);
        compare([3, 4, 7], dtype, tolerance);
        compare([2, 3, 6, 5], dtype, tolerance);
        compare([1, 2, 3, 4, 5], dtype, tolerance);
        compare([2, 3, 150, 140], dtype, tolerance);
    }
}

#[test]
fn a_channel_without_variance_and_an_empty_batch_are_fine() {
    let device = Device::flex();
    let mut burn = nn::BatchNormConfig::new(1).init(&device).valid();
    burn.running_var = burn::module::RunningState::new(Tensor::zeros([1], &device));
    let x = Tensor::<2>::from_data([[1.0], [0.0]], &device);
    let ours = BatchNorm::from(burn.clone());
    let deviation = 1e-5_f64.sqrt();
    within(&values(ours.forward(x)), &[1.0 / deviation, 0.0], 1e-3);
    let none = Tensor::<4>::zeros([0, 1, 3, 3], &device);
    assert_eq!(ours.forward(none.clone()).dims(), [0, 1, 3, 3]);
    assert!(gradient(&none, |x| ours.forward(x)).is_empty());
}

/// With a factor of 1 and nothing to shift, the layer hands on its input.
#[test]
fn a_batch_norm_that_changes_nothing_is_exact() {
    let device = Device::flex();
    let norm = burn_norm(3, DType::F32);
    let deviation = (norm.running_var.value() + norm.epsilon).sqrt();
    let mean = norm.running_mean.value();
    let mut ours = BatchNorm::from(norm);
    ours.gamma = ours.gamma.map(|_| deviation);
    ours.beta = ours.beta.map(|_| mean);
    let x = Tensor::<4>::random([2, 3, 4, 5], Distribution::Normal(0.0, 1.0), &device);
    assert_eq!(values(ours.forward(x.clone())), values(x.clone()));
    assert_eq!(gradient(&x, |x| ours.forward(x)), gradient(&x, |x| x * 1.0));
}

/// Training is Burn's: the statistics of the batch, their running mean, and all gradients.
#[test]
fn training_is_that_of_burn() {
    let device = Device::flex();
    let burn = burn_norm(3, DType::F32).train();
    // A layer with statistics of its own.
    let ours = BatchNorm::from(burn.valid()).train();
    let x = Tensor::<4>::random([4, 3, 5, 5], Distribution::Normal(1.0, 2.0), &device).autodiff();
    let weight = Tensor::<4>::random([4, 3, 5, 5], Distribution::Default, &device).autodiff();
    let [a, b] = [ours.forward(x.clone()), burn.forward(x)].map(|y| (y * weight.clone()).sum());
    let (a, b) = (a.backward(), b.backward());
    for (ours, burn) in [(&ours.gamma, &burn.gamma), (&ours.beta, &burn.beta)] {
        let (ours, burn) = (ours.grad(&a).unwrap(), burn.grad(&b).unwrap());
        within(&values(ours), &values(burn), 1e-5);
    }
    let (ours, burn) = (ours.valid(), burn.valid());
    within(&values(ours.running_mean.value()), &values(burn.running_mean.value()), 1e-6);
    within(&values(ours.running_var.value()), &values(burn.running_var.value()), 1e-6);
}

#[test]
#[should_panic(expected = "BatchNorm needs one number for each channel")]
fn a_wrong_number_of_channels_is_named() {
    let device = Device::flex();
    let ours = BatchNorm::from(nn::BatchNormConfig::new(3).init(&device));
    ours.forward(Tensor::<4>::zeros([1, 4, 2, 2], &device));
}
