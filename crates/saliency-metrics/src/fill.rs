//! What units are covered with.

use burn::tensor::{Bool, Tensor};
use saliency_core::kit::Batch;

use crate::error::{Error, Result};
use crate::neighbours::{Neighbours, Picture};

/// What units are covered with: given values, or values that are imputed from the neighbours.
///
/// Given values are made by [`Experiment::fill`](crate::Experiment::fill). [`Neighbours`] imputes
/// each covered pixel of a picture from the pixels around it, so that it depends on which units are
/// covered.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Cover, Experiment, Fill, Neighbours, Units};
///
/// let sum = pure_function(|x: Tensor<4>| x.flatten::<2>(1, 3).sum_dim(1));
/// let x = Tensor::<4>::from_data([[[[1.0, 2.0, 3.0]]]], &Device::flex());
/// let units = Units::pixels([1, 1, 3]);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let black = experiment.fill(x.zeros_like())?.with_name("black");
/// let around = Fill::from(Neighbours::new().with_noise(0.0));
/// let covers = [Cover::of(0, 3, &[0])];
/// assert_eq!(experiment.covered_scores(&black, &covers)?, [5.0]);
/// assert_eq!(experiment.covered_scores(&around, &covers)?, [7.0]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fill {
    name: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Values(Batch),
    Neighbours(Neighbours),
}

impl From<Neighbours> for Fill {
    fn from(neighbours: Neighbours) -> Self {
        Self { name: "the neighbours".to_owned(), kind: Kind::Neighbours(neighbours) }
    }
}

impl Fill {
    /// Covers with these values, of the shape of the input.
    pub fn values(values: Batch) -> Self {
        Self { name: "values".to_owned(), kind: Kind::Values(values) }
    }

    /// Gives the fill a name for people, such as "blur".
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Returns the name for people: "values" or "the neighbours", if no other was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Refuses a fill that can not cover this input.
    ///
    /// # Errors
    /// [`Error::Shape`] for values of another shape, and [`Error::NoNeighbours`] and
    /// [`Error::InvalidOption`] for imputation.
    pub(crate) fn check(&self, input: &Batch) -> Result<()> {
        match &self.kind {
            Kind::Neighbours(neighbours) => neighbours.check(input),
            Kind::Values(values) => {
                let (expected, found) = (input.shapes(), values.shapes());
                if expected == found {
                    return Ok(());
                }
                Err(Error::Shape { what: "a fill", expected, found })
            }
        }
    }

    /// Covers copies that were made from the given rows. For each copy there is one value in `masks`
    /// for each value of a row: whether it is covered.
    pub(crate) fn cover(
        &self,
        copies: &Batch,
        rows: &[usize],
        masks: &[Vec<bool>],
    ) -> saliency_core::Result<Batch> {
        let mut parts = Parts::new(copies);
        match &self.kind {
            Kind::Values(values) => {
                let covered = copies.zip(&values.select(rows), |part, fill| {
                    let place = parts.next();
                    cover_with_values(&part, fill, masks, place.start)
                });
                Ok(covered.with_fixed_of(copies))
            }
            Kind::Neighbours(neighbours) => {
                let mut failed = None;
                let covered = copies.map(|part| {
                    let place = parts.next();
                    if place.fixed || failed.is_some() {
                        return part;
                    }
                    let imputed = impute(neighbours, &part, rows, masks, &place);
                    imputed.unwrap_or_else(|error| {
                        failed = Some(error);
                        part
                    })
                });
                failed.map_or(Ok(covered), Err)
            }
        }
    }
}

/// The place of a tensor among the values of a row.
struct Place {
    tensor: usize,
    /// The number of values before it.
    start: usize,
    fixed: bool,
    shape: Vec<usize>,
}

/// Walks over the tensors of a batch.
struct Parts(std::vec::IntoIter<Place>);

impl Parts {
    fn new(batch: &Batch) -> Self {
        let mut start = 0;
        let places = batch.parts().iter().zip(batch.fixed()).zip(batch.shapes()).enumerate();
        let places = places.map(|(tensor, ((part, &fixed), shape))| {
            let place = Place { tensor, start, fixed, shape };
            start += part.dims()[1];
            place
        });
        Self(places.collect::<Vec<_>>().into_iter())
    }

    fn next(&mut self) -> Place {
        self.0.next().expect("a place for each tensor")
    }
}

fn cover_with_values(
    part: &Tensor<2>,
    fill: Tensor<2>,
    masks: &[Vec<bool>],
    start: usize,
) -> Tensor<2> {
    let width = part.dims()[1];
    let mask: Vec<bool> =
        masks.iter().flat_map(|mask| &mask[start..start + width]).copied().collect();
    let mask = Tensor::<1, Bool>::from_data(&mask[..], &part.device());
    let fill = fill.cast(part.dtype());
    part.clone().mask_where(mask.reshape([masks.len(), width]), fill)
}

fn impute(
    neighbours: &Neighbours,
    part: &Tensor<2>,
    rows: &[usize],
    masks: &[Vec<bool>],
    place: &Place,
) -> saliency_core::Result<Tensor<2>> {
    let [count, width] = part.dims();
    let values = part.clone().try_into_vec_as::<f64>();
    let mut values = values.map_err(saliency_core::Error::device)?;
    let size = [place.shape[1], place.shape[2], place.shape[3]];
    for ((copy, &row), mask) in values.chunks_mut(width).zip(rows).zip(masks) {
        let mask = &mask[place.start..place.start + width];
        let mut picture = Picture { values: copy, size };
        neighbours.impute(&mut picture, mask, row, place.tensor);
    }
    let values = Tensor::<1>::from_data(&values[..], (&part.device(), part.dtype()));
    Ok(values.reshape([count, width]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cover, Experiment, Units};
    use burn::tensor::Device;
    use saliency_core::{Fixed, Schedule, Target, pure_function};

    /// Returns its pixels as outputs, each times the factor of its row.
    fn shown(schedule: Schedule) -> Experiment<'static> {
        type Input = (Tensor<4>, Fixed<Tensor<1>>);
        let model = pure_function(|(x, Fixed(factor)): Input| {
            let rows = x.dims()[0];
            x.flatten::<2>(1, 3) * factor.reshape([rows, 1])
        });
        let device = Device::flex();
        let x = Tensor::<1>::from_data(std::array::from_fn::<f32, 36, _>(|at| at as f32), &device);
        let factor = Tensor::<1>::from_data([1.0, 2.0], &device);
        let units = Units::labels((0..18).map(|at| at % 9).chain([9]).collect()).unwrap();
        let input = (x.reshape([2, 2, 3, 3]), Fixed(factor));
        Experiment::new(&model, input, Target::Class(0), units, schedule).unwrap()
    }

    #[test]
    fn pictures_are_imputed_and_fixed_tensors_stay() {
        let experiment = shown(Schedule::new());
        let fill = Fill::from(Neighbours::new().with_noise(0.0));
        assert_eq!(fill.name(), "the neighbours");
        // The middle of both channels, and the fixed factor, which is never covered.
        let covers = [Cover::of(0, 10, &[4, 9]), Cover::of(1, 10, &[4, 9])];
        let found = experiment.covered_outputs(&fill, &covers).unwrap();
        // Pixels rise evenly, so that the mean of the neighbours is the pixel itself.
        let expected = [0, 1].map(|row| {
            let value = |at| f64::from(row * 18 + at) * f64::from(row + 1);
            (0..18).map(value).collect::<Vec<_>>()
        });
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
        }
    }

    #[test]
    fn imputed_copies_do_not_depend_on_the_chunks() {
        let fill = Fill::from(Neighbours::new());
        let covers: Vec<Cover> =
            (0..14).map(|at| Cover::of(at % 2, 10, &[at % 9, (at + 4) % 9])).collect();
        let run = |chunk| {
            let experiment = shown(Schedule::new().with_chunk(chunk));
            experiment.covered_outputs(&fill, &covers).unwrap()
        };
        let found = run(1);
        for chunk in [2, 5, 100] {
            assert_eq!(run(chunk), found);
        }
    }

    #[test]
    fn inputs_that_are_no_pictures_have_no_neighbours() {
        let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
        let x = Tensor::<2>::ones([1, 3], &Device::flex());
        let (target, units) = (Target::Class(0), Units::values(3));
        let experiment = Experiment::new(&sum, x, target, units, Schedule::new()).unwrap();
        let run = |fill| experiment.covered_scores(&fill, &[Cover::of(0, 3, &[0])]).unwrap_err();
        let error = run(Fill::from(Neighbours::new()));
        let message = "expected pictures of [rows, channels, height, width] to impute from \
                       neighbours, found [[1, 3]]; cover with given values instead";
        assert_eq!(error.to_string(), message);
        for noise in [-1.0, f64::NAN] {
            let error = run(Fill::from(Neighbours::new().with_noise(noise))).to_string();
            assert_eq!(
                error,
                format!("expected noise to be finite and not negative, found {noise}")
            );
        }
    }
}
