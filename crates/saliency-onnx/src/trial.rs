//! Trying a model on noise.

use burn::tensor::{Tensor, TensorData};

use crate::batch::Batching;
use crate::error::Result;
use crate::file::Element;
use crate::model::{LARGEST, OnnxModel};
use crate::values::{Array, Floats, Integers, RANK, Value, full_dims};

/// Two results are the same up to rounding: the largest difference over the largest value.
const SAME: f64 = 1e-4;

impl OnnxModel {
    /// Runs the model once on noise, if noise can be its input.
    pub(crate) fn checked(self) -> Result<Self> {
        let takes_noise =
            self.part.inputs.len() == 1 && self.part.inputs[0].element == Element::Float;
        if let Some(noise) = self.noise(1, 1).filter(|_| takes_noise) {
            self.run(&self.part.plan, noise, &[0], &mut |_, _| ())?;
        }
        Ok(self)
    }

    /// Returns whether several rows can be computed together, which is tried once.
    pub(crate) fn fits_together(&self, batching: &Batching) -> bool {
        match batching {
            Batching::Open => true,
            Batching::One { together } => *together.get_or_init(|| self.rows_fit_together()),
        }
    }

    /// Returns whether several rows can be computed together although the file fixes one: two rows
    /// of noise give the same together as each alone.
    fn rows_fit_together(&self) -> bool {
        let (Some(both), Some(first), Some(second)) =
            (self.noise(1, 2), self.noise(1, 1), self.noise(2, 1))
        else {
            return false;
        };
        let scores = |noise, rows, opened| {
            let mut outputs = self.run_rows(&self.part.plan, noise, rows, opened, &mut |_, _| ());
            match outputs.as_mut().ok().and_then(Vec::pop) {
                Some(Value::Floats(scores)) => Some(scores),
                _ => None,
            }
        };
        let (Some(both), Some(first), Some(second)) =
            (scores(both, 2, Some(2)), scores(first, 1, None), scores(second, 1, None))
        else {
            return false;
        };
        let axis = self.row_axis(&self.part.output);
        let mut expected = first.dims();
        if let Some(rows) = expected.get_mut(axis) {
            *rows *= 2;
        }
        let is = |row, alone| same(&both, axis, row, alone);
        both.dims() == expected && axis < both.rank && is(0, &first) && is(1, &second)
    }

    /// Returns inputs for a number of rows, the first of which is `start`: noise for floats, and
    /// zeros for integers. Returns `None` if a shape is open
    /// or too large.
    pub(crate) fn noise(&self, start: usize, rows: usize) -> Option<Vec<Value>> {
        let device = self.weights.device();
        let dtype = self.weights.dtype().unwrap_or(burn::tensor::DType::F32);
        self.part
            .inputs
            .iter()
            .map(|port| {
                let mut dims = port.one_row()?;
                let each = dims.iter().try_fold(1usize, |all, &size| all.checked_mul(size))?;
                if each > LARGEST || dims.len() > RANK {
                    return None;
                }
                if let Some(first) = dims.first_mut() {
                    *first *= rows;
                }
                let full = full_dims(&dims);
                Some(match port.element {
                    Element::Float => {
                        let values = (0..rows).flat_map(|row| noise((start + row) as u64, each));
                        let data = TensorData::new(values.collect::<Vec<f32>>(), full);
                        Floats::new(Tensor::from_data(data, (&device, dtype)), dims.len()).into()
                    }
                    Element::Integer => {
                        Integers::new(Tensor::zeros(full, &device), dims.len()).into()
                    }
                    Element::Boolean => {
                        let zeros = Tensor::<RANK, burn::tensor::Int>::zeros(full, &device);
                        Array::new(zeros.equal_elem(1), dims.len()).into()
                    }
                })
            })
            .collect()
    }
}

/// Returns numbers between -1 and 1 that look like chance.
fn noise(seed: u64, count: usize) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    })
    .take(count)
}

/// Returns whether a row of a result equals the result of that row alone.
fn same(both: &Floats, axis: usize, row: usize, alone: &Floats) -> bool {
    let axis = RANK - both.rank + axis;
    let part = both.tensor.clone().narrow(axis, row, 1);
    let (Ok(part), Ok(alone)) =
        (part.try_into_vec_as::<f64>(), alone.tensor.clone().try_into_vec_as::<f64>())
    else {
        return false;
    };
    let largest = alone.iter().fold(0.0f64, |most, it| most.max(it.abs()));
    let difference = part.iter().zip(&alone).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
    part.len() == alone.len() && difference <= SAME * largest.max(1e-6)
}
