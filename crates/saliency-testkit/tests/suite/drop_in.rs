//! A network in Burn's own layers, and the same source with one `use` line changed: the same records,
//! scores and gradients.

use burn::tensor::{DType, Device, Distribution, Tensor};
use saliency_core::{Explainer as _, Gradient, IntegratedGradients, Model, Target};
use saliency_flex::{FoldError, fold_batch_norms};
use saliency_testkit::drop_in::{burn_layers, flex_layers};

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

/// Scores, and gradients of a class.
fn answers<M: Model<Tensor<4>>>(net: &M, x: &Tensor<4>) -> [Vec<f64>; 2] {
    let map = Gradient::new().attribute_to(net, x.clone(), Target::Class(7)).expect("a map");
    [values(net.forward(x.clone())), values(map.values)]
}

/// Checks that the largest difference is at most a share of the largest value.
fn assert_alike(these: &[Vec<f64>; 2], those: &[Vec<f64>; 2], tolerance: f64) {
    for (these, those) in these.iter().zip(those) {
        assert_eq!(these.len(), those.len());
        let largest = those.iter().fold(0.0_f64, |largest, it| largest.max(it.abs()));
        let difference = these.iter().zip(those).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(largest > 0.0 && difference <= tolerance * largest, "{difference} of {largest}");
    }
}

/// Casts all parameters.
struct Cast(DType);

impl burn::module::ModuleMapper for Cast {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<Tensor<D>>,
    ) -> burn::module::Param<Tensor<D>> {
        param.map(|value| value.cast(self.0))
    }
}

/// Compares a network in Burn's layers with another one that loads its record, and the other way
/// round, in single and in double precision, and folded.
fn compare<B, F>(burn: B, flex: &F, other_burn: B)
where
    B: Model<Tensor<4>>,
    F: Model<Tensor<4>>,
{
    let device = Device::flex();
    let x = Tensor::<4>::random([2, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device);
    let expected = answers(&burn, &x);

    // Burn's record in our network, and ours in Burn's.
    let loaded = flex.clone().load_record(burn.clone().into_record());
    assert_alike(&answers(&loaded, &x), &expected, 1e-5);
    let back = other_burn.load_record(loaded.clone().into_record());
    assert_alike(&answers(&back, &x), &expected, 0.0);
    assert_eq!(loaded.num_params(), burn.num_params());

    // Folded. A record with more parameters is refused, rather than read in part.
    let folded = fold_batch_norms(&loaded, |net| net.forward(x.clone())).expect("a network");
    assert_alike(&answers(&folded, &x), &expected, 1e-5);
    assert!(folded.num_params() > loaded.num_params());
    let again = fold_batch_norms(&folded, |net| net.forward(x.clone())).expect("a network");
    assert_alike(&answers(&again, &x), &expected, 1e-5);

    // In double precision.
    let double = burn.valid().map(&mut Cast(DType::F64));
    let x = x.cast(DType::F64);
    let expected = answers(&double, &x);
    let ours = loaded.valid().map(&mut Cast(DType::F64));
    assert_alike(&answers(&ours, &x), &expected, 1e-12);
    let folded = fold_batch_norms(&ours, |net| net.forward(x.clone())).expect("a network");
    assert_alike(&answers(&folded, &x), &expected, 1e-12);
}

#[test]
fn resnet_with_one_line_changed_is_the_same_network() {
    let device = Device::flex();
    device.seed(3);
    let [burn, other] = [0, 1].map(|_| burn_layers::ResNet18::new(&device));
    compare(burn, &flex_layers::ResNet18::new(&device), other);
}

#[test]
fn efficientnet_with_one_line_changed_is_the_same_network() {
    let device = Device::flex();
    device.seed(4);
    let [burn, other] = [0, 1].map(|_| burn_layers::MobileNet::efficientnet_lite0(&device));
    compare(burn, &flex_layers::MobileNet::efficientnet_lite0(&device), other);
}

#[test]
fn mobilenet_with_one_line_changed_is_the_same_network() {
    let device = Device::flex();
    device.seed(6);
    let [burn, other] = [0, 1].map(|_| burn_layers::MobileNet::v2(&device));
    compare(burn, &flex_layers::MobileNet::v2(&device), other);
}

/// Explainers explain a folded network as they explain the network.
#[test]
fn a_folded_network_has_the_same_map() {
    let device = Device::flex();
    device.seed(5);
    let net = flex_layers::ResNet18::new(&device);
    let x = Tensor::<4>::random([1, 3, 64, 64], Distribution::Normal(0.0, 1.0), &device);
    let folded = fold_batch_norms(&net, |net| net.forward(x.clone())).expect("a network");
    let explainer = IntegratedGradients::new().with_steps(4);
    let map = |net| {
        values(explainer.attribute_to(net, x.clone(), Target::Class(3)).expect("a map").values)
    };
    let (these, those) = (map(&folded), map(&net));
    assert!(saliency_testkit::relative_l1(&these, &those) < 1e-2);
}

/// Burn's own layers are not seen, which the error says.
#[test]
fn a_network_of_burns_layers_has_nothing_to_fold() {
    let device = Device::flex();
    let net = burn_layers::ResNet18::new(&device);
    let x = Tensor::<4>::ones([1, 3, 64, 64], &device);
    let error = fold_batch_norms(&net, |net| net.forward(x.clone())).unwrap_err();
    assert_eq!(error, FoldError::NothingToFold);
    assert!(error.to_string().contains("saliency_flex::nn"), "{error}");
}
