//! A preparation guessed from the facts of a model file.

mod facts;
mod rules;
mod shape;

use std::fmt;

use super::Preparation;
use crate::error::Result;

pub use facts::ModelFacts;

/// A preparation that was guessed, with the reasons in words, to be printed.
///
/// Few files say how their photos were prepared. A guess is better than nothing if a person checks
/// it: print it, and offer [`Preparation::read`] and the setters.
///
/// # Example
/// ```
/// use saliency_photo::{Fit, Guess, ModelFacts};
///
/// let facts = ModelFacts::new("images", [Some(1), Some(3), Some(640), Some(640)])
///     .with_metadata("task", "detect")
///     .with_metadata("author", "Ultralytics");
/// let guess = Guess::of(&facts)?;
/// assert_eq!(guess.preparation.size(), 640.into());
/// println!("{guess}");
/// # Ok::<(), saliency_photo::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Guess {
    /// The preparation.
    pub preparation: Preparation,
    /// Facts that the file states, and what follows from each, one sentence each.
    pub read: Vec<String>,
    /// Choices that the file does not decide, one sentence each. A person should check these.
    pub assumed: Vec<String>,
}

impl Guess {
    /// Guesses the preparation of a model.
    ///
    /// # Errors
    /// [`Error::NotAPhotoInput`](crate::Error::NotAPhotoInput) if the input cannot be a photo: it
    /// has not four dimensions, or neither one nor three channels.
    pub fn of(facts: &ModelFacts) -> Result<Self> {
        let shape = shape::read(facts)?;
        let mut guess =
            Self { preparation: Preparation::new(224), read: Vec::new(), assumed: Vec::new() };
        rules::apply(facts, &shape, &mut guess);
        guess.preparation.check()?;
        Ok(guess)
    }

    /// Returns whether the file decides everything, so that nothing was assumed.
    pub fn is_certain(&self) -> bool {
        self.assumed.is_empty()
    }
}

/// Prints the preparation, and then the reasons, one a line.
impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "preparation: {}", self.preparation)?;
        for reason in &self.read {
            write!(f, "\n  read from the file: {reason}")?;
        }
        for reason in &self.assumed {
            write!(f, "\n  assumed: {reason}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
