//! The range in which the values of an input are valid.

use burn::tensor::{DType, Tensor};

use crate::error::{Error, Result};
use crate::input::batch::{Batch, to_host};
use crate::input::inputs::Inputs;

/// The range in which the values of an input are valid: noise that knows it makes no input that
/// cannot exist, such as a pixel brighter than white.
///
/// Give the range in the units of the model's input. If photos are normalised by a mean and a
/// standard deviation for each channel, each channel has a range of its own.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{NoiseScale, SmoothGrad, ValidRange};
///
/// // Pixels from 0 to 1, normalised by the channel's mean 0.5 and standard deviation 0.25.
/// let range = ValidRange::new((0.0 - 0.5) / 0.25, (1.0 - 0.5) / 0.25);
/// // Noise that leaves the range in 5 % of cases, and noise that never does.
/// let adaptive = SmoothGrad::default().with_noise(NoiseScale::adaptive(range.clone(), 0.95));
/// let truncated = SmoothGrad::default().with_valid_range(range);
///
/// // Each feature of a table has the range of the rows that a model was trained on.
/// let seen = Tensor::<2>::from_data([[20.0, 10_000.0], [40.0, 50_000.0]], &Device::flex());
/// let range = ValidRange::of_rows(seen)?;
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ValidRange(Ends);

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Ends {
    /// The same for all values.
    Same { low: f64, high: f64 },
    /// One list for each tensor of the input, with one number for each value of a row.
    PerValue { low: Vec<Vec<f64>>, high: Vec<Vec<f64>> },
    /// From the smallest to the largest value of each row of each tensor.
    EachRow,
}

/// The ends of the range of every value of an input.
pub(crate) struct RangeOf {
    pub low: Batch,
    pub high: Batch,
}

impl ValidRange {
    /// Returns the range from `low` to `high`, for every value.
    pub fn new(low: f64, high: f64) -> Self {
        Self(Ends::Same { low, high })
    }

    /// Takes the range of each value from inputs of a single row.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if there is more than one row; those of [`Batch::new`];
    /// [`Error::Device`] if the values cannot be read back.
    pub fn per_value(low: impl Inputs, high: impl Inputs) -> Result<Self> {
        let read = |ends: Batch| {
            if ends.rows() != 1 {
                let expected = "one row of ends";
                return Err(Error::invalid_option("valid range", expected, ends.rows()));
            }
            ends.parts.into_iter().map(to_host).collect::<Result<Vec<_>>>()
        };
        let (low, high) = (read(Batch::new(low)?)?, read(Batch::new(high)?)?);
        Ok(Self(Ends::PerValue { low, high }))
    }

    /// Takes the range that each value has over the given rows, for instance the rows that a model
    /// was trained on.
    ///
    /// # Errors
    /// Those of [`Batch::new`]; [`Error::Device`] if the values cannot be read back.
    pub fn of_rows(rows: impl Inputs) -> Result<Self> {
        let rows = Batch::new(rows)?;
        let read = |part: Tensor<2>| to_host(part);
        let low = rows.parts.iter().map(|part| read(part.clone().min_dim(0)));
        let high = rows.parts.iter().map(|part| read(part.clone().max_dim(0)));
        let (low, high) = (low.collect::<Result<_>>()?, high.collect::<Result<_>>()?);
        Ok(Self(Ends::PerValue { low, high }))
    }

    /// Returns the range from the smallest to the largest value of each row of each tensor of the
    /// input, for programs that know no other: a photo nearly always has a black and a white pixel.
    pub fn each_row() -> Self {
        Self(Ends::EachRow)
    }

    /// Refuses a range that is not finite or not ascending.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        let is_good = |low: f64, high: f64| low.is_finite() && high.is_finite() && low <= high;
        let (low, high) = match &self.0 {
            Ends::EachRow => return Ok(()),
            Ends::Same { low, high } => (vec![*low], vec![*high]),
            Ends::PerValue { low, high } => {
                let lengths = |ends: &[Vec<f64>]| ends.iter().map(Vec::len).collect::<Vec<_>>();
                let (expected, found) = (lengths(low), lengths(high));
                if expected != found {
                    let expected = format!("as many upper ends as lower ends, {expected:?}");
                    return Err(Error::invalid_option(OPTION, expected, format!("{found:?}")));
                }
                (low.concat(), high.concat())
            }
        };
        match low.iter().zip(&high).find(|(low, high)| !is_good(**low, **high)) {
            None => Ok(()),
            Some((low, high)) => {
                let found = format!("{low} to {high}");
                Err(Error::invalid_option(OPTION, "finite and ascending", found))
            }
        }
    }

    /// Returns the range of every value of the input, in the input's precision.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if ranges of single values do not fit the input.
    pub(crate) fn of(&self, input: &Batch) -> Result<RangeOf> {
        if let Ends::PerValue { low, .. } = &self.0 {
            let expected: Vec<usize> = input.parts.iter().map(|part| part.dims()[1]).collect();
            let found: Vec<usize> = low.iter().map(Vec::len).collect();
            if found != expected {
                let expected = format!("of {expected:?} values, those of a row");
                return Err(Error::invalid_option(OPTION, expected, format!("{found:?}")));
            }
        }
        let ends = |of: &dyn Fn(&Tensor<2>, usize) -> Tensor<2>| {
            let mut tensor = 0;
            input.map(|part| {
                tensor += 1;
                of(&part, tensor - 1)
            })
        };
        let row = |part: &Tensor<2>, values: &[f64]| {
            let row = Tensor::<1>::from_data(values, (&part.device(), part.dtype()));
            row.reshape([1, part.dims()[1]]).repeat_dim(0, part.dims()[0])
        };
        let wide = |column: Tensor<2>, part: &Tensor<2>| column.repeat_dim(1, part.dims()[1]);
        Ok(match &self.0 {
            Ends::Same { low, high } => RangeOf {
                low: ends(&|part, _| part.full_like(*low)),
                high: ends(&|part, _| part.full_like(*high)),
            },
            Ends::PerValue { low, high } => RangeOf {
                low: ends(&|part, tensor| row(part, &low[tensor])),
                high: ends(&|part, tensor| row(part, &high[tensor])),
            },
            Ends::EachRow => RangeOf {
                low: ends(&|part, _| wide(part.clone().min_dim(1), part)),
                high: ends(&|part, _| wide(part.clone().max_dim(1), part)),
            },
        })
    }

    /// Refuses an input with values outside the range. Rounding of the input and of the range is
    /// allowed for. Fixed tensors get no noise, and are not checked.
    ///
    /// # Errors
    /// [`Error::OutsideRange`] with all such rows; those of [`of`](Self::of); [`Error::Device`].
    pub(crate) fn check_holds(&self, input: &Batch) -> Result<()> {
        let range = self.of(input)?;
        let mut rows = Vec::new();
        for (tensor, part) in input.parts.iter().enumerate() {
            if input.fixed[tensor] {
                continue;
            }
            let read = |batch: &Batch| to_host(batch.parts[tensor].clone());
            let (values, low, high) = (read(input)?, read(&range.low)?, read(&range.high)?);
            let rounding = rounding(part.dtype());
            let width = part.dims()[1];
            for (at, value) in values.into_iter().enumerate() {
                let slack = rounding * low[at].abs().max(high[at].abs());
                if value < low[at] - slack || value > high[at] + slack {
                    rows.push(at / width);
                }
            }
        }
        Error::outside_range_rows(rows).map_or(Ok(()), Err)
    }
}

/// The option's name in messages.
const OPTION: &str = "valid range";

/// Returns a few units in the last place of a number near 1.
fn rounding(precision: DType) -> f64 {
    match precision {
        DType::F64 => 4.0 * f64::EPSILON,
        DType::F16 => 2f64.powi(-8),
        DType::BF16 => 2f64.powi(-5),
        _ => 4.0 * f64::from(f32::EPSILON),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn said(result: Result<()>) -> String {
        result.unwrap_err().to_string()
    }

    fn batch<const R: usize, const C: usize>(values: [[f32; C]; R]) -> Batch {
        Batch::new(Tensor::<2>::from_data(values, &Device::flex())).unwrap()
    }

    #[test]
    fn a_range_that_is_not_finite_and_ascending_is_refused() {
        for (low, high) in [(1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            let said = said(ValidRange::new(low, high).check());
            let expected = "expected valid range finite and ascending, found";
            assert_eq!(said, format!("{expected} {low} to {high}"));
        }
        ValidRange::new(0.5, 0.5).check().unwrap();
        ValidRange::each_row().check().unwrap();
        let row = |values: [f32; 2]| Tensor::<2>::from_data([values], &Device::flex());
        let bad = ValidRange::per_value(row([0.0, 2.0]), row([1.0, 1.0])).unwrap();
        assert_eq!(said(bad.check()), "expected valid range finite and ascending, found 2 to 1");
        let short = Tensor::<2>::zeros([1, 1], &Device::flex());
        let uneven = ValidRange::per_value(row([0.0, 2.0]), short).unwrap();
        let expected = "expected valid range as many upper ends as lower ends, [2], found [1]";
        assert_eq!(said(uneven.check()), expected);
    }

    #[test]
    fn an_input_outside_its_range_is_named_by_its_rows() {
        let input = batch([[0.0, 1.0], [0.5, 1.5], [-0.1, 0.0]]);
        let error = ValidRange::new(0.0, 1.0).check_holds(&input).unwrap_err();
        assert_eq!(error, Error::outside_range_rows([1, 2]).unwrap());
        ValidRange::new(-0.1, 1.5).check_holds(&input).unwrap();
        // One third is not exact in single precision.
        let third = batch([[1.0 / 3.0, 0.0]]);
        ValidRange::new(0.0, 1.0 / 3.0).check_holds(&third).unwrap();
        ValidRange::each_row().check_holds(&input).unwrap();
    }

    #[test]
    fn each_value_has_the_range_of_the_rows_that_were_seen() {
        let seen = Tensor::<2>::from_data([[0.0, 5.0], [2.0, -1.0]], &Device::flex());
        let range = ValidRange::of_rows(seen).unwrap();
        let found = range.of(&batch([[1.0, 1.0], [1.0, 1.0]])).unwrap();
        assert_eq!(found.low.host_rows().unwrap(), [[0.0, -1.0], [0.0, -1.0]]);
        assert_eq!(found.high.host_rows().unwrap(), [[2.0, 5.0], [2.0, 5.0]]);
        let said = said(range.check_holds(&batch([[1.0, 1.0, 1.0]])));
        assert_eq!(said, "expected valid range of [3] values, those of a row, found [2]");
        let two = Tensor::<2>::zeros([2, 1], &Device::flex());
        let error = ValidRange::per_value(two.clone(), two).unwrap_err().to_string();
        assert_eq!(error, "expected valid range one row of ends, found 2");
    }
}
