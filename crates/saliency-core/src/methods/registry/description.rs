//! Everything that is known of a method without running it.

use crate::methods::registry::Method;

/// The kind of computation that a method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// A single gradient.
    Gradient,
    /// Gradients along a path.
    Path,
    /// A statistic over noisy copies of the input.
    Noise,
    /// A map of the places of a layer.
    Layer,
    /// Scores of inputs of which parts are covered, without a gradient.
    Perturbation,
}

/// The error bar that a method gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorBar {
    /// None.
    None,
    /// An estimate of the relative error of the whole map, and the completeness gap.
    Map,
    /// A standard error of every value.
    Values,
}

/// What the input of a method must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing: an input of any rank.
    Nothing,
    /// Places: at least one axis behind rows and channels, such as time, or height and width.
    Places,
    /// One axis behind rows and channels: a series over time.
    Series,
    /// Nothing, but the model must have several classes.
    Classes,
    /// The activation of a layer that has channels and places. The method explains the part of the
    /// model behind it: [`Split::after`](crate::Split::after).
    Layer,
}

/// Everything that is known of a method without running it.
pub(super) struct Description {
    pub name: &'static str,
    pub title: &'static str,
    pub question: &'static str,
    pub family: Family,
    pub error_bar: ErrorBar,
    pub cost: &'static str,
    pub needs: Needs,
}

impl Method {
    pub(super) fn description(self) -> Description {
        match self {
            Self::Gradient => Description {
                name: "gradient",
                title: "Gradient",
                question: "Which values would change the score if they changed a little?",
                family: Family::Gradient,
                error_bar: ErrorBar::None,
                cost: "1 gradient",
                needs: Needs::Nothing,
            },
            Self::InputTimesGradient => Description {
                name: "input-x-gradient",
                title: "Input x Gradient",
                question: "How much of the score is the value times its gradient, as if the model were linear?",
                family: Family::Gradient,
                error_bar: ErrorBar::None,
                cost: "1 gradient",
                needs: Needs::Nothing,
            },
            Self::IntegratedGradients => Description {
                name: "integrated-gradients",
                title: "Integrated Gradients",
                question: "Which values made the score differ from the baseline's?",
                family: Family::Path,
                error_bar: ErrorBar::Map,
                cost: "50 gradients",
                needs: Needs::Nothing,
            },
            Self::BlurIg => Description {
                name: "blur-ig",
                title: "Blur IG",
                question: "Which values made the score differ from that of the blurred input?",
                family: Family::Path,
                error_bar: ErrorBar::Map,
                cost: "50 gradients",
                needs: Needs::Places,
            },
            Self::GuidedIg => Description {
                name: "guided-ig",
                title: "Guided IG",
                question: "Which values made the score differ from the baseline's, on a path that avoids large gradients?",
                family: Family::Path,
                error_bar: ErrorBar::Map,
                cost: "201 gradients",
                needs: Needs::Nothing,
            },
            Self::Idgi => Description {
                name: "idgi",
                title: "IDGI",
                question: "Along which values does the gradient point while the score changes from the baseline's?",
                family: Family::Path,
                error_bar: ErrorBar::Map,
                cost: "50 gradients",
                needs: Needs::Nothing,
            },
            Self::LeftIg => Description {
                name: "left-ig",
                title: "Left-IG",
                question: "Which values made the score rise from the baseline's, before it saturated?",
                family: Family::Path,
                error_bar: ErrorBar::Map,
                cost: "50 gradients, 23 forward passes",
                needs: Needs::Nothing,
            },
            Self::ExpectedGradients => Description {
                name: "expected-gradients",
                title: "Expected Gradients",
                question: "Which values made the score differ from those of typical inputs?",
                family: Family::Path,
                error_bar: ErrorBar::Values,
                cost: "50 gradients",
                needs: Needs::Nothing,
            },
            Self::RevealIg => Description {
                name: "reveal-ig",
                title: "Reveal-IG",
                question: "Which values made the score differ, while the input emerged from noise?",
                family: Family::Path,
                error_bar: ErrorBar::Values,
                cost: "200 gradients",
                needs: Needs::Nothing,
            },
            Self::SequentialIg => Description {
                name: "sequential-ig",
                title: "Sequential IG",
                question: "Which tokens made the score differ, each beside all others?",
                family: Family::Path,
                error_bar: ErrorBar::Map,
                cost: "50 gradients for each token",
                needs: Needs::Series,
            },
            Self::AdversarialGradients => Description {
                name: "adversarial-gradients",
                title: "AGI",
                question: "Which values separate the input from the nearest inputs of other classes?",
                family: Family::Path,
                error_bar: ErrorBar::Map,
                cost: "up to 200 gradients",
                needs: Needs::Classes,
            },
            Self::Timing => Description {
                name: "timing",
                title: "TIMING",
                question: "Which moments of a series made the score differ, beside stretches of the series that stay?",
                family: Family::Path,
                error_bar: ErrorBar::Values,
                cost: "58 gradients",
                needs: Needs::Series,
            },
            Self::SmoothGrad => Description {
                name: "smooth-grad",
                title: "SmoothGrad",
                question: "What is the average of the gradient under noise?",
                family: Family::Noise,
                error_bar: ErrorBar::Values,
                cost: "50 gradients",
                needs: Needs::Nothing,
            },
            Self::SmoothGradSquared => Description {
                name: "smooth-grad-squared",
                title: "SmoothGrad Squared",
                question: "Which values have a strong gradient under noise, whatever its sign?",
                family: Family::Noise,
                error_bar: ErrorBar::Values,
                cost: "50 gradients",
                needs: Needs::Nothing,
            },
            Self::VarGrad => Description {
                name: "var-grad",
                title: "VarGrad",
                question: "Which values have a gradient that changes under noise?",
                family: Family::Noise,
                error_bar: ErrorBar::Values,
                cost: "50 gradients",
                needs: Needs::Nothing,
            },
            Self::GradCam => Description {
                name: "grad-cam",
                title: "Grad-CAM",
                question: "Where are the channels of a layer active that speak for the score on average?",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 gradient behind the layer",
                needs: Needs::Layer,
            },
            Self::GradCamPlusPlus => Description {
                name: "grad-cam-plus-plus",
                title: "Grad-CAM++",
                question: "The question of Grad-CAM, for pictures that show the object several times",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 gradient behind the layer",
                needs: Needs::Layer,
            },
            Self::XGradCam => Description {
                name: "x-grad-cam",
                title: "XGrad-CAM",
                question: "The question of Grad-CAM, with gradients weighed by the activation",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 gradient behind the layer",
                needs: Needs::Layer,
            },
            Self::HiResCam => Description {
                name: "hi-res-cam",
                title: "HiResCAM",
                question: "Which places of a layer does the score come from, as if the rest were linear?",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 gradient behind the layer",
                needs: Needs::Layer,
            },
            Self::GradCamElementWise => Description {
                name: "grad-cam-element-wise",
                title: "Grad-CAM, element-wise",
                question: "Which places and channels speak for the score, without those that speak against it?",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 gradient behind the layer",
                needs: Needs::Layer,
            },
            Self::LayerCam => Description {
                name: "layer-cam",
                title: "LayerCAM",
                question: "Which places would raise the score if they were more active?",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 gradient behind the layer",
                needs: Needs::Layer,
            },
            Self::EigenCam => Description {
                name: "eigen-cam",
                title: "Eigen-CAM",
                question: "What is the strongest pattern of a layer, whatever the score?",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 forward pass behind the layer",
                needs: Needs::Layer,
            },
            Self::EigenGradCam => Description {
                name: "eigen-grad-cam",
                title: "Eigen-Grad-CAM",
                question: "What is the strongest pattern of the activation times its gradient?",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 gradient behind the layer",
                needs: Needs::Layer,
            },
            Self::AblationCam => Description {
                name: "ablation-cam",
                title: "Ablation-CAM",
                question: "By how much does the score fall without each channel, and where is the channel active?",
                family: Family::Layer,
                error_bar: ErrorBar::None,
                cost: "1 forward pass behind the layer for each channel",
                needs: Needs::Layer,
            },
            Self::Occlusion => Description {
                name: "occlusion",
                title: "Occlusion",
                question: "By how much does the score fall if a window is covered?",
                family: Family::Perturbation,
                error_bar: ErrorBar::None,
                cost: "a forward pass for each window",
                needs: Needs::Nothing,
            },
            Self::FeatureAblation => Description {
                name: "feature-ablation",
                title: "Feature ablation",
                question: "By how much does the score fall if a group of values is covered?",
                family: Family::Perturbation,
                error_bar: ErrorBar::None,
                cost: "a forward pass for each group",
                needs: Needs::Nothing,
            },
            Self::Rise => Description {
                name: "rise",
                title: "RISE",
                question: "What is the mean score of random parts of the input that hold this place?",
                family: Family::Perturbation,
                error_bar: ErrorBar::Values,
                cost: "1,000 forward passes",
                needs: Needs::Places,
            },
            Self::ShapleySampling => Description {
                name: "shapley-sampling",
                title: "Shapley sampling",
                question: "Which share of the change of score is fair for each group?",
                family: Family::Perturbation,
                error_bar: ErrorBar::Values,
                cost: "100 forward passes for each group",
                needs: Needs::Nothing,
            },
            Self::KernelShap => Description {
                name: "kernel-shap",
                title: "KernelSHAP",
                question: "The shares of Shapley sampling, by a regression; exact for few groups",
                family: Family::Perturbation,
                error_bar: ErrorBar::Values,
                cost: "1,100 forward passes",
                needs: Needs::Nothing,
            },
            Self::Lime => Description {
                name: "lime",
                title: "LIME",
                question: "What is the slope of the score near the input, as each group is covered?",
                family: Family::Perturbation,
                error_bar: ErrorBar::Values,
                cost: "1,100 forward passes",
                needs: Needs::Nothing,
            },
        }
    }
}
