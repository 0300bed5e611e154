//! The numbers of a weight, as they are in the file.

use burn::tensor::{Bool, DType, Device, Int, Tensor, TensorData};

use super::array::{RANK, full_dims};
use super::known::{Kind, Known};

/// A weight: its shape and its numbers, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) dims: Vec<usize>,
    pub(crate) numbers: Numbers,
    /// The least and the largest number of a quantised type.
    pub(crate) range: Option<(f64, f64)>,
}

/// Numbers, in the widest type of each kind, except that most weights are single floats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
    Integers(Vec<i64>),
    Booleans(Vec<bool>),
}

impl Numbers {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Floats(numbers) => numbers.len(),
            Self::Doubles(numbers) => numbers.len(),
            Self::Integers(numbers) => numbers.len(),
            Self::Booleans(numbers) => numbers.len(),
        }
    }
}

impl Constant {
    /// Makes a weight of single floats.
    pub(crate) fn floats(dims: Vec<usize>, numbers: Vec<f32>) -> Self {
        Self { dims, numbers: Numbers::Floats(numbers), range: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns whether the numbers are floats.
    pub(crate) fn is_float(&self) -> bool {
        matches!(self.numbers, Numbers::Floats(_) | Numbers::Doubles(_))
    }

    /// Returns the numbers as doubles, whatever they are.
    pub(crate) fn doubles(&self) -> Vec<f64> {
        match &self.numbers {
            Numbers::Floats(numbers) => numbers.iter().map(|&it| f64::from(it)).collect(),
            Numbers::Doubles(numbers) => numbers.clone(),
            Numbers::Integers(numbers) => numbers.iter().map(|&it| it as f64).collect(),
            Numbers::Booleans(numbers) => numbers.iter().map(|&it| f64::from(it)).collect(),
        }
    }

    /// Returns the numbers as numbers of the host.
    pub(crate) fn known(&self) -> Known {
        let kind = match &self.numbers {
            Numbers::Floats(_) | Numbers::Doubles(_) => Kind::Float,
            Numbers::Integers(_) => Kind::Integer,
            Numbers::Booleans(_) => Kind::Boolean,
        };
        Known { dims: self.dims.clone(), numbers: self.doubles(), kind, range: self.range }
    }

    /// Puts floats on a device.
    pub(crate) fn tensor(&self, device: &Device, dtype: DType) -> Tensor<RANK> {
        let dims = full_dims(&self.dims);
        let data = match &self.numbers {
            Numbers::Floats(numbers) => TensorData::new(numbers.clone(), dims),
            Numbers::Doubles(numbers) => TensorData::new(numbers.clone(), dims),
            _ => TensorData::new(self.doubles(), dims),
        };
        Tensor::from_data(data, (device, dtype))
    }

    /// Puts integers on a device. Booleans become 0 and 1.
    pub(crate) fn integers(&self, device: &Device) -> Tensor<RANK, Int> {
        let numbers: Vec<i64> = match &self.numbers {
            Numbers::Integers(numbers) => numbers.clone(),
            _ => self.doubles().iter().map(|&it| it as i64).collect(),
        };
        Tensor::from_data(TensorData::new(numbers, full_dims(&self.dims)), device)
    }

    /// Puts booleans on a device.
    pub(crate) fn booleans(&self, device: &Device) -> Tensor<RANK, Bool> {
        self.integers(device).not_equal_elem(0)
    }
}
