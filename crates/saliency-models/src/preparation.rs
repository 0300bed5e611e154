use burn::tensor::{Device, Tensor, TensorData};
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use saliency_viz::Region;

/// How a photo becomes the input of a network: its largest centred square, resized, each channel
/// normalised as `(value - mean) / scale` from bytes.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use saliency_models::{Preparation, photos};
///
/// let (preparation, photo) = (Preparation::imagenet(), photos::coffee());
/// let input = preparation.tensor(&photo, &Device::flex());
/// assert_eq!(input.dims(), [1, 3, 224, 224]);
/// // The square in the photo that the input shows: left, top, width, height.
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
    /// What [`EfficientNetLite0`](crate::EfficientNetLite0) was trained with: 224 x 224,
    /// `(value - 127) / 128`.
    pub fn imagenet() -> Self {
        Self { size: 224, mean: 127.0, scale: 128.0 }
    }

    /// Sets the side of the tensor, for networks that take pictures of any size.
    pub fn with_size(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    /// The square of the photo that the network is shown.
    pub fn region(&self, photo: &RgbImage) -> Region {
        let (width, height) = photo.dimensions();
        let side = width.min(height);
        Region { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side }
    }

    /// The photo as `[1, 3, size, size]`.
    ///
    /// The resize averages over all pixels that a new one covers, so fine texture does not turn
    /// into patterns that are not in the photo.
    ///
    /// # Panics
    /// Where the photo has no pixels, which `read_photo` does not return.
    pub fn tensor(&self, photo: &RgbImage, device: &Device) -> Tensor<4> {
        let Region { x, y, width, height } = self.region(photo);
        assert!(width > 0, "expected a photo with pixels, found {:?}", photo.dimensions());
        let square = imageops::crop_imm(photo, x, y, width, height).to_image();
        let small = imageops::resize(&square, self.size, self.size, FilterType::CatmullRom);
        let size = self.size as usize;
        let channel = |channel: usize| {
            small.pixels().map(move |pixel| (f32::from(pixel.0[channel]) - self.mean) / self.scale)
        };
        let values: Vec<f32> = (0..3).flat_map(channel).collect();
        Tensor::from_data(TensorData::new(values, [1, 3, size, size]), device)
    }

    /// What a byte becomes: the constant for a baseline of black (0), grey or white (255).
    ///
    /// ```
    /// use saliency_models::Preparation;
    ///
    /// assert_eq!(Preparation::imagenet().level(0), -0.9921875);
    /// ```
    pub fn level(&self, byte: u8) -> f64 {
        f64::from((f32::from(byte) - self.mean) / self.scale)
    }

    /// The inverse of the normalisation: the first row of a tensor as a picture.
    ///
    /// # Panics
    /// Where the tensor is not `[rows, 3, height, width]` with at least one row.
    pub fn picture(&self, tensor: &Tensor<4>) -> RgbImage {
        let [rows, channels, height, width] = tensor.dims();
        assert!(rows > 0 && channels == 3, "expected [rows, 3, ...], found {:?}", tensor.dims());
        let values: Vec<f32> = tensor.clone().narrow(0, 0, 1).into_data().iter().collect();
        RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let at = |channel: usize| (channel * height + y as usize) * width + x as usize;
            let byte = |channel| (values[at(channel)] * self.scale + self.mean).round() as u8;
            Rgb([byte(0), byte(1), byte(2)])
        })
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
