//! Turns the ONNX file into Rust code: a module with a `forward`, and weights that are embedded in
//! the program.

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
