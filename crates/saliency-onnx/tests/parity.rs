//! The outputs of real files equal those of onnxruntime.

mod support;

use burn::tensor::Device;
use saliency_onnx::{Error, OnnxFile, OnnxModel, OnnxOutput};

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
            // A kind of LSTM that onnxruntime alone knows.
            Err(Error::Unsupported(_)) if name == "ddddocr_quantised" => continue,
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
            eprintln!(
                "{name} {}: {difference:.1e}, opened in {opened:?}, {:?}",
                output.name,
                model.ending()
            );
            if difference.is_nan() || difference > 1e-5 {
                wrong.push(format!("{name}, {}: {difference:.1e}", output.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Cases whose numbers cannot be reached, with the reason.
const OTHERWISE: [(&str, &str); 8] = [
    ("pytorch-operator/test_operator_add_broadcast", "numbers outside of single precision"),
    ("pytorch-operator/test_operator_add_size1_broadcast", "numbers outside of single precision"),
    (
        "pytorch-operator/test_operator_add_size1_right_broadcast",
        "numbers outside of single precision",
    ),
    (
        "pytorch-operator/test_operator_add_size1_singleton_broadcast",
        "numbers outside of single precision",
    ),
    ("pytorch-operator/test_operator_addconstant", "numbers outside of single precision"),
    ("test_averagepool_2d_ceil_last_window_starts_on_pad", "stated to four digits"),
    ("test_resize_downsample_scales_cubic_align_corners", "onnxruntime differs too"),
    ("test_resize_downsample_scales_linear_align_corners", "onnxruntime differs too"),
];

#[test]
fn every_operator_gives_what_the_test_cases_of_onnx_say_or_refuses() {
    let Some(cases) = support::nodes() else { return };
    let (mut right, mut unsupported) = (0, 0);
    let (mut refused, mut wrong) = (Vec::new(), Vec::new());
    for (name, model, golden) in cases.cases() {
        let computed = OnnxFile::from_bytes(&model).and_then(|file| {
            let model = file.load(&Device::flex())?;
            model.compute(model.inputs().iter().map(|port| golden.input(&port.name)).collect())
        });
        match computed {
            Err(Error::Unsupported(_)) => unsupported += 1,
            Err(error) => refused.push(format!("{name}: {error}")),
            Ok(outputs) => {
                let difference = |output: &OnnxOutput| {
                    largest_difference(&output.data, &golden.output(&output.name))
                };
                let worst = outputs.iter().map(difference).fold(0.0, nan_or_larger);
                let otherwise = OTHERWISE.iter().any(|(case, _)| *case == name);
                if worst <= 1e-4 {
                    right += 1;
                } else if !otherwise {
                    wrong.push(format!("{name}: {worst:.1e}"));
                }
            }
        }
    }
    eprintln!("{right} right, {} refused, {unsupported} of other operators", refused.len());
    for case in &refused {
        eprintln!("refused: {case}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(right >= 770, "only {right} cases are right");
}

fn nan_or_larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}
