//! ReLUs that keep one bit for each value until the backward pass. Burn's ReLU keeps the whole
//! value.

use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::ops::{ActivationOps as _, FloatTensorOps as _};
use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;
use macerator::{AutoArch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};

/// The number of values whose bits share the same bytes. Bit b of byte i belongs to value
/// `LANES * b + i`, so that bits are gathered without moving them across a register.
const BLOCK: usize = 8 * LANES;
const LANES: usize = 16;
/// The number of blocks that a thread takes at a time.
const PIECE: usize = 256;

/// The values between zero and the ceiling. The gradient passes only through these.
#[derive(Clone, Debug)]
pub(crate) enum Passed {
    /// In single precision: one bit for each value.
    Bits(Arc<Vec<u8>>),
    /// In any other precision.
    Output { output: FloatTensor<Flex>, ceiling: f32 },
}

/// Computes `min(max(x, 0), ceiling)`.
pub(crate) fn rectify(input: FloatTensor<Flex>, ceiling: f32) -> (FloatTensor<Flex>, Passed) {
    if input.dtype() != DType::F32 {
        let output = Flex::float_clamp(input, 0.into(), ceiling.into());
        return (output.clone(), Passed::Output { output, ceiling });
    }
    // Work in place if nothing else uses the values.
    let mut values = input.to_contiguous();
    drop(input);
    let blocks = values.storage::<f32>().len().div_ceil(BLOCK);
    let mut passed = vec![0_u8; blocks * LANES];
    let bits = passed.par_chunks_mut(PIECE * LANES);
    let pieces = values.storage_mut::<f32>().par_chunks_mut(PIECE * BLOCK).zip(bits);
    // An infinite ceiling is no ceiling. It is replaced by NaN, because no value compares as
    // reaching NaN.
    let stop = if ceiling.is_finite() { ceiling } else { f32::NAN };
    pieces.for_each(|(values, bits)| {
        AutoArch::new().dispatch(Rectify { values, bits, ceiling, stop });
    });
    (values, Passed::Bits(Arc::new(passed)))
}

/// Returns the gradient with respect to the input.
pub(crate) fn gradient(gradient: FloatTensor<Flex>, passed: Passed) -> FloatTensor<Flex> {
    let passed = match passed {
        Passed::Bits(passed) => passed,
        Passed::Output { output, ceiling } => {
            let left = Flex::float_add_scalar(Flex::float_neg(output.clone()), ceiling.into());
            return Flex::relu_backward(left, Flex::relu_backward(output, gradient));
        }
    };
    let mut values = gradient.to_contiguous();
    drop(gradient);
    let bits = passed.par_chunks(PIECE * LANES);
    let pieces = values.storage_mut::<f32>().par_chunks_mut(PIECE * BLOCK).zip(bits);
    pieces.for_each(|(values, bits)| AutoArch::new().dispatch(Pass { values, bits }));
    values
}

/// Rectifies values and gathers their bits, with the vectors of the machine.
struct Rectify<'a> {
    values: &'a mut [f32],
    bits: &'a mut [u8],
    ceiling: f32,
    /// The smallest value that stops the gradient.
    stop: f32,
}

impl WithSimd for Rectify<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let blocks = self.values.chunks_mut(BLOCK).zip(self.bits.chunks_exact_mut(LANES));
        for (values, bits) in blocks {
            // Compute bytes first, then bits, so that compilers can turn both loops into vectors.
            let mut bytes = [0_u8; BLOCK];
            for (value, byte) in values.iter_mut().zip(&mut bytes) {
                // Use comparisons instead of `clamp`, which would check each value for NaN. A NaN
                // is passed on.
                *byte = u8::from(!(*value <= 0.0 || *value >= self.stop));
                let above = if *value < 0.0 { 0.0 } else { *value };
                *value = if above > self.ceiling { self.ceiling } else { above };
            }
            for (bit, bytes) in bytes.as_chunks::<LANES>().0.iter().enumerate() {
                for (bits, byte) in bits.iter_mut().zip(bytes) {
                    *bits |= byte << bit;
                }
            }
        }
    }
}

/// Keeps gradients whose bit is set, and sets the others to zero.
struct Pass<'a> {
    values: &'a mut [f32],
    bits: &'a [u8],
}

impl WithSimd for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        for (values, bits) in self.values.chunks_mut(BLOCK).zip(self.bits.chunks_exact(LANES)) {
            let mut bytes = [0_u8; BLOCK];
            for (bit, bytes) in bytes.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                for (byte, bits) in bytes.iter_mut().zip(bits) {
                    *byte = bits & (1 << bit);
                }
            }
            for (value, byte) in values.iter_mut().zip(&bytes) {
                *value = if *byte == 0 { 0.0 } else { *value };
            }
        }
    }
}
