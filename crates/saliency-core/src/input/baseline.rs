//! The baseline: the start of a path.

use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result, Stage};
use crate::input::batch::{Batch, select};
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::random::key::{Key, Stream};

/// The input that stands for "nothing there". The path of Integrated Gradients starts at it.
///
/// The default is zeros. The meaning of zero depends on how inputs are normalised: for photos
/// scaled to -1..1 it is mid-grey, not black.
///
/// With the feature `serde` a baseline can be saved, including the values of its tensors.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Baseline, IntegratedGradients};
///
/// let black = Baseline::constant(-1.0);
/// let average = Baseline::tensor(Tensor::<2>::from_data([[0.2, 0.7]], &Device::flex()));
/// // For a model with two inputs:
/// let both = Baseline::each([Baseline::zeros(), average]);
/// let explainer = IntegratedGradients::new().with_baseline(both);
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Baseline(Kind);

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Kind {
    Constant(f64),
    Uniform { low: f64, high: f64, seed: u64 },
    Tensors(Vec<Values>),
    Each(Vec<Baseline>),
}

/// One tensor of a baseline.
#[derive(Clone, Debug)]
struct Values {
    /// The values as `[rows, values]`.
    rows: Stored,
    /// The shape before it was flattened.
    shape: Vec<usize>,
}

/// Values that are on a device, or were read from a file and are not on a device yet.
#[derive(Clone, Debug)]
enum Stored {
    OnDevice(Box<Tensor<2>>),
    #[cfg_attr(not(feature = "serde"), expect(dead_code, reason = "made by deserializing"))]
    Saved(TensorData),
}

impl Default for Baseline {
    fn default() -> Self {
        Self::zeros()
    }
}

impl Baseline {
    /// Returns zeros, for every input.
    pub fn zeros() -> Self {
        Self::constant(0.0)
    }

    /// Returns the same value everywhere, for every input.
    pub fn constant(value: f64) -> Self {
        Self(Kind::Constant(value))
    }

    /// Returns random values, uniform from `low` to `high` and different for each value of each
    /// row. They depend only on the seed and the row.
    pub fn uniform(low: f64, high: f64, seed: u64) -> Self {
        Self(Kind::Uniform { low, high, seed })
    }

    /// Returns a baseline of the given values: a tensor of the input's shape, or a tensor with one
    /// row that serves for all rows. For several inputs, pass a tuple of tensors.
    pub fn tensor(baseline: impl Inputs) -> Self {
        let shapes = baseline.shapes();
        let tensors = baseline
            .into_rows()
            .into_iter()
            .map(|tensor| Stored::OnDevice(Box::new(tensor)))
            .zip(shapes);
        Self(Kind::Tensors(tensors.map(|(rows, shape)| Values { rows, shape }).collect()))
    }

    /// Returns one baseline for each tensor of a tuple. The baseline of a [`Fixed`](crate::Fixed)
    /// tensor is not used.
    pub fn each(baselines: impl IntoIterator<Item = Self>) -> Self {
        Self(Kind::Each(baselines.into_iter().collect()))
    }

    /// Returns the baseline of an input whose rows were made from the given rows of a batch.
    ///
    /// # Errors
    /// [`Error::BaselineCount`] and [`Error::BaselineShape`] if the baseline does not fit the
    /// input, [`Error::InvalidOption`] for a range that is not finite and ascending, and
    /// [`Error::NotFinite`].
    pub fn like(&self, input: &Batch, rows: &Rows) -> Result<Batch> {
        let baseline = self.of_tensors(input, rows, 0)?.with_fixed_of(input);
        baseline.check_finite(Stage::Baseline)?;
        Ok(baseline)
    }

    /// Builds the baseline for a subset of the input tensors, starting at tensor index `first`.
    fn of_tensors(&self, input: &Batch, rows: &Rows, first: usize) -> Result<Batch> {
        let count = input.parts.len();
        let check_count = |found: usize| {
            if found == count {
                return Ok(());
            }
            Err(Error::BaselineCount { expected: count, found })
        };
        let mut parts = Vec::new();
        match &self.0 {
            Kind::Constant(value) => return Ok(input.map(|part| part.full_like(*value))),
            Kind::Uniform { low, high, seed } => {
                let uniform = Uniform { low: *low, high: *high, seed: *seed };
                uniform.check()?;
                for (at, part) in input.parts.iter().enumerate() {
                    parts.push(uniform.like(part, rows, first + at));
                }
            }
            Kind::Tensors(tensors) => {
                check_count(tensors.len())?;
                for (at, values) in tensors.iter().enumerate() {
                    let like = &input.parts[at];
                    parts.push(values.like(like, &input.shapes[at], rows, first + at)?);
                }
            }
            Kind::Each(baselines) => {
                check_count(baselines.len())?;
                for (at, baseline) in baselines.iter().enumerate() {
                    let alone = Batch {
                        parts: vec![input.parts[at].clone()],
                        shapes: vec![input.shapes[at].clone()],
                        fixed: vec![input.fixed[at]],
                    };
                    parts.extend(baseline.of_tensors(&alone, rows, first + at)?.parts);
                }
            }
        }
        Ok(Batch { parts, shapes: input.shapes.clone(), fixed: input.fixed.clone() })
    }
}

/// Random values, uniform from `low` to `high`.
struct Uniform {
    low: f64,
    high: f64,
    seed: u64,
}

impl Uniform {
    fn check(&self) -> Result<()> {
        let Self { low, high, .. } = *self;
        if low.is_finite() && high.is_finite() && low <= high {
            return Ok(());
        }
        let found = format!("{low} to {high}");
        Err(Error::invalid_option("range of the baseline", "finite and ascending", found))
    }

    /// Draws a tensor like `part`; each row depends on the row of the batch that it was made from.
    fn like(&self, part: &Tensor<2>, rows: &Rows, tensor: usize) -> Tensor<2> {
        let width = part.dims()[1];
        let stream = Stream::UniformBaseline { tensor: tensor as u64 };
        let mut values = Vec::with_capacity(rows.of().len() * width);
        for &row in rows.of() {
            let key = Key { seed: self.seed, row: row as u64, sample: 0 };
            let numbers = key.uniform(stream, width).into_iter();
            values.extend(numbers.map(|x| self.low + (self.high - self.low) * x));
        }
        let options = (&part.device(), part.dtype());
        Tensor::<1>::from_data(&values[..], options).reshape(part.dims())
    }
}

impl Values {
    /// Returns the rows that belong to `rows` of the batch, on the device and in the precision of
    /// `like`. If the baseline has a single row, it serves for all.
    fn like(
        &self,
        like: &Tensor<2>,
        expected: &[usize],
        rows: &Rows,
        tensor: usize,
    ) -> Result<Tensor<2>> {
        let found = &self.shape;
        let fits = found.len() == expected.len() && found[1..] == expected[1..];
        let all = |stored: &Stored| match stored {
            Stored::OnDevice(tensor) => (**tensor).clone(),
            Stored::Saved(data) => Tensor::from_data(data.clone(), (&like.device(), like.dtype())),
        };
        let part = if fits && found[0] == rows.total() {
            select(all(&self.rows), rows.of())
        } else if fits && found[0] == 1 {
            all(&self.rows).repeat_dim(0, rows.of().len())
        } else {
            let (mut expected, found) = (expected.to_vec(), found.clone());
            expected[0] = rows.total();
            return Err(Error::BaselineShape { tensor, expected, found });
        };
        Ok(part.inner().to_device(&like.device()).cast(like.dtype()))
    }
}

/// Saves the values themselves, with their shape.
#[cfg(feature = "serde")]
mod saved {
    use super::{Stored, Values};
    use burn::tensor::TensorData;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

    #[derive(Serialize, Deserialize)]
    struct Saved {
        shape: Vec<usize>,
        values: Vec<f64>,
    }

    impl Serialize for Values {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let data = match &self.rows {
                Stored::OnDevice(tensor) => {
                    let read = (**tensor).clone().inner().try_into_vec_as::<f64>();
                    read.map_err(ser::Error::custom)?
                }
                Stored::Saved(data) => data.iter::<f64>().collect(),
            };
            Saved { shape: self.shape.clone(), values: data }.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Values {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Saved { shape, values } = Saved::deserialize(deserializer)?;
            let fits = !values.is_empty() && shape.iter().product::<usize>() == values.len();
            if !fits {
                let count = values.len();
                let message =
                    format!("expected as many values as in shape {shape:?}, found {count}");
                return Err(de::Error::custom(message));
            }
            let rows = [shape[0], values.len() / shape[0]];
            Ok(Self { rows: Stored::Saved(TensorData::new(values, rows)), shape })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn two_inputs() -> Batch {
        let device = Device::flex();
        Batch::new((Tensor::<2>::ones([2, 3], &device), Tensor::<3>::ones([2, 1, 2], &device)))
            .unwrap()
    }

    #[test]
    fn one_row_serves_all_and_each_input_has_its_own() {
        let row = Tensor::<3>::from_data([[[1.0, 2.0]]], &Device::flex());
        let baseline = Baseline::each([Baseline::constant(5.0), Baseline::tensor(row)]);
        let made = baseline.like(&two_inputs(), &Rows::all(2)).unwrap();
        assert_eq!(made.row_sums().unwrap(), [18.0, 18.0]);
        assert_eq!(
            Baseline::zeros().like(&two_inputs(), &Rows::all(2)).unwrap().row_sums().unwrap(),
            [0.0, 0.0]
        );
    }

    #[test]
    fn a_selection_of_rows_gets_their_baselines() {
        let device = Device::flex();
        let rows = Rows::all(3).select(&[2, 0, 2]);
        let input = Batch::new(Tensor::<2>::ones([3, 1], &device)).unwrap();
        let values = |baseline: Baseline| baseline.like(&input, &rows).unwrap().row_sums().unwrap();
        let each = Tensor::<2>::from_data([[1.0], [2.0], [3.0]], &device);
        assert_eq!(values(Baseline::tensor(each)), [3.0, 1.0, 3.0]);
        let random = values(Baseline::uniform(-1.0, 1.0, 7));
        assert!(random.iter().all(|value| value.abs() <= 1.0));
        assert_eq!(random[0], random[2]);
        assert_ne!(random[0], random[1]);
    }

    #[test]
    fn a_baseline_of_another_shape_is_named() {
        let device = Device::flex();
        let wrong = Tensor::<2>::zeros([2, 4], &device);
        let pair = (wrong.clone(), Tensor::<3>::zeros([1, 1, 2], &device));
        let shape = |tensor, expected: &[usize], found: &[usize]| Error::BaselineShape {
            tensor,
            expected: expected.to_vec(),
            found: found.to_vec(),
        };
        let error = Baseline::tensor(pair).like(&two_inputs(), &Rows::all(2)).unwrap_err();
        assert_eq!(error, shape(0, &[2, 3], &[2, 4]));

        let second = Baseline::each([Baseline::zeros(), Baseline::tensor(wrong.clone())]);
        assert_eq!(
            second.like(&two_inputs(), &Rows::all(2)).unwrap_err(),
            shape(1, &[2, 1, 2], &[2, 4])
        );

        let error = Baseline::tensor(wrong).like(&two_inputs(), &Rows::all(2)).unwrap_err();
        assert_eq!(error, Error::BaselineCount { expected: 2, found: 1 });
        let error =
            Baseline::each([Baseline::zeros()]).like(&two_inputs(), &Rows::all(2)).unwrap_err();
        assert_eq!(error, Error::BaselineCount { expected: 2, found: 1 });
    }

    #[test]
    fn a_baseline_that_is_not_finite_is_refused() {
        let error = Baseline::constant(f64::NAN).like(&two_inputs(), &Rows::all(2)).unwrap_err();
        assert_eq!(error, Error::not_finite_rows(Stage::Baseline, [0, 1]).unwrap());
    }
}
