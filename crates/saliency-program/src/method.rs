//! How the programs explain a photo: a method of the library, or regions.

use std::fmt;

use burn::tensor::Tensor;
use saliency::methods::{ErrorBar, Family};
use saliency::photo::Reduce;
use saliency::{Attribution, Explainer as _, Method, MethodOptions, Schedule, Target};
use saliency_models::EfficientNetLite0;

use crate::Result;
use crate::regions::Regions;

pub use crate::regions::Tolerance;

/// A method that explains the programs' network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoMethod {
    /// A method of the library, with a value for each pixel.
    Pixels(Method),
    /// [`Regions`]: Integrated Gradients at a layer in the middle of the network, from a photo of
    /// noise, with a value for each region of 16 x 16 pixels.
    Regions,
}

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

    /// Returns whether the method draws samples, so that it takes long to reach a tolerance.
    pub fn draws_samples(self) -> bool {
        matches!(self, Self::Pixels(method) if method.error_bar() == ErrorBar::Values)
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
            Self::Regions => regions(question),
        }
    }
}

/// What is explained, and how.
#[derive(Debug)]
pub struct PhotoQuestion<'a> {
    /// The network.
    pub net: &'a EfficientNetLite0,
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

/// Explains regions of a photo.
fn regions(question: PhotoQuestion<'_>) -> Result<Attribution<Tensor<4>>> {
    let PhotoQuestion { net, input, target, tolerance, schedule, .. } = question;
    let explainer = Regions::new().with_schedule(schedule.clone());
    let explainer = match tolerance {
        Some(tolerance) => explainer.with_tolerance(tolerance),
        None => explainer,
    };
    Ok(explainer.attribute_to(net, input.clone(), target)?)
}

impl fmt::Display for PhotoMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
