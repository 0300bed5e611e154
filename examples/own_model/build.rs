//! Makes Rust of the ONNX file: a module with a `forward`, and its weights to be embedded.

use burn_onnx::{LoadStrategy, ModelGen};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=data/network.onnx");
    ModelGen::new()
        .input("data/network.onnx")
        .out_dir("generated")
        .load_strategy(LoadStrategy::Embedded)
        .run_from_script();
}
