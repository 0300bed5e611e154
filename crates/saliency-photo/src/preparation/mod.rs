//! From photos to the inputs of networks.

mod config;
mod fields;
mod fit;
mod guess;
mod hugging_face;
mod interpolation;
mod pixels;
mod placement;
mod presets;
mod resize;
mod timm;
mod values;
mod words;

use burn::tensor::{Device, Tensor};
use image::{Rgb, RgbImage};

use crate::error::{Error, Result};
use crate::region::{Region, Size};
use crate::view::View;

use fit::Centring;

pub use fit::Fit;
pub use guess::{Guess, ModelFacts};
pub use interpolation::Interpolation;
pub use placement::Placement;
pub use values::{Channel, ChannelOrder, Channels, Layout, ValueRange};

/// The longest side of an input.
const LONGEST: u32 = 1 << 14;

/// Turns a photo into the input of a network, and reports which part of the photo the network is
/// shown.
///
/// A network has to be given photos as its training prepared them. With another normalisation or
/// another crop it still answers, but worse, and its explanations are of another question.
///
/// ```text
/// value = (level - mean_c) / std_c     for each channel c; level = byte / 255, or byte
/// ```
///
/// # Shapes
/// One photo becomes `[1, channels, height, width]`, or `[1, height, width, channels]`.
///
/// # Parameters and defaults
/// The size has no default. All else has: [`Fit::CropFraction`] of 1 (the shorter side is resized to
/// the input, and the centre is cut out), [`Interpolation::Bilinear`], red, green and blue from 0 to
/// 1 with a mean of 0 and a standard deviation of 1, channels first.
///
/// Presets: [`torchvision`](Self::torchvision), [`tensorflow`](Self::tensorflow),
/// [`clip`](Self::clip), [`yolo`](Self::yolo), [`imagenet`](Self::imagenet) (the embedded network).
/// [`Preparation::read`] reads the files of Hugging Face and timm. [`Guess::of`] guesses from the
/// facts of a model file.
///
/// # Accuracy
/// Pixels are at most 1 byte step from those of torchvision, Pillow, timm, Hugging Face and OpenCV,
/// for the same decoded photo. Decoders of JPEG differ among themselves by a few steps.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use image::RgbImage;
/// use saliency_photo::{Fit, Preparation};
///
/// // A network of torchvision that was trained on your own photos, of 320 x 320 pixels.
/// let preparation = Preparation::torchvision().with_size(320).with_fit(Fit::ShorterSide(366));
/// let photo = RgbImage::new(600, 400);
/// let prepared = preparation.prepare(&photo, &Device::flex())?;
/// assert_eq!(prepared.tensor.dims(), [1, 3, 320, 320]);
/// // The part of the photo that the input shows: left, top, width, height.
/// let region = prepared.placement.region();
/// assert_eq!((region.x, region.y, region.width, region.height), (124, 25, 350, 350));
/// // And back to a picture.
/// assert_eq!(preparation.picture(&prepared.tensor).dimensions(), (320, 320));
/// # Ok::<(), saliency_photo::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    size: Size,
    fit: Fit,
    interpolation: Interpolation,
    channels: Channels,
    range: ValueRange,
    order: ChannelOrder,
    layout: Layout,
    centring: Centring,
}

/// A photo as the input of a network.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// The input.
    pub tensor: Tensor<4>,
    /// The part of the photo that the input shows.
    pub placement: Placement,
}

impl Preparation {
    /// Creates a preparation for inputs of the given width and height; a single number is a square.
    pub fn new(size: impl Into<Size>) -> Self {
        Self {
            size: size.into(),
            fit: Fit::CropFraction(1.0),
            interpolation: Interpolation::default(),
            channels: Channels::Colour([Channel::PLAIN; 3]),
            range: ValueRange::default(),
            order: ChannelOrder::default(),
            layout: Layout::default(),
            centring: Centring::HalfToEven,
        }
    }

    /// Sets the width and height of the input; a single number is a square.
    #[must_use]
    pub fn with_size(mut self, size: impl Into<Size>) -> Self {
        self.size = size.into();
        self
    }

    /// Sets how a photo is fitted to the input.
    #[must_use]
    pub fn with_fit(mut self, fit: Fit) -> Self {
        self.fit = fit;
        self
    }

    /// Sets the filter that photos are resized with.
    #[must_use]
    pub fn with_interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// Sets the channels, with their means and standard deviations.
    #[must_use]
    pub fn with_channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        self
    }

    /// Sets the levels of black and white, before the normalisation.
    #[must_use]
    pub fn with_range(mut self, range: ValueRange) -> Self {
        self.range = range;
        self
    }

    /// Sets the order of three channels. It has no effect on a grey input.
    #[must_use]
    pub fn with_order(mut self, order: ChannelOrder) -> Self {
        self.order = order;
        self
    }

    /// Sets the order of the input's dimensions.
    #[must_use]
    pub fn with_layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Returns the width and height of the input.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Returns how photos are fitted to the input.
    pub fn fit(&self) -> Fit {
        self.fit
    }

    /// Returns the channels of the input.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// Returns the order of the input's dimensions.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the shape of the input of one photo.
    pub fn shape(&self) -> [usize; 4] {
        let [height, width] = [self.size.height, self.size.width].map(|side| side as usize);
        self.layout.shape(self.channels.as_slice().len(), height, width)
    }

    /// Checks the options, before any photo is there.
    ///
    /// # Errors
    /// [`Error::Preparation`] for a size without pixels or with a side above 16384, a crop fraction
    /// outside 0..1, a shorter side of 0, and a mean or standard deviation that cannot be.
    pub fn check(&self) -> Result<()> {
        let fits =
            |size: Size| [size.width, size.height].iter().all(|side| (1..=LONGEST).contains(side));
        let wrong = |reason: String| Err(Error::Preparation { reason });
        if !fits(self.size) {
            return wrong(format!("the input has {} pixels; use 1 to {LONGEST}", self.size));
        }
        match self.fit {
            Fit::CropFraction(it) if !(it > 0.0 && it <= 1.0) => {
                return wrong(format!("the crop fraction is {it}; use more than 0 and up to 1"));
            }
            // A tiny fraction would ask for a photo of more pixels than a number can count.
            Fit::CropFraction(it) if it < 1e-3 => {
                return wrong(format!("the crop fraction is {it}; use 0.001 or more"));
            }
            Fit::ShorterSide(it) if !fits(it.into()) => {
                return wrong(format!("the shorter side is {it}; use 1 to {LONGEST} pixels"));
            }
            Fit::StretchAndCrop(it) if !fits(it) => {
                return wrong(format!("photos are stretched to {it} pixels; use 1 to {LONGEST}"));
            }
            _ => {}
        }
        for Channel { mean, std } in self.channels.as_slice() {
            if !(mean.is_finite() && std.is_finite() && *std > 0.0) {
                return wrong(format!(
                    "a channel has the mean {mean} and the standard deviation {std}; both must be \
                     numbers, and the second above 0"
                ));
            }
        }
        Ok(())
    }

    /// Turns a photo into an input, and reports which part of the photo it shows.
    ///
    /// # Cost
    /// A photo of 12 megapixels takes about 0.2 s on one core; with
    /// [`Interpolation::BicubicRoundedOnce`], 0.8 s. Memory beside the photo: its height times the
    /// width of the input, in floats.
    ///
    /// # Errors
    /// Those of [`Preparation::check`], and [`Error::NoPixels`] if the photo has none.
    pub fn prepare(&self, photo: &RgbImage, device: &Device) -> Result<Prepared> {
        self.check()?;
        if photo.width() == 0 || photo.height() == 0 {
            return Err(Error::NoPixels);
        }
        let placement = self.placement(photo);
        let picture = self.fitted(photo, &placement);
        Ok(Prepared { tensor: self.normalised(&picture, device), placement })
    }

    /// Turns a photo into an input, as [`Preparation::prepare`] does.
    ///
    /// # Panics
    /// If the photo has no pixels, or an option is wrong. [`read_photo`](crate::read_photo) does not
    /// return such photos.
    pub fn tensor(&self, photo: &RgbImage, device: &Device) -> Tensor<4> {
        match self.prepare(photo, device) {
            Ok(prepared) => prepared.tensor,
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns the part of a photo that an input shows, and the part of the input that shows it.
    ///
    /// Takes a photo or its size.
    pub fn placement(&self, photo: impl Into<Size>) -> Placement {
        // Sizes without pixels are errors elsewhere; here they must not divide by zero.
        let seen = |size: Size| Size { width: size.width.max(1), height: size.height.max(1) };
        let (photo, input) = (seen(photo.into()), seen(self.size));
        Placement::new(photo, input, self.fit, self.centring, self.layout)
    }

    /// Returns the part of the photo that the network is shown.
    ///
    /// A map of the network's attributions fits it if [`Placement::map`] makes the map. A map of
    /// [`Map::of_row`](crate::Map::of_row) fits unless photos are stretched, padded, or stored with
    /// channels last.
    pub fn region(&self, photo: &RgbImage) -> Region {
        self.placement(photo).region()
    }

    /// Returns the photo with the part that the network is shown.
    pub fn view<'a>(&self, photo: &'a RgbImage) -> View<'a> {
        View::new(photo, self.region(photo))
    }

    /// Returns the input of a photo that has one colour everywhere: a black, grey or white
    /// baseline, for every mean and layout.
    ///
    /// # Errors
    /// Those of [`Preparation::check`].
    ///
    /// # Example
    /// ```
    /// use burn::tensor::Device;
    /// use image::Rgb;
    /// use saliency_photo::Preparation;
    ///
    /// let black = Preparation::torchvision().plain(Rgb([0; 3]), &Device::flex())?;
    /// assert_eq!(black.dims(), [1, 3, 224, 224]);
    /// # Ok::<(), saliency_photo::Error>(())
    /// ```
    pub fn plain(&self, colour: Rgb<u8>, device: &Device) -> Result<Tensor<4>> {
        self.check()?;
        let picture = RgbImage::from_pixel(self.size.width, self.size.height, colour);
        Ok(self.normalised(&picture, device))
    }

    /// Returns the input value of a byte of a grey photo, for each channel of the input.
    ///
    /// ```
    /// use saliency_photo::Preparation;
    ///
    /// assert_eq!(Preparation::tensorflow().levels(255), [1.0; 3]);
    /// ```
    pub fn levels(&self, byte: u8) -> Vec<f64> {
        let level = |channel: &Channel| f64::from(self.range.normalised(byte, *channel));
        self.channels.as_slice().iter().map(level).collect()
    }

    /// Returns the input value of a byte of a grey photo, if it is the same for all channels. It is
    /// the constant of a baseline that is black (0), grey or white (255). If the channels differ,
    /// use [`Preparation::plain`].
    ///
    /// ```
    /// use saliency_photo::Preparation;
    ///
    /// assert_eq!(Preparation::imagenet().level(0), Some(-0.9921875));
    /// assert_eq!(Preparation::torchvision().level(0), None);
    /// ```
    pub fn level(&self, byte: u8) -> Option<f64> {
        let levels = self.levels(byte);
        levels.iter().all(|level| *level == levels[0]).then_some(levels[0])
    }
}

#[cfg(test)]
mod config_tests;
#[cfg(test)]
mod tests;
