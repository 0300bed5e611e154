//! The same networks twice: in Burn's own layers, and in those of `saliency_flex`. The sources differ
//! by one `use` line.

/// ResNet-18, EfficientNet-Lite0 and MobileNetV2 in Burn's own layers.
pub mod burn_layers {
    use burn::nn;
    include!("networks.rs");
}

/// The same file, with one `use` line changed.
pub mod flex_layers {
    use saliency_flex::nn;
    include!("networks.rs");
}
