//! The kernels of a convolution in Winograd's form, kept from one call to the next.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Tensor;

use super::device::is_same;
use crate::kernels::winograd;

/// Keeps the transformed kernels of one weight.
///
/// Clones share them, so that the snapshots that explainers take of a network do not transform its
/// kernels again. The weight is kept too. So its memory is not used for other numbers, and a weight
/// in the same memory is the same weight.
#[derive(Clone, Debug, Default)]
pub(super) struct TransformedKernels(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    weight: Tensor<4>,
    transformed: Tensor<4>,
}

impl TransformedKernels {
    /// Returns the transformed kernels of a weight on Flex. They are computed unless the last call
    /// was for the same weight.
    pub(super) fn of(&self, weight: Tensor<4>) -> Tensor<4> {
        let weight = weight.without_autodiff();
        if let Some(kept) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && is_same(&kept.weight, &weight)
        {
            return kept.transformed.clone();
        }
        // The lock is free while this computes: a thread of rayon that waits may begin another
        // forward pass, which would wait for the lock forever.
        let transformed = winograd::transform(weight.clone());
        let kept = Kept { weight, transformed: transformed.clone() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        transformed
    }

    /// Returns whether kernels are kept for this weight.
    #[cfg(test)]
    pub(super) fn are_kept_for(&self, weight: &Tensor<4>) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().is_some_and(|kept| is_same(&kept.weight, weight))
    }
}
