//! Pixels of a photo as values of an input, and back.

use burn::tensor::{Device, Tensor, TensorData};
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::Preparation;
use super::fit::Fit;
use super::fit::Window;
use super::interpolation::Interpolation;
use super::placement::Placement;
use super::resize::resized_window;
use super::values::{Channels, Layout};
use crate::region::{Region, Size};

impl Preparation {
    /// Turns the first row of an input back into a picture, by inverting the normalisation. A grey
    /// input gives a grey picture.
    ///
    /// # Panics
    /// If the tensor has no row, or another number of channels than the preparation.
    pub fn picture(&self, tensor: &Tensor<4>) -> RgbImage {
        let dims = tensor.dims();
        let row = tensor.clone().narrow(0, 0, 1);
        let row = match self.layout {
            Layout::ChannelsFirst => row,
            Layout::ChannelsLast => row.permute([0, 3, 1, 2]),
        };
        let [_, count, height, width] = row.dims();
        let channels = self.channels.as_slice();
        assert_eq!(count, channels.len(), "the input {dims:?} has other channels");
        let values: Vec<f32> = row.into_data().iter().collect();
        RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let pixel = y as usize * width + x as usize;
            let byte = |channel: usize| {
                self.range.byte(values[channel * height * width + pixel], channels[channel])
            };
            match self.channels {
                Channels::Grey(_) => Rgb([byte(0); 3]),
                // The order of channels is its own inverse.
                Channels::Colour(_) => Rgb([0, 1, 2].map(|at| byte(self.order.of_pixel(at)))),
            }
        })
    }

    /// Cuts, resizes and pads a photo to the size of the input.
    pub(super) fn fitted(&self, photo: &RgbImage, placement: &Placement) -> RgbImage {
        let grey;
        let photo = match self.channels {
            Channels::Grey(_) => {
                grey = in_grey(photo);
                &grey
            }
            Channels::Colour(_) => photo,
        };
        if self.fit == Fit::CropFirst {
            let Region { x, y, width, height } = placement.region();
            return self.resized(&imageops::crop_imm(photo, x, y, width, height).to_image());
        }
        let scaled = self.fit.scaled(Size::of(photo), self.size, self.centring);
        let content = placement.content();
        let window = scaled.window(content);
        let size = [scaled.width, scaled.height];
        let part = resized_window(photo, size, window, self.interpolation);
        if placement.fills_input() {
            return part;
        }
        let mut input = RgbImage::from_pixel(self.size.width, self.size.height, self.fit.fill());
        imageops::replace(&mut input, &part, content.x.into(), content.y.into());
        input
    }

    /// Resizes a whole picture to the size of the input.
    fn resized(&self, picture: &RgbImage) -> RgbImage {
        let Size { width, height } = self.size;
        if self.interpolation == Interpolation::BicubicRoundedOnce {
            return imageops::resize(picture, width, height, FilterType::CatmullRom);
        }
        let window = Window { x: 0, y: 0, width, height };
        resized_window(picture, [width, height].map(u64::from), window, self.interpolation)
    }

    /// Turns the pixels of a picture of the input's size into its values.
    pub(super) fn normalised(&self, picture: &RgbImage, device: &Device) -> Tensor<4> {
        let channels = self.channels.as_slice();
        let value = |pixel: &Rgb<u8>, at: usize| {
            let byte = match self.channels {
                Channels::Grey(_) => luma(*pixel),
                Channels::Colour(_) => pixel.0[self.order.of_pixel(at)],
            };
            self.range.normalised(byte, channels[at])
        };
        let mut values = Vec::with_capacity(channels.len() * picture.pixels().len());
        match self.layout {
            Layout::ChannelsFirst => {
                for at in 0..channels.len() {
                    values.extend(picture.pixels().map(|pixel| value(pixel, at)));
                }
            }
            Layout::ChannelsLast => {
                for pixel in picture.pixels() {
                    values.extend((0..channels.len()).map(|at| value(pixel, at)));
                }
            }
        }
        Tensor::from_data(TensorData::new(values, self.shape()), device)
    }
}

/// Returns the photo without its colours.
fn in_grey(photo: &RgbImage) -> RgbImage {
    let mut grey = photo.clone();
    grey.pixels_mut().for_each(|pixel| *pixel = Rgb([luma(*pixel); 3]));
    grey
}

/// Returns the brightness of a pixel, as Pillow computes it (ITU-R 601-2). Grey stays as it is.
fn luma(pixel: Rgb<u8>) -> u8 {
    let [red, green, blue] = pixel.0.map(u32::from);
    ((red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16) as u8
}
