//! Files and golden values: see `tests/files/README.md`.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, TensorData};
use safetensors::{Dtype, SafeTensors};

/// The folder that the recipes fill. Without it, the tests that need it say so.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SALIENCY_ONNX_FILES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("not fetched: SALIENCY_ONNX_FILES is not set, see tests/files/README.md");
    }
    folder
}

/// Real files with golden values of onnxruntime.
pub fn real_files() -> Vec<PathBuf> {
    let Some(folder) = folder() else { return Vec::new() };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "onnx"))
        .filter(|path| path.with_extension("golden.safetensors").exists())
        .collect();
    files.sort();
    files
}

/// The committed files of this folder of `tests/files`.
pub fn committed(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(folder)
}

/// Golden values: inputs, outputs and gradients by name.
pub struct Golden {
    bytes: Vec<u8>,
    prefix: String,
}

impl Golden {
    pub fn read(path: &Path) -> Self {
        let bytes =
            std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { bytes, prefix: String::new() }
    }

    pub fn get(&self, name: &str) -> Option<TensorData> {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = tensors.tensor(&format!("{}{name}", self.prefix)).ok()?;
        let dtype = match view.dtype() {
            Dtype::F64 => DType::F64,
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::I64 => DType::I64,
            Dtype::I32 => DType::I32,
            Dtype::I16 => DType::I16,
            Dtype::I8 => DType::I8,
            Dtype::U64 => DType::U64,
            Dtype::U32 => DType::U32,
            Dtype::U16 => DType::U16,
            Dtype::U8 => DType::U8,
            Dtype::BOOL => {
                let values: Vec<bool> = view.data().iter().map(|&it| it != 0).collect();
                return Some(TensorData::new(values, view.shape().to_vec()));
            }
            other => panic!("{name} has the type {other:?}"),
        };
        Some(TensorData::from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), dtype))
    }

    pub fn input(&self, name: &str) -> TensorData {
        self.get(&format!("in.{name}")).unwrap_or_else(|| panic!("no input {name}"))
    }

    pub fn output(&self, name: &str) -> TensorData {
        self.get(&format!("out.{name}")).unwrap_or_else(|| panic!("no output {name}"))
    }
}

/// The test cases of ONNX's operators.
pub struct Nodes {
    bytes: Vec<u8>,
}

pub fn nodes() -> Option<Nodes> {
    let path = folder()?.join("nodes.safetensors");
    Some(Nodes { bytes: std::fs::read(path).unwrap() })
}

impl Nodes {
    /// Returns the name, the model and the golden values of each case.
    pub fn cases(&self) -> Vec<(String, Vec<u8>, Golden)> {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let names: BTreeSet<String> = tensors
            .names()
            .iter()
            .filter_map(|name| name.strip_suffix("/model"))
            .map(str::to_owned)
            .collect();
        let mut cases = Vec::new();
        for name in names {
            let model = tensors.tensor(&format!("{name}/model")).unwrap().data().to_vec();
            // The values of this case alone, so that looking one up is fast.
            let prefix = format!("{name}/");
            let own = tensors.iter().filter(|(key, _)| key.starts_with(&prefix));
            let bytes = safetensors::serialize(own, None).unwrap();
            cases.push((name, model, Golden { bytes, prefix }));
        }
        cases
    }
}

/// Returns the largest difference over the largest value, or NaN if the shapes or the number of NaNs
/// differ.
pub fn largest_difference(found: &TensorData, expected: &TensorData) -> f64 {
    if found.shape() != expected.shape() {
        eprintln!("found the shape {:?}, expected {:?}", found.shape(), expected.shape());
        return f64::NAN;
    }
    let numbers = |data: &TensorData| data.iter::<f64>().collect::<Vec<_>>();
    let (found, expected) = (numbers(found), numbers(expected));
    let finite = expected.iter().filter(|it| it.is_finite());
    let largest = finite.fold(0.0f64, |most, it| most.max(it.abs()));
    let mut worst = 0.0f64;
    for (a, b) in found.iter().zip(&expected) {
        if a == b || (a.is_nan() && b.is_nan()) {
            continue;
        }
        let difference = (a - b).abs();
        if difference.is_nan() || difference.is_infinite() {
            return f64::NAN;
        }
        worst = worst.max(difference);
    }
    if worst == 0.0 { 0.0 } else { worst / largest.max(f64::MIN_POSITIVE) }
}
