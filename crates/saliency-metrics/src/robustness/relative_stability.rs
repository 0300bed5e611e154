//! The relative change of maps against the change of something else.

use saliency_core::{Explainer, Inputs, Model, Target};

use super::sensitivity::{ComparedWith, Explained, SensitivityOptions};
use crate::error::Result;
use crate::estimate::{Reason, RowValues};
use crate::units::ranking;

/// Stands for zeros that are divided by.
const EPSILON: f64 = 1e-6;

/// Returns, for each row, the largest relative change of the map against the change that `change`
/// returns, over the draws that do not change the answer.
pub(super) fn relative_stability<M: Model<I>, I: Inputs>(
    options: &SensitivityOptions,
    explainer: &impl Explainer<M, I>,
    model: &M,
    input: I,
    target: Target,
    change: impl Fn(&Explained, &Explained) -> f64,
) -> Result<RowValues> {
    let with = ComparedWith::InputsAndOutputs;
    let rows = options.compare(explainer, model, input, target, with, |whole, found| {
        if whole.map.iter().all(|value| *value == 0.0) {
            return Err(Reason::MapSumsToZero);
        }
        if ranking(&whole.outputs)[0] != ranking(&found.outputs)[0] {
            return Err(Reason::AnswerChanges);
        }
        let change = change(whole, found);
        Ok(relative_change(&whole.map, &found.map) / if change == 0.0 { EPSILON } else { change })
    })?;
    Ok(RowValues::new(rows.iter().map(|row| largest(row))))
}

/// Returns the largest value, or why there is none. NaN stays, so that it is noted.
fn largest(draws: &[Result<f64, Reason>]) -> Result<f64, Reason> {
    let values = draws.iter().filter_map(|draw| draw.ok());
    let larger = |most: f64, it: f64| if it.is_nan() || it > most { it } else { most };
    let largest = values.reduce(larger);
    largest.ok_or_else(|| draws[0].err().unwrap_or(Reason::NotFinite))
}

/// Returns ‖(a - b) / a‖; zeros of a count as [`EPSILON`].
pub(super) fn relative_change(a: &[f64], b: &[f64]) -> f64 {
    let share = |(a, b): (&f64, &f64)| ((a - b) / if *a == 0.0 { EPSILON } else { *a }).powi(2);
    a.iter().zip(b).map(share).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_count_as_a_millionth() {
        let found = relative_change(&[2.0, -4.0], &[0.5, -1.0]);
        assert!((found - 0.75 * 2f64.sqrt()).abs() < 1e-12);
        assert!((relative_change(&[0.0], &[2e-6]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn draws_without_a_value_are_left_out() {
        let changes = Err(Reason::AnswerChanges);
        assert_eq!(largest(&[changes, Ok(1.0), Ok(3.0), changes]), Ok(3.0));
        assert_eq!(largest(&[changes, changes]), changes);
        assert!(largest(&[Ok(1.0), Ok(f64::NAN), Ok(2.0)]).unwrap().is_nan());
    }
}
