//! Burn devices by name, what they can do, and how to spread work over several.
//!
//! A [`Backend`] is a name (`flex`, `vulkan:0`, `cuda:1`, `remote:ws://gpu:3000`).
//! [Opening](Backend::open) it gives a [`ComputeDevice`]: Burn's device, the kind of hardware, how
//! to run work on the device, and how far its numbers may be from a CPU's. A [`DevicePool`] shares
//! out the rows of a batch over several devices.
//!
//! ```
//! use burn::tensor::Tensor;
//! use saliency_backends::Backend;
//! use saliency_core::{Explainer, IntegratedGradients, pure_function};
//!
//! let compute = "flex".parse::<Backend>()?.open()?;
//! let x = Tensor::<2>::from_data([[1.0, 2.0]], compute.device());
//! let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
//! let explainer = IntegratedGradients::new().with_schedule(compute.schedule());
//! println!("{}", explainer.attribute(&model, x)?.values);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//! No feature is on by default: a program chooses its backends. Every name can be parsed in every
//! build. If a feature is missing, opening returns an error that names it.
//!
//! - `flex`: Burn's fast CPU backend, for a machine without a GPU
//! - `ndarray`: Burn's older CPU backend
//! - `wgpu`, `vulkan`, `metal`, `webgpu`: GPUs through their graphics driver
//! - `cuda`, `rocm`: GPUs of NVIDIA and AMD through their own libraries
//! - `remote`: devices of other machines; `remote-server` to lend the devices of this machine
//! - `memory`: asks the system how much memory is free, for [`ComputeDevice::memory_budget`]

#![cfg_attr(docsrs, feature(doc_cfg))]

// In the order of imports: each group uses the groups above it.
mod access;
mod error;
mod hardware;
mod panics;

mod backend;
mod check;
mod compute;
mod memory;

#[cfg(feature = "wgpu")]
mod graphics;
#[cfg(feature = "remote")]
mod remote;

mod devices;
mod open;
mod pool;

pub use access::Access;
pub use backend::{Adapter, Backend};
pub use compute::ComputeDevice;
pub use devices::{Available, Unavailable};
pub use error::{Cause, Error, Result};
pub use hardware::Hardware;
pub use pool::{DevicePool, Partial, PoolEvent};

#[cfg(test)]
mod tests {
    fn shared<T: Send + Sync>() {}

    #[test]
    fn public_types_go_from_thread_to_thread() {
        shared::<super::Error>();
        shared::<super::ComputeDevice>();
        shared::<super::PoolEvent>();
        shared::<super::DevicePool<saliency_core::Gradient>>();
    }

    #[test]
    #[cfg(feature = "flex")]
    fn a_pool_shows_its_devices() {
        let flex = super::Backend::Flex.open().unwrap();
        let pool = super::DevicePool::new([flex], |_| saliency_core::Gradient::new());
        let shown = format!("{pool:?}");
        assert!(shown.contains("Flex") && shown.contains("observed: false"), "{shown}");
    }
}

/// The example in the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
