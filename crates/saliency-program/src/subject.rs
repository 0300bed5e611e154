//! The network that the programs explain, with its preparation and its classes.

use burn::tensor::Device;
use saliency::photo::Preparation;
use saliency_models::{EfficientNetLite0, imagenet};

/// Names the network, in a few words.
pub const DESCRIPTION: &str = "EfficientNet-Lite0, a classifier for 1,000 kinds of things";

/// Changes with the weights.
pub const WEIGHTS: &str = "embedded";

/// The measured memory of one photo with all activations of the network.
pub const BYTES_PER_PHOTO: u64 = 120 << 20;

/// Puts the network on a device.
pub fn network(device: &Device) -> EfficientNetLite0 {
    EfficientNetLite0::embedded(device)
}

/// Returns how a photo becomes the network's input.
pub fn preparation() -> Preparation {
    Preparation::imagenet()
}

/// Returns the names of all classes, in order.
pub fn class_names() -> impl Iterator<Item = &'static str> {
    (0..).map_while(imagenet::name)
}

/// Returns the name of a class.
pub fn class_name(class: usize) -> &'static str {
    imagenet::name(class).unwrap_or("a class without a name")
}
