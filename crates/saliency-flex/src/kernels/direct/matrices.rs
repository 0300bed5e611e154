//! The weights as matrices.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};

use super::{BlockSize, Left};
use crate::kernels::geometry::Phase;
use crate::kernels::product::pack;

/// One matrix for each wanted phase and each group: from the terms of a sum to the channels that
/// are computed.
pub(super) struct Matrices {
    values: Vec<Vec<f32>>,
    sizes: Vec<BlockSize>,
    groups: usize,
}

impl Matrices {
    /// Packs weights `[outputs, inputs, height, width]`. There is one wanted phase, and the terms
    /// are in the order of the weights.
    pub fn of_convolution(weight: &FloatTensor<Flex>, groups: usize) -> Self {
        let [outputs, inputs, height, width] = weight.shape().dims();
        let weight = weight.storage::<f32>();
        let (outputs, terms) = (outputs / groups, inputs * height * width);
        let size = BlockSize::new(outputs, terms);
        let mut values = vec![0.0; groups * size.values()];
        for (group, blocks) in values.chunks_exact_mut(size.values()).enumerate() {
            let weight = &weight[group * outputs * terms..][..outputs * terms];
            pack(outputs, terms, blocks, |output, term| weight[output * terms + term]);
        }
        Self { values: vec![values], sizes: vec![size], groups }
    }

    /// Packs the same weights for the gradient. The terms of a phase are its taps, for each output
    /// of the convolution.
    pub fn of_gradient(weight: &FloatTensor<Flex>, groups: usize, phases: &[Phase]) -> Self {
        let [outputs, inputs, height, width] = weight.shape().dims();
        let weight = weight.storage::<f32>();
        let (outputs, area) = (outputs / groups, height * width);
        let (mut values, mut sizes) = (Vec::new(), Vec::new());
        for Phase { taps, .. } in phases {
            let terms = outputs * taps.len();
            let size = BlockSize::new(inputs, terms);
            let mut blocks = vec![0.0; groups * size.values()];
            if terms > 0 {
                for (group, blocks) in blocks.chunks_exact_mut(size.values()).enumerate() {
                    let weight = &weight[group * outputs * inputs * area..];
                    pack(inputs, terms, blocks, |input, term| {
                        let (output, tap) = (term / taps.len(), &taps[term % taps.len()]);
                        weight[(output * inputs + input) * area + tap.weight]
                    });
                }
            }
            values.push(blocks);
            sizes.push(size);
        }
        Self { values, sizes, groups }
    }

    /// Returns the matrix of a phase and a group.
    pub fn left(&self, phase: usize, group: usize) -> Left<'_> {
        let (size, values) = (self.sizes[phase], &self.values[phase]);
        let count = values.len() / self.groups;
        Left { blocks: &values[group * count..][..count], size, transposed: false }
    }
}
