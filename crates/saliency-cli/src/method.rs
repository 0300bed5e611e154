//! The names of the methods.

use clap::ValueEnum;

/// A method of the library.
#[expect(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Method {
    Gradient,
    InputXGradient,
    IntegratedGradients,
    ExpectedGradients,
    SmoothGrad,
    SmoothGradSquared,
    VarGrad,
}

impl Method {
    /// All methods, in the order in which tables list them.
    pub const ALL: [Self; 7] = [
        Self::Gradient,
        Self::InputXGradient,
        Self::IntegratedGradients,
        Self::ExpectedGradients,
        Self::SmoothGrad,
        Self::SmoothGradSquared,
        Self::VarGrad,
    ];

    /// Returns the method's name on the command line and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gradient => "gradient",
            Self::InputXGradient => "input-x-gradient",
            Self::IntegratedGradients => "integrated-gradients",
            Self::ExpectedGradients => "expected-gradients",
            Self::SmoothGrad => "smooth-grad",
            Self::SmoothGradSquared => "smooth-grad-squared",
            Self::VarGrad => "var-grad",
        }
    }

    /// Returns the method's name in titles.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gradient => "Gradient",
            Self::InputXGradient => "Input x Gradient",
            Self::IntegratedGradients => "Integrated Gradients",
            Self::ExpectedGradients => "Expected Gradients",
            Self::SmoothGrad => "SmoothGrad",
            Self::SmoothGradSquared => "SmoothGrad Squared",
            Self::VarGrad => "VarGrad",
        }
    }

    /// Returns whether the method takes one gradient, and so has neither steps nor a tolerance.
    pub fn takes_one_gradient(self) -> bool {
        matches!(self, Self::Gradient | Self::InputXGradient)
    }

    /// Returns whether the method draws samples.
    pub fn draws_samples(self) -> bool {
        !self.takes_one_gradient() && self != Self::IntegratedGradients
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_chosen_by_their_names() {
        for method in Method::ALL {
            let value = method.to_possible_value().expect("no method is hidden");
            assert_eq!(value.get_name(), method.name());
        }
        assert_eq!(Method::ALL, Method::value_variants());
    }
}
