use crate::compute::ComputeDevice;

/// A device of a pool, with its explainer.
#[derive(Clone, Debug)]
pub(super) struct Member<E> {
    pub device: ComputeDevice,
    pub explainer: E,
}
