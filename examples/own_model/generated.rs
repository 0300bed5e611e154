//! The network that burn-onnx made from `network.onnx` when this program was built.
#![allow(clippy::all, unused)]

include!(concat!(env!("OUT_DIR"), "/generated/network.rs"));
