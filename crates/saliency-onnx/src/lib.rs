//! Explains an ONNX file: turns it into a Burn model with gradients, at run time.
//!
//! ```no_run
//! use burn::tensor::{Device, Tensor};
//! use saliency_core::{Explainer, IntegratedGradients};
//! use saliency_onnx::OnnxModel;
//!
//! let device = Device::flex();
//! let model = OnnxModel::open("shop.onnx", &device)?;
//! let photo = Tensor::<4>::zeros([1, 3, 224, 224], &device);
//! let map = IntegratedGradients::new().attribute(&model, photo)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`OnnxModel`] is the model: a Burn module that every explainer, metric and pool takes.
//! - [`OnnxModel::at`] cuts it at a layer, by the name that the layer has in PyTorch.
//! - [`OnnxFile`] is a file before it is on a device: its inputs, outputs and metadata.
//! - [`Check`] lists the operators of a file, and those that are not supported.
//! - [`operators`] lists the supported operators.
//!
//! # Rooms
//! `file` (bytes to a graph), `graph` (nodes and weights) <- `simplify` <- `plan` (the order of
//! computation) <- the model. `operators` has one small function for each operator, and `values` what
//! flows between them.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod check;
mod cut;
mod error;
mod file;
mod graph;
mod inputs;
mod model;
mod operators;
mod plan;
mod simplify;
mod trace;
mod trial;
mod values;

pub use check::Check;
pub use cut::OnnxCut;
pub use error::{Error, Result, Unsupported, UnsupportedOperators};
pub use file::{Dimension, Element, OnnxFile, Port};
pub use inputs::OnnxInputs;
pub use model::{OnnxModel, OnnxOutput};
pub use operators::operators;
pub use trace::Layer;

/// The example in the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The book's page, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/onnx.md")]
pub struct Book;
