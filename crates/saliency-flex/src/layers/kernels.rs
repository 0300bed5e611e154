//! The kernels of a convolution in Winograd's form, kept from one call to the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::Tensor;

use super::device::is_same;
use crate::kernels::winograd::{self, Tile};

/// Keeps the transformed kernels of one weight, for each tile that was asked for.
///
/// Clones share them, so that the snapshots that explainers take of a network do not transform its
/// kernels again. The weight is kept too. So its memory is not used for other numbers, and a weight
/// in the same memory is the same weight.
#[derive(Clone, Debug, Default)]
pub(super) struct TransformedKernels(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    weight: Tensor<4>,
    transformed: Vec<Transformed>,
}

#[derive(Debug)]
struct Transformed {
    tile: Tile,
    kernels: Tensor<4>,
}

impl TransformedKernels {
    /// Returns the kernels of a weight on Flex, transformed for a tile. They are computed unless
    /// they are kept from an earlier call for the same weight.
    pub(super) fn of(&self, weight: Tensor<4>, tile: Tile) -> Tensor<4> {
        let weight = weight.without_autodiff();
        if let Some(kernels) = self.kept(&weight, tile) {
            return kernels;
        }
        // The lock is free while this computes: a thread of rayon that waits may begin another
        // forward pass, which would wait for the lock forever.
        let kernels = winograd::transform(weight.clone(), tile);
        let transformed = Transformed { tile, kernels: kernels.clone() };
        let mut kept = self.lock();
        match &mut *kept {
            Some(kept) if is_same(&kept.weight, &weight) => {
                // Another thread may have computed the same.
                kept.transformed.retain(|it| it.tile != tile);
                kept.transformed.push(transformed);
            }
            other => *other = Some(Kept { weight, transformed: vec![transformed] }),
        }
        kernels
    }

    /// Returns the kernels that are kept for this weight and tile.
    fn kept(&self, weight: &Tensor<4>, tile: Tile) -> Option<Tensor<4>> {
        let kept = self.lock();
        let kept = kept.as_ref().filter(|kept| is_same(&kept.weight, weight))?;
        let transformed = kept.transformed.iter().find(|it| it.tile == tile);
        transformed.map(|it| it.kernels.clone())
    }

    /// Returns whether kernels are kept for this weight.
    #[cfg(test)]
    pub(super) fn are_kept_for(&self, weight: &Tensor<4>) -> bool {
        self.lock().as_ref().is_some_and(|kept| is_same(&kept.weight, weight))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
