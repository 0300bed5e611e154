use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};

/// The weights of a convolution, as seen from the channels that are computed: the wanted ones are
/// computed from the given ones.
pub(super) struct Weights<'a> {
    values: &'a [f32],
    pub groups: usize,
    /// The number of wanted channels in a group.
    pub wanted: usize,
    /// The number of given channels in a group.
    pub given: usize,
    /// The distance from one wanted channel to the next.
    pub wanted_step: usize,
    /// The distance from one given channel to the next.
    pub given_step: usize,
}

impl<'a> Weights<'a> {
    /// Describes contiguous weights `[outputs, inputs, height, width]` for a convolution.
    pub fn of_convolution(weight: &'a FloatTensor<Flex>, groups: usize) -> Self {
        let [outputs, inputs, height, width] = weight.shape().dims();
        let (wanted_step, given_step) = (inputs * height * width, height * width);
        let (wanted, given) = (outputs / groups, inputs);
        Self { values: weight.storage(), groups, wanted, given, wanted_step, given_step }
    }

    /// Describes the same weights for the gradient.
    pub fn of_gradient(weight: &'a FloatTensor<Flex>, groups: usize) -> Self {
        let forward = Self::of_convolution(weight, groups);
        Self {
            wanted: forward.given,
            given: forward.wanted,
            wanted_step: forward.given_step,
            given_step: forward.wanted_step,
            ..forward
        }
    }

    pub fn of_group(&self, group: usize) -> &'a [f32] {
        let count = self.values.len() / self.groups;
        &self.values[group * count..][..count]
    }
}
