use burn::backend::DispatchDevice;
use burn::tensor::Tensor;

/// Returns whether a tensor is on Flex, with or without autodiff.
pub(super) fn is_flex(tensor: &Tensor<4>) -> bool {
    matches!(tensor.device().inner().as_dispatch(), DispatchDevice::Flex(_))
}
