//! The preparations of well-known families of networks.

use image::Rgb;

use super::Preparation;
use super::fit::{Centring, Fit};
use super::interpolation::Interpolation;
use super::values::{Channel, Channels, Layout, ValueRange};

/// The mean and the standard deviation of ImageNet's photos, for levels from 0 to 1.
pub(super) const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
pub(super) const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Those of the photos that CLIP was trained on.
const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

impl Preparation {
    /// Creates the preparation of the embedded EfficientNet-Lite0, trained on ImageNet: the largest
    /// centred square, 224 x 224 pixels, `(byte - 127) / 128`.
    ///
    /// Other networks trained on ImageNet use other means and scales: see
    /// [`Preparation::torchvision`].
    pub fn imagenet() -> Self {
        Self::new(224)
            .with_fit(Fit::CropFirst)
            .with_interpolation(Interpolation::BicubicRoundedOnce)
            .with_channels(Channels::colour([127.0; 3], [128.0; 3]))
            .with_range(ValueRange::Bytes)
    }

    /// Creates the preparation of most classifiers of torchvision: the shorter side to 256 pixels,
    /// the centre of 224 x 224, bilinear, ImageNet's means and standard deviations.
    ///
    /// A few have others, which `weights.transforms()` prints: the `IMAGENET1K_V2` weights resize to
    /// 232, EfficientNets and Inception have larger inputs and other filters.
    pub fn torchvision() -> Self {
        Self::new(224)
            .with_fit(Fit::ShorterSide(256))
            .with_channels(Channels::colour(IMAGENET_MEAN, IMAGENET_STD))
    }

    /// Creates the preparation of Keras networks with values from -1 to 1 (MobileNet, Inception,
    /// Xception, ResNetV2): the whole photo stretched to 224 x 224, bilinear without antialias as
    /// `image_dataset_from_directory` does it, channels last.
    ///
    /// Keras' ResNet50 and VGG are others: blue, green and red from 0 to 255, minus a mean.
    ///
    /// ```
    /// use saliency_photo::{ChannelOrder, Channels, Preparation, ValueRange};
    ///
    /// let vgg = Preparation::tensorflow()
    ///     .with_order(ChannelOrder::Bgr)
    ///     .with_range(ValueRange::Bytes)
    ///     .with_channels(Channels::colour([103.939, 116.779, 123.68], [1.0; 3]));
    /// # let _ = vgg;
    /// ```
    pub fn tensorflow() -> Self {
        Self::new(224)
            .with_fit(Fit::Stretch)
            .with_interpolation(Interpolation::BilinearSampled)
            .with_channels(Channels::colour([0.5; 3], [0.5; 3]))
            .with_layout(Layout::ChannelsLast)
    }

    /// Creates the preparation of CLIP's image encoders: the shorter side to 224 pixels, the centre
    /// of 224 x 224, bicubic, CLIP's own means and standard deviations.
    ///
    /// For the encoders with 336 pixels, use [`with_size`](Self::with_size).
    pub fn clip() -> Self {
        Self::new(224)
            .with_interpolation(Interpolation::Bicubic)
            .with_channels(Channels::colour(CLIP_MEAN, CLIP_STD))
    }

    /// Creates the preparation of YOLO detectors (Ultralytics): the whole photo in 640 x 640 pixels
    /// between grey bars, bilinear as OpenCV does it, values from 0 to 1.
    pub fn yolo() -> Self {
        Self::new(640)
            .with_fit(Fit::Letterbox(Rgb([114; 3])))
            .with_interpolation(Interpolation::BilinearSampled)
    }

    /// Creates the preparation of small grey pictures, such as digits: the whole picture, values
    /// from 0 to 1.
    pub(super) fn grey(size: u32) -> Self {
        Self::new(size).with_fit(Fit::Stretch).with_channels(Channels::Grey(Channel::PLAIN))
    }

    /// Crops and pads as Hugging Face does.
    pub(super) fn centred_down(mut self) -> Self {
        self.centring = Centring::Down;
        self
    }
}
