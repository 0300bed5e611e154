//! A picture, and Captum's values for the answer of the original network to this picture.

use std::error::Error;

use burn::tensor::{Device, Tensor};
use burn_store::{ModuleStore as _, SafetensorsStore, bridge};
use image::{Rgb, RgbImage};

pub struct Golden {
    /// `[1, 3, 32, 32]`, from 0 to 1.
    pub picture: Tensor<4>,
    pub logits: Tensor<2>,
    pub gradient: Tensor<4>,
    pub integrated_gradients: Tensor<4>,
}

impl Golden {
    pub fn read(device: &Device) -> Result<Self, Box<dyn Error>> {
        let bytes = include_bytes!("data/golden.safetensors").to_vec();
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        Ok(Self {
            picture: tensor(&mut store, "picture", device)?,
            logits: tensor(&mut store, "logits", device)?,
            gradient: tensor(&mut store, "gradient", device)?,
            integrated_gradients: tensor(&mut store, "integrated_gradients", device)?,
        })
    }

    /// Returns the picture as a photo.
    pub fn picture(&self) -> RgbImage {
        let [_, _, height, width] = self.picture.dims();
        let values: Vec<f32> = self.picture.to_data().iter().collect();
        RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let at = |channel| (channel * height + y as usize) * width + x as usize;
            Rgb([0, 1, 2].map(|channel| (255.0 * values[at(channel)]).round() as u8))
        })
    }
}

fn tensor<const D: usize>(
    store: &mut SafetensorsStore,
    name: &str,
    device: &Device,
) -> Result<Tensor<D>, Box<dyn Error>> {
    let found = store.get_tensor(name)?;
    let found = found.ok_or_else(|| format!("expected a tensor {name}, found none"))?;
    Ok(Tensor::from_data(bridge::to_data(found)?, device))
}
