//! The outputs of real files equal those of onnxruntime.

mod support;

use burn::tensor::Device;
use saliency_onnx::{OnnxFile, OnnxModel};

use support::{Golden, largest_difference};

#[test]
fn outputs_of_real_files_equal_those_of_onnxruntime() {
    let mut wrong = Vec::new();
    for path in support::real_files() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let golden = Golden::read(&path.with_extension("golden.safetensors"));
        let start = std::time::Instant::now();
        let model = match OnnxModel::open(&path, &Device::flex()) {
            Ok(model) => model,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let opened = start.elapsed();
        let inputs = model.inputs().iter().map(|port| golden.input(&port.name)).collect();
        let outputs = match model.compute(inputs) {
            Ok(outputs) => outputs,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        for output in outputs {
            let difference = largest_difference(&output.data, &golden.output(&output.name));
            eprintln!("{name} {}: {difference:.1e}, opened in {opened:?}, {:?}", output.name, model.ending());
            if difference.is_nan() || difference > 1e-5 {
                wrong.push(format!("{name}, {}: {difference:.1e}", output.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_operator_gives_what_the_test_cases_of_onnx_say() {
    let Some(cases) = support::nodes() else { return };
    let (mut right, mut unsupported, mut wrong) = (0, 0, Vec::new());
    for (name, model, golden) in cases.cases() {
        let file = match OnnxFile::from_bytes(&model) {
            Ok(file) => file,
            Err(saliency_onnx::Error::Unsupported(_)) => {
                unsupported += 1;
                continue;
            }
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let model = match file.load(&Device::flex()) {
            Ok(model) => model,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let inputs = model.inputs().iter().map(|port| golden.input(&port.name)).collect();
        match model.compute(inputs) {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(outputs) => {
                let worst = outputs
                    .iter()
                    .map(|output| largest_difference(&output.data, &golden.output(&output.name)))
                    .fold(0.0f64, |a, b| if b.is_nan() { b } else { a.max(b) });
                if worst.is_nan() || worst > 1e-4 { wrong.push(format!("{name}: {worst:.1e}")) } else { right += 1 }
            }
        }
    }
    eprintln!("{right} right, {unsupported} with operators that are not supported");
    for wrong in &wrong {
        eprintln!("{wrong}");
    }
    assert!(wrong.is_empty(), "{} wrong", wrong.len());
}
