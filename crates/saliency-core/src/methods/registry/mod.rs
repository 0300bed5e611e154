//! The list of all methods: programs, benches, tests and tables read it.

mod description;
mod options;

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::explainer::Explainer;
use crate::input::inputs::Inputs;
use crate::input::tokens::TokenReduction;
use crate::methods::gradient::{Gradient, InputTimesGradient};
use crate::methods::layer::{
    AblationCam, EigenCam, EigenGradCam, GradCam, GradCamElementWise, GradCamPlusPlus, HiResCam,
    LayerCam, XGradCam,
};
use crate::methods::noise::{SmoothGrad, SmoothGradSquared, VarGrad};
use crate::methods::path::{AdversarialGradients, BlurIg, Idgi, IntegratedGradients, LeftIg};
use crate::methods::perturbation::{KernelShap, Lime, Rise, ShapleySampling};
use crate::model::model::Model;

pub use description::{ErrorBar, Family, Needs};
pub use options::MethodOptions;

/// A method by name, with all that a program needs to offer it.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Method, MethodOptions, pure_function};
///
/// let method: Method = "integrated-gradients".parse()?;
/// let explainer = method.explainer(&MethodOptions::new().with_steps(3));
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let map = explainer.attribute(&model, Tensor::ones([1, 1], &Device::flex()))?;
/// assert!((map.values.into_scalar::<f32>() - 1.0).abs() < 1e-6);
///
/// for method in Method::ALL {
///     println!("{:<20} {}", method.name(), method.question());
/// }
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// [`Gradient`].
    Gradient,
    /// [`InputTimesGradient`].
    InputTimesGradient,
    /// [`IntegratedGradients`].
    IntegratedGradients,
    /// [`BlurIg`].
    BlurIg,
    /// [`GuidedIg`](crate::GuidedIg).
    GuidedIg,
    /// [`Idgi`] along the straight path.
    Idgi,
    /// [`LeftIg`].
    LeftIg,
    /// [`ExpectedGradients`](crate::ExpectedGradients).
    ExpectedGradients,
    /// [`RevealIg`](crate::RevealIg).
    RevealIg,
    /// [`SequentialIg`](crate::SequentialIg).
    SequentialIg,
    /// [`AdversarialGradients`].
    AdversarialGradients,
    /// [`Timing`](crate::Timing).
    Timing,
    /// [`SmoothGrad`] around the gradient.
    SmoothGrad,
    /// [`SmoothGradSquared`] around the gradient.
    SmoothGradSquared,
    /// [`VarGrad`] around the gradient.
    VarGrad,
    /// [`GradCam`].
    GradCam,
    /// [`GradCamPlusPlus`].
    GradCamPlusPlus,
    /// [`XGradCam`].
    XGradCam,
    /// [`HiResCam`].
    HiResCam,
    /// [`GradCamElementWise`].
    GradCamElementWise,
    /// [`LayerCam`].
    LayerCam,
    /// [`EigenCam`].
    EigenCam,
    /// [`EigenGradCam`].
    EigenGradCam,
    /// [`AblationCam`].
    AblationCam,
    /// [`Occlusion`](crate::Occlusion).
    Occlusion,
    /// [`FeatureAblation`](crate::FeatureAblation).
    FeatureAblation,
    /// [`Rise`].
    Rise,
    /// [`ShapleySampling`].
    ShapleySampling,
    /// [`KernelShap`].
    KernelShap,
    /// [`Lime`].
    Lime,
}

impl Method {
    /// All methods, in the order of the book.
    pub const ALL: &'static [Self] = &[
        Self::Gradient,
        Self::InputTimesGradient,
        Self::IntegratedGradients,
        Self::BlurIg,
        Self::GuidedIg,
        Self::Idgi,
        Self::LeftIg,
        Self::ExpectedGradients,
        Self::RevealIg,
        Self::SequentialIg,
        Self::AdversarialGradients,
        Self::Timing,
        Self::SmoothGrad,
        Self::SmoothGradSquared,
        Self::VarGrad,
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::XGradCam,
        Self::HiResCam,
        Self::GradCamElementWise,
        Self::LayerCam,
        Self::EigenCam,
        Self::EigenGradCam,
        Self::AblationCam,
        Self::Occlusion,
        Self::FeatureAblation,
        Self::Rise,
        Self::ShapleySampling,
        Self::KernelShap,
        Self::Lime,
    ];

    /// Returns the name by which programs know the method, such as `integrated-gradients`.
    pub fn name(self) -> &'static str {
        self.description().name
    }

    /// Returns the name as it is written in text, such as `Integrated Gradients`.
    pub fn title(self) -> &'static str {
        self.description().title
    }

    /// Returns the question that the method answers, for people who choose one.
    pub fn question(self) -> &'static str {
        self.description().question
    }

    /// Returns the kind of computation that the method does.
    pub fn family(self) -> Family {
        self.description().family
    }

    /// Returns the number that stands for a token: the length of its vector of values if they are
    /// slopes, the sum of its values if they are shares of a score or squares.
    pub fn token_reduction(self) -> TokenReduction {
        match self {
            Self::Gradient | Self::SmoothGrad => TokenReduction::Norm,
            _ => TokenReduction::Sum,
        }
    }

    /// Returns the kind of error bar that the method gives.
    pub fn error_bar(self) -> ErrorBar {
        self.description().error_bar
    }

    /// Returns how many times the method calls the model for each row with its defaults, in words.
    pub fn cost(self) -> &'static str {
        self.description().cost
    }

    /// Returns whether [`MethodOptions::with_baseline`] has an effect on the method.
    pub fn starts_at_baseline(self) -> bool {
        match self.family() {
            Family::Perturbation => true,
            Family::Path => {
                !matches!(self, Self::BlurIg | Self::ExpectedGradients | Self::AdversarialGradients)
            }
            _ => false,
        }
    }

    /// Returns what the input of the method must have.
    pub fn needs(self) -> Needs {
        self.description().needs
    }

    /// Returns whether the method can explain an input of the given shape, rows included, or if it
    /// needs a layer, the activation of this shape.
    pub fn fits(self, shape: &[usize]) -> bool {
        match self.needs() {
            Needs::Nothing | Needs::Classes => true,
            Needs::Places | Needs::Layer => shape.len() > 2,
            Needs::Series => shape.len() == 3,
        }
    }

    /// Lists the methods that can explain an input of the given shape, rows included, whatever the
    /// model.
    pub fn fitting(shape: &[usize]) -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|method| {
            !matches!(method.needs(), Needs::Layer | Needs::Classes) && method.fits(shape)
        })
    }

    /// Builds the explainer, with the method's own defaults for options that are not set. Options
    /// that the method does not have are ignored.
    pub fn explainer<M: Model<I>, I: Inputs>(
        self,
        options: &MethodOptions,
    ) -> Box<dyn Explainer<M, I>> {
        let schedule = options.schedule.clone();
        match self {
            Self::Gradient => Box::new(Gradient::new().with_schedule(schedule)),
            Self::InputTimesGradient => Box::new(InputTimesGradient::new().with_schedule(schedule)),
            Self::IntegratedGradients => Box::new(options.path_from(IntegratedGradients::new())),
            Self::BlurIg => Box::new(options.along(BlurIg::new())),
            Self::GuidedIg => Box::new(options.guided_ig()),
            Self::Idgi => Box::new(options.path_from(Idgi::new())),
            Self::ExpectedGradients => Box::new(options.expected_gradients()),
            Self::SmoothGrad => Box::new(options.over_noise(SmoothGrad::default())),
            Self::SmoothGradSquared => Box::new(options.over_noise(SmoothGradSquared::default())),
            Self::VarGrad => Box::new(options.over_noise(VarGrad::default())),
            Self::Timing => Box::new(options.timing()),
            Self::GradCam => Box::new(GradCam::new().with_schedule(schedule)),
            Self::GradCamPlusPlus => Box::new(GradCamPlusPlus::new().with_schedule(schedule)),
            Self::XGradCam => Box::new(XGradCam::new().with_schedule(schedule)),
            Self::HiResCam => Box::new(HiResCam::new().with_schedule(schedule)),
            Self::GradCamElementWise => Box::new(GradCamElementWise::new().with_schedule(schedule)),
            Self::LayerCam => Box::new(LayerCam::new().with_schedule(schedule)),
            Self::EigenCam => Box::new(EigenCam::new().with_schedule(schedule)),
            Self::EigenGradCam => Box::new(EigenGradCam::new().with_schedule(schedule)),
            Self::AblationCam => Box::new(AblationCam::new().with_schedule(schedule)),
            Self::LeftIg => Box::new(options.path_from(LeftIg::new())),
            Self::RevealIg => Box::new(options.reveal_ig()),
            Self::SequentialIg => Box::new(options.sequential_ig()),
            Self::AdversarialGradients => Box::new(
                AdversarialGradients::new().with_seed(options.seed).with_schedule(schedule),
            ),
            Self::Occlusion => Box::new(options.occlusion()),
            Self::FeatureAblation => Box::new(options.feature_ablation()),
            Self::Rise => Box::new(options.over_covers(Rise::new())),
            Self::ShapleySampling => Box::new(options.over_groups(ShapleySampling::new())),
            Self::KernelShap => Box::new(options.over_groups(KernelShap::new())),
            Self::Lime => Box::new(options.over_groups(Lime::new())),
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().copied().find(|method| method.name() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|method| method.name()).collect();
            Error::invalid_option("method", format!("one of {}", names.join(", ")), name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_by_its_name() {
        for method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), *method);
        }
        let error = "no-such-method".parse::<Method>().unwrap_err().to_string();
        assert!(error.contains("integrated-gradients") && error.contains("no-such-method"));
    }
}
