//! The network that burn-onnx made of `network.onnx` when this program was built.
#![allow(clippy::all, unused)]

// Where generated code looks for what reads its weights.
use burn::store as burn_store;

include!(concat!(env!("OUT_DIR"), "/generated/network.rs"));
