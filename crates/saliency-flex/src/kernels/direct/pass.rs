//! The wanted phases that one product computes, and its weights as a matrix.

use std::collections::BTreeSet;

use super::weights::Weights;
use crate::kernels::geometry::{Phase, Read};
use crate::kernels::product::{BlockSize, Left, Matrix, SIDE, pack};

/// Phases that are computed together, by the same reads.
pub(super) struct Pass {
    pub phases: Vec<Phase>,
    /// What the terms of a sum read in each channel.
    pub reads: Vec<Read>,
}

/// The weights of a [`Pass`], packed. They depend on the options of the convolution, but not on the
/// size of the picture.
#[derive(Debug)]
pub(super) struct Matrices {
    /// One matrix for each group. Its rows are the wanted channels, phase by phase. Its columns are
    /// the reads of each given channel.
    blocks: Vec<f32>,
    size: BlockSize,
}

impl Pass {
    /// Lists the passes for some phases. A phase that reads nothing is left out.
    ///
    /// A product computes at least eight rows. So phases of fewer channels share a product, with
    /// weights of zero for the reads of other phases.
    pub fn all(mut phases: Vec<Phase>, weights: &Weights) -> Vec<Self> {
        phases.retain(|phase| !phase.taps.is_empty());
        if weights.wanted < SIDE && phases.len() > 1 {
            let reads = phases.iter().flat_map(|phase| phase.taps.iter().map(|tap| tap.read));
            let reads = reads.collect::<BTreeSet<Read>>().into_iter().collect();
            return vec![Self { phases, reads }];
        }
        let of_one = |phase: Phase| {
            let reads = phase.taps.iter().map(|tap| tap.read).collect();
            Self { phases: vec![phase], reads }
        };
        phases.into_iter().map(of_one).collect()
    }

    /// Packs the weights.
    pub fn pack(&self, weights: &Weights) -> Matrices {
        match self.phases.as_slice() {
            [phase] => Self::pack_one(phase, weights),
            phases => self.pack_shared(phases, weights),
        }
    }

    fn pack_one(phase: &Phase, weights: &Weights) -> Matrices {
        let given = (0..weights.given).map(|given| given * weights.given_step);
        let columns: Vec<usize> =
            given.flat_map(|given| phase.taps.iter().map(move |tap| given + tap.weight)).collect();
        let size = BlockSize::new(weights.wanted, columns.len());
        let mut blocks = vec![0.0; weights.groups * size.values()];
        for (group, blocks) in blocks.chunks_exact_mut(size.values()).enumerate() {
            let (rows, row_step) = (weights.wanted, weights.wanted_step);
            let values = weights.of_group(group);
            pack(&Matrix { values, rows, row_step, columns: &columns }, blocks);
        }
        Matrices { blocks, size }
    }

    fn pack_shared(&self, phases: &[Phase], weights: &Weights) -> Matrices {
        let reads = &self.reads;
        let (rows, row_step) = (phases.len() * weights.wanted, reads.len() * weights.given);
        let columns: Vec<usize> = (0..row_step).collect();
        let size = BlockSize::new(rows, row_step);
        let mut blocks = vec![0.0; weights.groups * size.values()];
        let mut matrix = vec![0.0; rows * row_step];
        for (group, blocks) in blocks.chunks_exact_mut(size.values()).enumerate() {
            let values = weights.of_group(group);
            for (row, line) in matrix.chunks_exact_mut(row_step).enumerate() {
                let first = row % weights.wanted * weights.wanted_step;
                for tap in &phases[row / weights.wanted].taps {
                    let at = reads.binary_search(&tap.read).expect("a read of every tap");
                    let terms = line[at..].iter_mut().step_by(reads.len()).enumerate();
                    terms.for_each(|(given, value)| {
                        *value = values[first + given * weights.given_step + tap.weight];
                    });
                }
            }
            pack(&Matrix { values: &matrix, rows, row_step, columns: &columns }, blocks);
        }
        Matrices { blocks, size }
    }
}

impl Matrices {
    /// Returns the matrix of a group.
    pub fn left(&self, group: usize) -> Left<'_> {
        let count = self.size.values();
        Left { blocks: &self.blocks[group * count..][..count], size: self.size, transposed: false }
    }
}
