//! Maps: one for each row. Their checks, distances, and what they explain.

use saliency_core::kit::{Batch, Question};
use saliency_core::{Inputs, Model, Schedule, Target};

use crate::error::{Error, Result};
use crate::estimate::{Note, Reason};
use crate::units::all_equal;

/// Refuses maps that are not for the rows and units.
///
/// # Errors
/// [`Error::MapUnits`].
pub(crate) fn check_maps(maps: &[Vec<f64>], rows: usize, units: usize) -> Result<()> {
    if maps.len() == rows && maps.iter().all(|map| map.len() == units) {
        return Ok(());
    }
    Err(Error::MapUnits { rows, units, found: maps.iter().map(Vec::len).collect() })
}

/// Returns why a map can not be put in order, if it can not.
pub(crate) fn flaw(map: &[f64]) -> Option<Reason> {
    if !map.iter().all(|value| value.is_finite()) {
        Some(Reason::NotFinite)
    } else if map.len() == 1 {
        Some(Reason::OneUnit)
    } else if all_equal(map) {
        Some(Reason::MapAllEqual)
    } else {
        None
    }
}

/// Returns a remark for each map that can not be put in order.
pub(crate) fn flaws(maps: &[Vec<f64>]) -> Vec<Note> {
    let flaw = |(row, map): (usize, &Vec<f64>)| flaw(map).map(|reason| Note { row, reason });
    maps.iter().enumerate().filter_map(flaw).collect()
}

/// Returns a map without signs, if these are not wanted.
pub(crate) fn with_signs(map: &[f64], signs: Signs) -> Vec<f64> {
    match signs {
        Signs::Kept => map.to_vec(),
        Signs::Dropped => map.iter().map(|value| value.abs()).collect(),
    }
}

/// Returns the target whose predictions are replaced by the classes that a model predicts, so that
/// other models are explained for the same classes.
pub(crate) fn fixed_target<M: Model<I>, I: Inputs>(
    model: &M,
    input: I,
    target: Target,
) -> Result<Target> {
    let question = Question::new(model, input, target, None)?;
    Ok(question.resolve(&Schedule::new())?.target.into())
}

/// Reads the values of each row back from the device, but those of fixed tensors, which are not
/// explained.
pub(crate) fn explained_rows(batch: &Batch) -> Result<Vec<Vec<f64>>> {
    let mut rows = vec![Vec::with_capacity(batch.width()); batch.rows()];
    for (part, is_fixed) in batch.parts().iter().zip(batch.fixed()) {
        if *is_fixed {
            continue;
        }
        let read = part.clone().try_into_vec_as::<f64>();
        let read = read.map_err(saliency_core::Error::device)?;
        for (row, values) in rows.iter_mut().zip(read.chunks(part.dims()[1])) {
            row.extend_from_slice(values);
        }
    }
    Ok(rows)
}

/// Returns ‖map - found‖ / ‖map‖; ‖found‖ if the map is zero.
pub(crate) fn relative_distance(map: &[f64], found: &[f64]) -> f64 {
    let squares: f64 = map.iter().zip(found).map(|(a, b)| (a - b).powi(2)).sum();
    let norm = map.iter().map(|value| value.powi(2)).sum::<f64>().sqrt();
    squares.sqrt() / if norm == 0.0 { 1.0 } else { norm }
}

/// Whether a metric looks at the values of a map, or at their absolute values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Signs {
    #[default]
    Kept,
    Dropped,
}
