//! Where a device comes from: by name, with what is known of it, alone or as a pool.
//!
//! A [`Backend`] is a name (`flex`, `vulkan:0`, `cuda:1`, `remote:ws://gpu:3000`).
//! [Opening](Backend::open) it gives a [`ComputeDevice`]: Burn's device, what kind of hardware it
//! is, how to run work on it, and how far its numbers may be from a CPU's. A [`DevicePool`] shares
//! the rows of a batch out over several.
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
//! One for each backend: `flex` (default), `ndarray`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`,
//! `rocm`, `remote`, and `remote-server` to lend devices to others. Every name can be parsed in
//! every build; opening says which feature is missing.

mod backend;
mod check;
mod compute;
mod error;
mod kind;
mod list;
mod open;
mod pool;

pub use backend::{Adapter, Backend};
pub use compute::ComputeDevice;
pub use error::{Error, Result};
pub use kind::Kind;
pub use list::{Available, Unavailable};
pub use pool::{DevicePool, PoolEvent};
