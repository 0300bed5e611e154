//! The weights of a convolution in the forms that its kernels read, kept from one call to the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;

use super::device::is_same;
use crate::kernels::direct::Packed;
use crate::kernels::winograd::{self, Tile};

/// Keeps the forms of one weight: its transformed kernels, for each tile that was asked for, and the
/// packed weights for each set of options.
///
/// Clones share them, so that the snapshots that explainers take of a network do not compute them
/// again. The weight is kept too. So its memory is not used for other numbers, and a weight
/// in the same memory is the same weight.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptForms(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    weight: Tensor<4>,
    transformed: Vec<Transformed>,
    packed: Vec<PackedFor>,
}

impl Kept {
    fn new(weight: Tensor<4>) -> Self {
        Self { weight, transformed: Vec::new(), packed: Vec::new() }
    }
}

#[derive(Debug)]
struct Transformed {
    tile: Tile,
    kernels: Tensor<4>,
}

#[derive(Debug)]
struct PackedFor {
    options: ConvOptions<2>,
    packed: Packed,
}

impl KeptForms {
    /// Returns the kernels of a weight on Flex, transformed for a tile. They are computed unless
    /// they are kept from an earlier call for the same weight.
    pub(super) fn transformed(&self, weight: Tensor<4>, tile: Tile) -> Tensor<4> {
        let weight = weight.without_autodiff();
        if let Some(kernels) = self.kept(&weight, tile) {
            return kernels;
        }
        // The lock is free while this computes: a thread of rayon that waits may begin another
        // forward pass, which would wait for the lock forever.
        let kernels = winograd::transform(weight.clone(), tile);
        let transformed = Transformed { tile, kernels: kernels.clone() };
        self.change(weight, |kept| {
            // Another thread may have computed the same.
            kept.transformed.retain(|it| it.tile != tile);
            kept.transformed.push(transformed);
        });
        kernels
    }

    /// Returns the packed weights of a weight on Flex. Those that are not kept from an earlier call
    /// are empty, and are filled by the convolution.
    pub(super) fn packed(&self, weight: &Tensor<4>, options: &ConvOptions<2>) -> Packed {
        self.change(weight.clone().without_autodiff(), |kept| {
            match kept.packed.iter().find(|it| it.options == *options) {
                Some(PackedFor { packed, .. }) => packed.clone(),
                None => {
                    let packed = Packed::default();
                    let options = options.clone();
                    kept.packed.push(PackedFor { options, packed: packed.clone() });
                    packed
                }
            }
        })
    }

    /// Changes what is kept for a weight. Forgets what is kept for another one.
    fn change<R>(&self, weight: Tensor<4>, change: impl FnOnce(&mut Kept) -> R) -> R {
        let mut kept = self.lock();
        if !kept.as_ref().is_some_and(|kept| is_same(&kept.weight, &weight)) {
            *kept = Some(Kept::new(weight));
        }
        change(kept.as_mut().expect("set above"))
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
