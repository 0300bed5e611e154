use burn::tensor::{Device, Tensor, TensorData};
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::region::Region;
use crate::view::View;

/// Turns a photo into the input of a network: crops its largest centred square, resizes it, and
/// normalises each channel.
///
/// ```text
/// value = (byte - mean) / scale
/// ```
///
/// # Parameters and defaults
/// [`Preparation::imagenet`] gives size, mean and scale; [`Preparation::with_size`] changes the
/// size.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use image::RgbImage;
/// use saliency_photo::Preparation;
///
/// let (preparation, photo) = (Preparation::imagenet(), RgbImage::new(600, 400));
/// let input = preparation.tensor(&photo, &Device::flex());
/// assert_eq!(input.dims(), [1, 3, 224, 224]);
/// // The square of the photo that the input shows: left, top, width, height.
/// let region = preparation.region(&photo);
/// assert_eq!((region.x, region.y, region.width, region.height), (100, 0, 400, 400));
/// // And back to a picture.
/// assert_eq!(preparation.picture(&input).dimensions(), (224, 224));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    size: u32,
    mean: f32,
    scale: f32,
}

impl Preparation {
    /// Creates the preparation of EfficientNet-Lite0, trained on ImageNet: 224 x 224 pixels,
    /// `(byte - 127) / 128`.
    ///
    /// Other networks trained on ImageNet, such as those of torchvision, use other means and
    /// scales.
    pub fn imagenet() -> Self {
        Self { size: 224, mean: 127.0, scale: 128.0 }
    }

    /// Sets the side of the tensor, for networks that accept pictures of any size.
    pub fn with_size(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    /// Returns the square of the photo that the network is shown.
    pub fn region(&self, photo: &RgbImage) -> Region {
        let (width, height) = photo.dimensions();
        let side = width.min(height);
        Region { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side }
    }

    /// Returns the photo with the square that the network is shown.
    pub fn view<'a>(&self, photo: &'a RgbImage) -> View<'a> {
        View::new(photo, self.region(photo))
    }

    /// Turns a photo into a tensor of shape `[1, 3, size, size]`.
    ///
    /// Each new pixel is an average over all pixels that it covers. So fine texture does not create
    /// patterns that the photo does not have.
    ///
    /// # Panics
    /// If the photo has no pixels. [`read_photo`](crate::read_photo) does not return such photos.
    pub fn tensor(&self, photo: &RgbImage, device: &Device) -> Tensor<4> {
        let Region { x, y, width, height } = self.region(photo);
        assert!(width > 0, "expected a photo with pixels, found {:?}", photo.dimensions());
        // Crop, then resize.
        let square = imageops::crop_imm(photo, x, y, width, height).to_image();
        let small = imageops::resize(&square, self.size, self.size, FilterType::CatmullRom);
        // From pixels of three channels to three planes.
        let mut values = Vec::with_capacity(3 * small.pixels().len());
        for channel in 0..3 {
            values.extend(small.pixels().map(|pixel| self.normalised(pixel.0[channel])));
        }
        let size = self.size as usize;
        Tensor::from_data(TensorData::new(values, [1, 3, size, size]), device)
    }

    /// Returns the input value of a byte of a photo. It is the constant of a baseline that is black
    /// (0), grey or white (255).
    ///
    /// ```
    /// use saliency_photo::Preparation;
    ///
    /// assert_eq!(Preparation::imagenet().level(0), -0.9921875);
    /// ```
    pub fn level(&self, byte: u8) -> f64 {
        f64::from(self.normalised(byte))
    }

    /// Turns the first row of a tensor back into a picture, by inverting the normalisation.
    ///
    /// # Panics
    /// If the tensor is not `[rows, 3, height, width]` with at least one row.
    pub fn picture(&self, tensor: &Tensor<4>) -> RgbImage {
        let [rows, channels, height, width] = tensor.dims();
        assert!(rows > 0 && channels == 3, "expected [rows, 3, ...], found {:?}", tensor.dims());
        let values: Vec<f32> = tensor.clone().narrow(0, 0, 1).into_data().iter().collect();
        RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let pixel = y as usize * width + x as usize;
            Rgb([0, 1, 2].map(|channel| {
                let value = values[channel * height * width + pixel];
                (value * self.scale + self.mean).round() as u8
            }))
        })
    }

    fn normalised(&self, byte: u8) -> f32 {
        (f32::from(byte) - self.mean) / self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_the_right_size_survives_there_and_back() {
        let picture = RgbImage::from_fn(224, 224, |x, y| Rgb([x as u8, y as u8, (x ^ y) as u8]));
        let preparation = Preparation::imagenet();
        let tensor = preparation.tensor(&picture, &Device::flex());
        assert_eq!(preparation.picture(&tensor), picture);
    }

    #[test]
    fn a_photo_of_one_pixel_is_a_photo() {
        let photo = RgbImage::from_pixel(1, 1, Rgb([255, 127, 0]));
        let tensor = Preparation::imagenet().tensor(&photo, &Device::flex());
        let means: Vec<f32> = tensor.mean_dims(&[2, 3]).into_data().iter().collect();
        assert_eq!(means, [1.0, 0.0, -127.0 / 128.0]);
    }
}
