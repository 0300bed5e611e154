//! What the examples have in common.

pub mod audit;
#[cfg(doctest)]
mod book;
pub mod training;

use std::error::Error;
use std::process::ExitCode;

use saliency::{
    ExpectedGradients, Explainer, Gradient, InputTimesGradient, Inputs, IntegratedGradients, Model,
    SmoothGrad, SmoothGradSquared, VarGrad,
};

/// A method with its name.
pub type Named<N, I> = (&'static str, Box<dyn Explainer<N, I>>);

/// All methods by name, with their defaults; Expected Gradients have none for their baselines.
pub fn every_method<N: Model<I>, I: Inputs + 'static>(
    expected: ExpectedGradients,
) -> Vec<Named<N, I>> {
    vec![
        ("Gradient", Box::new(Gradient::new())),
        ("Input x Gradient", Box::new(InputTimesGradient::new())),
        ("Integrated Gradients", Box::new(IntegratedGradients::new())),
        ("Expected Gradients", Box::new(expected)),
        ("SmoothGrad", Box::new(SmoothGrad::default())),
        ("SmoothGrad Squared", Box::new(SmoothGradSquared::default())),
        ("VarGrad", Box::new(VarGrad::default())),
    ]
}

/// How a program ends: an error is told in its own words.
pub fn ended(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
