//! Which tensors are on Flex, and which share their memory.

use burn::backend::tensor::FloatTensor;
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::Tensor;

/// Returns whether a tensor is on Flex, with or without autodiff.
pub(super) fn is_flex<const D: usize>(tensor: &Tensor<D>) -> bool {
    matches!(tensor.device().inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// Returns whether two tensors on Flex are the same numbers in the same memory. Nobody changes these
/// numbers while both tensors exist, because Flex copies memory that is shared before it writes.
pub(super) fn is_same<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> bool {
    let (Some(a), Some(b)) = (on_flex(a), on_flex(b)) else { return false };
    a.bytes().as_ptr() == b.bytes().as_ptr() && a.layout() == b.layout() && a.dtype() == b.dtype()
}

/// Returns the tensor of Flex, without autodiff.
fn on_flex<const D: usize>(tensor: &Tensor<D>) -> Option<FloatTensor<Flex>> {
    tensor.clone().without_autodiff().try_into_primitive::<Flex>().ok()
}
