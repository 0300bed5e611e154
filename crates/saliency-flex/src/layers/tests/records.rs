//! Options and descriptions are those of Burn.

use burn::nn;
use burn::nn::PaddingConfig2d;
use burn::tensor::Device;

use super::super::batch_norm::BatchNormConfig;
use super::super::conv::Conv2dConfig;
use super::super::max_pool::MaxPool2dConfig;

#[test]
fn options_are_those_of_burn() {
    let padding = PaddingConfig2d::Explicit(1, 2, 3, 4);
    let ours = Conv2dConfig::new([2, 4], [3, 5]);
    let burn = nn::conv::Conv2dConfig::new([2, 4], [3, 5]);
    assert_eq!(ours.to_string(), burn.to_string());
    let ours = ours.with_stride([2, 1]).with_groups(2).with_padding(padding.clone());
    let burn = burn.with_stride([2, 1]).with_groups(2).with_padding(padding.clone());
    assert_eq!(ours.to_string(), burn.to_string());
    assert_eq!(BatchNormConfig::new(3).to_string(), nn::BatchNormConfig::new(3).to_string());
    let ours = MaxPool2dConfig::new([2, 3]).with_padding(padding.clone());
    let burn = nn::pool::MaxPool2dConfig::new([2, 3]).with_padding(padding);
    assert_eq!(ours.to_string(), burn.to_string());
}

#[test]
fn layers_are_printed_as_those_of_burn() {
    let device = Device::flex();
    let ours = Conv2dConfig::new([2, 4], [3, 5]).init(&device);
    let burn = nn::conv::Conv2dConfig::new([2, 4], [3, 5]).init(&device);
    assert_eq!(ours.to_string(), burn.to_string());
    let (ours, burn) = (BatchNormConfig::new(3), nn::BatchNormConfig::new(3));
    assert_eq!(ours.init(&device).to_string(), burn.init(&device).to_string());
    let (ours, burn) = (MaxPool2dConfig::new([2, 3]), nn::pool::MaxPool2dConfig::new([2, 3]));
    assert_eq!(ours.init().to_string(), burn.init().to_string());
}
