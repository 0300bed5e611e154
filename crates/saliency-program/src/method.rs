//! How the programs explain a photo: a method of the library, or regions.

use std::fmt;

use burn::tensor::Tensor;
use saliency::methods::{ErrorBar, Family, Needs};
use saliency::photo::Reduce;
use saliency::{Attribution, Explainer as _, Method, MethodOptions, Rows, Schedule, Target};

use crate::Result;
use crate::layer::attribute_layer;
use crate::network::PhotoNetwork;
use crate::regions::Regions;

pub use crate::regions::Tolerance;

/// A method that explains a network of photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoMethod {
    /// A method of the library, with a value for each pixel.
    Pixels(Method),
    /// A method of the library that explains a layer in the middle of the network, with a value for
    /// each region of the photo.
    Layer(Method),
    /// [`Regions`]: Integrated Gradients at a layer in the middle of the network, from a photo of
    /// noise, with a value for each region of the photo.
    Regions,
}

impl PhotoMethod {
    /// Lists all methods that can explain a photo.
    pub fn all() -> impl Iterator<Item = Self> {
        let fitting = Method::ALL.iter().copied().filter(|method| method.fits(&[1, 3, 224, 224]));
        std::iter::once(Self::Regions).chain(fitting.map(Self::from))
    }

    /// Returns whether the map has a value for each region of the photo, rather than for each pixel.
    pub fn maps_regions(self) -> bool {
        !matches!(self, Self::Pixels(_))
    }

    /// Returns the name for options and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pixels(method) | Self::Layer(method) => method.name(),
            Self::Regions => "regions",
        }
    }

    /// Returns the name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pixels(method) | Self::Layer(method) => method.title(),
            Self::Regions => "Regions",
        }
    }

    /// Returns how the values of a place become one number if nothing else is asked for.
    ///
    /// Regions leave out what speaks against the class. Without signs, contributions that cancel
    /// each other would count too. So do parts that were covered.
    pub fn reduction(self) -> Reduce {
        match self {
            Self::Pixels(method) if method.family() == Family::Perturbation => Reduce::Positive,
            Self::Pixels(_) => Reduce::AbsoluteSum,
            Self::Layer(_) | Self::Regions => Reduce::Positive,
        }
    }

    /// Returns the share of a map beyond which the strongest pixels are drawn in one colour. Of
    /// regions there are few, so that the strongest one is the brightest.
    pub fn clip_beyond(self) -> f64 {
        match self {
            Self::Pixels(_) => 0.9,
            Self::Layer(_) | Self::Regions => 1.0,
        }
    }

    /// Returns whether the number of gradients is the method's own, so that nobody can set it.
    pub fn has_fixed_effort(self) -> bool {
        match self {
            Self::Pixels(method) => match method.family() {
                Family::Gradient => true,
                Family::Perturbation => method.error_bar() == ErrorBar::None,
                _ => false,
            },
            Self::Layer(_) => true,
            Self::Regions => false,
        }
    }

    /// Returns whether the method draws samples, so that it takes long to reach a tolerance.
    pub fn draws_samples(self) -> bool {
        matches!(self, Self::Pixels(method) if method.error_bar() == ErrorBar::Values)
    }

    /// Returns what the method's cost is counted in.
    pub fn counted_in(self) -> &'static str {
        match self {
            Self::Pixels(method) if method.family() == Family::Perturbation => "forward passes",
            Self::Layer(Method::AblationCam | Method::EigenCam) => "forward passes",
            _ => "gradients",
        }
    }

    /// Explains a photo.
    ///
    /// # Errors
    /// Those of the method.
    pub fn attribute<N: PhotoNetwork>(
        self,
        question: PhotoQuestion<'_, N>,
    ) -> Result<Attribution<Tensor<4>>> {
        match self {
            Self::Pixels(method) => {
                let explainer = method.explainer(question.options);
                let PhotoQuestion { model, input, target, .. } = question;
                let mut map = explainer.attribute_to(model, input.clone(), target)?;
                if method == Method::Rise {
                    map.values = above_the_least(map.values);
                }
                Ok(map)
            }
            Self::Layer(method) => {
                let PhotoQuestion { network, model, input, target, options, .. } = question;
                Ok(attribute_layer(network, model, method, options, input.clone(), target)?)
            }
            Self::Regions => regions(question),
        }
    }
}

impl From<Method> for PhotoMethod {
    fn from(method: Method) -> Self {
        match method.needs() {
            Needs::Layer => Self::Layer(method),
            _ => Self::Pixels(method),
        }
    }
}

/// What is explained, and how.
pub struct PhotoQuestion<'a, N: PhotoNetwork> {
    /// The network.
    pub network: &'a N,
    /// The same, on its device.
    pub model: &'a N::Model,
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

/// Subtracts the least value of each row. RISE returns mean scores, which are all alike in a picture;
/// how much one place is above another is its answer.
fn above_the_least(values: Tensor<4>) -> Tensor<4> {
    let least = values.clone().flatten::<2>(1, 3).min_dim(1).unsqueeze_dims(&[2, 3]);
    values - least
}

/// Explains regions of a photo.
fn regions<N: PhotoNetwork>(question: PhotoQuestion<'_, N>) -> Result<Attribution<Tensor<4>>> {
    let PhotoQuestion { network, model, input, target, tolerance, schedule, .. } = question;
    let regions = Regions::new().with_schedule(schedule.clone());
    let regions = match tolerance {
        Some(tolerance) => regions.with_tolerance(tolerance),
        None => regions,
    };
    let rows = Rows::all(input.dims()[0]);
    Ok(regions.attribute_network(network, model, input.clone(), target, &rows)?)
}

impl<N: PhotoNetwork> fmt::Debug for PhotoQuestion<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhotoQuestion")
            .field("network", &self.network.description())
            .field("input", &self.input.dims())
            .field("target", &self.target)
            .field("options", &self.options)
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PhotoMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
