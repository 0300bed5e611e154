//! Where did the classifier look? A heat map for a photograph, from EfficientNet-Lite0.
//!
//! ```text
//! cargo run --example explain                                   # the cat that ships
//! cargo run --example explain -- PHOTO... --method smooth-grad --target "tabby" --out maps
//! cargo run --example explain -- --tolerance 0.05 --instead-of "tabby" --baseline blurred
//! cargo run --example explain -- --page --boxes "the face=135,85,210,180"
//! cargo run --example explain -- --compare gradient,integrated-gradients --target "tabby" --target "Egyptian cat"
//! cargo run --example explain -- --list-devices
//! cargo run --features vulkan --example explain -- --device vulkan
//! ```
//!
//! `crates/saliency-program/src/explain.rs` does the work.

use std::process::ExitCode;

use saliency_program::args::ExplainArgs;
use saliency_program::{explain, program};

fn main() -> ExitCode {
    program::run::<ExplainArgs>(explain::run)
}
