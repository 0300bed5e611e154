//! How the programs explain a photo: a method of the library, or regions.

use std::fmt;

use burn::tensor::{Tensor, TensorData};
use saliency::kit::{Key, Stream};
use saliency::methods::Family;
use saliency::photo::Reduce;
use saliency::{
    After, Attribution, Cut, Explainer as _, IntegratedGradients, Method, MethodOptions, Model, ModelFn,
    Schedule, Split, Target,
};
use saliency_models::{AfterBlock, EfficientNetLite0};

use crate::Result;

/// A method that explains the programs' network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoMethod {
    /// A method of the library, with a value for each pixel.
    Pixels(Method),
    /// Integrated Gradients at a layer in the middle of the network, from a photo of noise, with a
    /// value for each region of 16 x 16 pixels.
    Regions,
}

/// The layer behind which [`PhotoMethod::Regions`] explains: `[rows, 112, 14, 14]`.
const LAYER: AfterBlock<10> = AfterBlock;
/// Without another tolerance, [`PhotoMethod::Regions`] stops at this error, or after this many
/// gradients. More of them hardly change which regions matter: `cargo bench --bench truth`.
const ENOUGH: Tolerance = Tolerance { error: 0.15, limit: 12 };

impl PhotoMethod {
    /// Lists all methods.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Regions).chain(Method::ALL.iter().copied().map(Self::Pixels))
    }

    /// Returns the name for options and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pixels(method) => method.name(),
            Self::Regions => "regions",
        }
    }

    /// Returns the name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pixels(method) => method.title(),
            Self::Regions => "Regions",
        }
    }

    /// Returns how the values of a place become one number if nothing else is asked for.
    ///
    /// Regions leave out what speaks against the class. Without signs, contributions that cancel
    /// each other would count too.
    pub fn reduction(self) -> Reduce {
        match self {
            Self::Pixels(_) => Reduce::AbsoluteSum,
            Self::Regions => Reduce::Positive,
        }
    }

    /// Returns whether the method takes a single gradient, so that it has no options of its own.
    pub fn takes_one_gradient(self) -> bool {
        matches!(self, Self::Pixels(method) if method.family() == Family::Gradient)
    }

    /// Explains a photo.
    ///
    /// # Errors
    /// Those of the method.
    pub fn attribute(self, question: PhotoQuestion<'_>) -> Result<Attribution<Tensor<4>>> {
        match self {
            Self::Pixels(method) => {
                let explainer = method.explainer(question.options);
                let PhotoQuestion { net, input, target, .. } = question;
                Ok(explainer.attribute_to(net, input.clone(), target)?)
            }
            Self::Regions => regions(question, LAYER),
        }
    }
}

/// How sure a map must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The largest estimated relative error.
    pub error: f64,
    /// The most gradients.
    pub limit: usize,
}

/// What is explained, and how.
#[derive(Debug)]
pub struct PhotoQuestion<'a, M = EfficientNetLite0> {
    /// The network.
    pub net: &'a M,
    /// The photo, prepared.
    pub input: &'a Tensor<4>,
    /// The class.
    pub target: Target,
    /// The options of the library's methods.
    pub options: &'a MethodOptions,
    /// Instead of a fixed number of gradients.
    pub tolerance: Option<Tolerance>,
    /// The device's schedule.
    pub schedule: &'a Schedule,
}

/// Explains regions of a photo, of any network that can be cut at a layer with places.
///
/// The input is a switch for each region, between noise (0) and the photo (1) at the layer:
///
/// ```text
/// activation = noise + switch (photo - noise)
/// ```
///
/// Integrated Gradients of the switches are those of the activation, added up over the channels. So
/// the estimate of the error, and a tolerance, are about the regions.
///
/// # Errors
/// Those of [`Split::activation`] and of [`IntegratedGradients`].
pub fn regions<M, P>(question: PhotoQuestion<'_, M>, layer: P) -> Result<Attribution<Tensor<4>>>
where
    M: Cut<Tensor<4>, P, Activation = Tensor<4>>,
{
    let PhotoQuestion { net, input, target, tolerance, schedule, .. } = question;
    let split = Split::at(net, layer);
    let photo = split.activation(input.clone(), schedule)?;
    let noise = split.activation(noise_like(input), schedule)?;
    let [rows, _, height, width] = photo.dims();
    let switches = Tensor::ones([rows, 1, height, width], &input.device());
    let difference = photo - noise.clone();
    let switched = ModelFn::new(split.after().clone(), move |after: &After<_, _, _>, switches| {
        let switches: Tensor<4> = switches;
        let noise = noise.clone().to_device(&switches.device());
        let difference = difference.clone().to_device(&switches.device());
        Model::forward(after, noise + difference * switches)
    });
    // The switches are few, but the activations that are made of them are not.
    let explainer = IntegratedGradients::new().with_schedule(schedule.clone().with_chunk(2));
    let Tolerance { error, limit } = tolerance.unwrap_or(ENOUGH);
    let explainer = explainer.with_tolerance(error).with_max_gradients(limit);
    let mut map = explainer.attribute_to(&switched, switches, target)?;
    if tolerance.is_none() {
        // Nobody asked for a tolerance, so that nothing is wrong if it is not reached.
        map.converged = None;
    }
    Ok(map)
}

/// Makes a photo of noise with the mean and the strength of each channel of `photo`, so that nothing
/// is left of what it shows. The same photo gives the same noise.
fn noise_like(photo: &Tensor<4>) -> Tensor<4> {
    let mean = photo.clone().mean_dim(3).mean_dim(2);
    let off = photo.clone() - mean.clone();
    let strength = off.powi_scalar(2).mean_dim(3).mean_dim(2).sqrt();
    let shape = photo.dims();
    let key = Key { seed: 0, row: 0, sample: 0 };
    let noise = key.normal(Stream::Own(0), shape.iter().product());
    let noise = Tensor::from_data(TensorData::new(noise, shape), &photo.device());
    noise * strength + mean
}

impl fmt::Display for PhotoMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
