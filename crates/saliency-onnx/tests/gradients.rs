//! Gradients of files equal those of PyTorch, or finite differences, in double precision.

mod support;

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use saliency_core::{Explainer, Fixed, Gradient, Target};
use saliency_onnx::{OnnxFile, OnnxInputs, OnnxModel};

use support::{Golden, committed};

/// The largest difference of a gradient over its largest value.
const WITHIN: f64 = 1e-4;

fn opened(path: &Path) -> OnnxModel {
    let model = OnnxModel::open(path, &Device::flex()).unwrap();
    model.with_ending().unwrap().with_precision(DType::F64)
}

/// Returns one row of a golden value.
fn row<const D: usize>(golden: &Golden, name: &str, row: usize) -> Tensor<D> {
    let data = golden.get(name).unwrap_or_else(|| panic!("no {name}"));
    Tensor::from_data(data, (&Device::flex(), DType::F64)).narrow(0, row, 1)
}

fn integers<const D: usize>(golden: &Golden, name: &str, row: usize) -> Tensor<D, Int> {
    let data = golden.get(name).unwrap_or_else(|| panic!("no {name}"));
    Tensor::from_data(data, &Device::flex()).narrow(0, row, 1)
}

/// Returns the gradient of the sum of `weights * outputs`.
fn weighted<I: OnnxInputs>(model: &OnnxModel, input: I, weights: Vec<f64>) -> Tensor<2> {
    let count = weights.len();
    let weights = TensorData::new(weights, [1, count]);
    let target = Target::function(move |scores: Tensor<2>| {
        let weights = Tensor::<2>::from_data(weights.clone(), (&scores.device(), DType::F64));
        (scores * weights).sum_dim(1).squeeze_dim(1)
    });
    let map = Gradient::new().attribute_to(model, input, target).unwrap();
    saliency_core::Inputs::into_rows(map.values).swap_remove(0)
}

/// Returns the numbers of one row of an output, whose rows may be counted by another axis.
fn numbers_of_row(golden: &Golden, name: &str, axis: usize, row: usize) -> Vec<f64> {
    let data = golden.get(name).unwrap_or_else(|| panic!("no {name}"));
    let shape = data.shape().to_vec();
    let after: usize = shape[axis + 1..].iter().product();
    let numbers: Vec<f64> = data.iter().collect();
    let of_row = |at: &usize| at / after % shape[axis] == row;
    (0..numbers.len()).filter(of_row).map(|at| numbers[at]).collect()
}

fn difference(found: &Tensor<2>, expected: &[f64]) -> f64 {
    let found = found.clone().try_into_vec_as::<f64>().unwrap();
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |most, it| most.max(it.abs()));
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    worst / largest
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as().unwrap()
}

#[test]
fn gradients_of_exported_networks_equal_those_of_pytorch() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(committed("pytorch")).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "onnx"));
    files.sort();
    assert_eq!(files.len(), 25);
    let mut worst = 0.0f64;
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let network = name.split('_').next().unwrap();
        let golden = Golden::read(&committed("pytorch").join(format!("{network}.safetensors")));
        let model = opened(&path);
        for at in 0..2 {
            let axis = usize::from(network == "crnn");
            let weights = numbers_of_row(&golden, "score.logits", axis, at);
            let (found, expected) = match network {
                "bert" => {
                    let cut = model.clone().with_shape("input_ids", &[1, 9]).unwrap();
                    let cut = cut.with_shape("attention_mask", &[1, 9]).unwrap();
                    let cut = cut.embeddings("input_ids").unwrap();
                    let ids = Fixed(integers::<2>(&golden, "in.input_ids", at));
                    let mask = Fixed(integers::<2>(&golden, "in.attention_mask", at));
                    let words = cut.activation::<3>((ids, mask.clone())).unwrap();
                    let inputs: Vec<&str> =
                        cut.after.inputs().iter().map(|port| port.name.as_str()).collect();
                    assert_eq!(inputs[1..], ["attention_mask"], "{name}");
                    let found = weighted(&cut.after, (words, mask), weights);
                    (found, flat(row::<3>(&golden, "grad.word_embeddings", at)))
                }
                "tabular" => {
                    let numbers = row::<2>(&golden, "in.numbers", at);
                    let category = Fixed(integers::<1>(&golden, "in.category", at));
                    let model = model.clone().with_output("logits").unwrap();
                    let found = weighted(&model, (numbers, category), weights);
                    (found, flat(row::<2>(&golden, "grad.numbers", at)))
                }
                _ => {
                    let input = if network == "crnn" { "line" } else { "image" };
                    let photo = row::<4>(&golden, &format!("in.{input}"), at);
                    let found = weighted(&model, photo, weights);
                    (found, flat(row::<4>(&golden, &format!("grad.{input}"), at)))
                }
            };
            let difference = difference(&found, &expected);
            assert!(difference <= WITHIN, "{name}, row {at}: {difference:.1e}");
            worst = worst.max(difference);
        }
    }
    eprintln!("the worst of all: {worst:.1e}");
}

/// Returns the difference of the gradient of one row from what `tests/files/gradients` holds.
fn against(reference: &Golden, input: &str, found: &[f64], row: usize) -> f64 {
    let number = |name: &str| reference.get(&format!("{name}.{input}"));
    let start = row * found.len();
    if let Some(along) = number("along") {
        // The derivative in the direction cos(0), cos(1), ..., over all rows.
        let along: f64 = along.iter::<f64>().next().unwrap();
        let part = |(at, it): (usize, &f64)| it * ((start + at) as f64).cos();
        let sum: f64 = found.iter().enumerate().map(part).sum();
        return (sum - along).abs() / along.abs();
    }
    let places: Vec<usize> = number("at").unwrap().iter::<i64>().map(|at| at as usize).collect();
    let expected: Vec<f64> = number("grad").unwrap().iter().collect();
    let largest: f64 = number("largest").unwrap().iter::<f64>().next().unwrap();
    let at = |place: usize| place.checked_sub(start).and_then(|at| found.get(at)).copied();
    let pairs = places.iter().zip(&expected);
    pairs.map(|(&place, it)| (at(place).unwrap_or(0.0) - it).abs()).fold(0.0, f64::max) / largest
}

/// Where the score is: the row, and the place in the row.
fn place(golden: &Golden, values: &Golden, output: &str, rows: usize) -> Option<(usize, usize)> {
    let at = golden.get(&format!("at.{output}"))?.iter::<i64>().next().unwrap() as usize;
    let each = values.output(output).iter::<f64>().count() / rows;
    Some((at / each, at % each))
}

#[test]
fn gradients_of_real_photo_networks_equal_those_of_pytorch() {
    let Some(folder) = support::folder() else { return };
    let names = [
        "captcha_crnn",
        "ddddocr_crnn",
        "ddddocr_yolox",
        "densenet121",
        "efficientnet_lite0",
        "efficientnet_lite0_norm",
        "inception_v2",
        "ocr_cls",
        "open_nsfw",
        "resnet50",
        "shufflenet",
        "squeezenet",
        "yolov8n",
    ];
    let mut wrong = Vec::new();
    for name in names {
        let path = folder.join(format!("{name}.onnx"));
        if name.starts_with("ddddocr") && !path.exists() {
            continue;
        }
        let reference = Golden::read(&committed("gradients").join(format!("{name}.safetensors")));
        let values = Golden::read(&path.with_extension("golden.safetensors"));
        let model = opened(&path);
        let input = model.inputs()[0].name.clone();
        let rows = values.input(&input).shape()[0];
        for output in model.outputs() {
            let Some((at, class)) = place(&reference, &values, &output.name, rows) else {
                continue;
            };
            // A reader of text counts its rows second.
            let (at, class) = if name == "captcha_crnn" { (0, class) } else { (at, class) };
            let photo = row::<4>(&values, &format!("in.{input}"), at);
            let map = Gradient::new().attribute_to(&model, photo, Target::Class(class)).unwrap();
            let found = flat(map.values);
            let difference = against(&reference, &input, &found, at);
            eprintln!("{name}: {difference:.1e}");
            if difference.is_nan() || difference > WITHIN {
                wrong.push(format!("{name}: {difference:.1e}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn gradients_of_texts_sounds_and_curves_equal_those_of_pytorch() {
    let Some(folder) = support::folder() else { return };
    let mut wrong = Vec::new();
    let mut note = |name: &str, difference: f64| {
        eprintln!("{name}: {difference:.1e}");
        if difference.is_nan() || difference > WITHIN {
            wrong.push(format!("{name}: {difference:.1e}"));
        }
    };
    let files = |name: &str| {
        let path = folder.join(format!("{name}.onnx"));
        let values = Golden::read(&path.with_extension("golden.safetensors"));
        let reference = Golden::read(&committed("gradients").join(format!("{name}.safetensors")));
        (path, values, reference)
    };

    // Texts, from the vectors of their words.
    for name in ["minilm_l3", "minilm_l6"] {
        let (path, values, reference) = files(name);
        let mut model = opened(&path);
        for port in model.inputs().to_vec() {
            let tokens = values.input(&port.name).shape()[1];
            model = model.with_shape(&port.name, &[1, tokens]).unwrap();
        }
        let rows = values.input("input_ids").shape()[0];
        for output in model.outputs().to_vec() {
            let Some((at, class)) = place(&reference, &values, &output.name, rows) else {
                continue;
            };
            let cut =
                model.clone().with_output(&output.name).unwrap().embeddings("input_ids").unwrap();
            let ids = |name: &str| Fixed(integers::<2>(&values, &format!("in.{name}"), at));
            let (input_ids, mask) = (ids("input_ids"), ids("attention_mask"));
            let target = Target::Class(class);
            let explainer = Gradient::new();
            let found = if model.inputs().len() == 3 {
                let types = ids("token_type_ids");
                let words = cut.activation::<3>((input_ids, mask.clone(), types.clone())).unwrap();
                flat(
                    explainer
                        .attribute_to(&cut.after, (words, mask, types), target)
                        .unwrap()
                        .values
                        .0,
                )
            } else {
                let words = cut.activation::<3>((input_ids, mask.clone())).unwrap();
                flat(explainer.attribute_to(&cut.after, (words, mask), target).unwrap().values.0)
            };
            let names = [cut.name.as_str(), "words"];
            let input = names.into_iter().find(|name| {
                reference
                    .get(&format!("at.{name}"))
                    .or(reference.get(&format!("along.{name}")))
                    .is_some()
            });
            note(name, input.map_or(f64::NAN, |input| against(&reference, input, &found, at)));
        }
    }

    // Sounds, with the rate and the first state fixed.
    for name in ["silero_vad", "silero_vad_16k", "silero_vad_ifless"] {
        let (path, values, reference) = files(name);
        let rows = values.input("input").shape()[0];
        let Some((at, class)) = place(&reference, &values, "output", rows) else { continue };
        let state: Tensor<3> = Tensor::from_data(values.input("state"), &Device::flex());
        assert_eq!(state.dims()[1], rows);
        let file = OnnxFile::read(&path).unwrap();
        let file = file.with_constant("sr", values.input("sr")).unwrap();
        let state = state.narrow(1, at, 1).into_data();
        let model = file.with_constant("state", state).unwrap().load(&Device::flex()).unwrap();
        let model = model.with_output("output").unwrap().with_ending().unwrap();
        let sound = row::<2>(&values, "in.input", at);
        let target = Target::Class(class);
        let map = Gradient::new().attribute_to(&model.with_precision(DType::F64), sound, target);
        note(name, against(&reference, "input", &flat(map.unwrap().values), at));
    }

    // Curves, alone and in pairs.
    let (path, values, reference) = files("eeg_seizure");
    let model = opened(&path).with_output("logits").unwrap();
    let x = values.input("x");
    let (rows, steps) = (x.shape()[0], x.shape()[2]);
    let at = reference.get("at.logits").unwrap().iter::<i64>().next().unwrap() as usize;
    // `[steps, rows, 4]`
    let (step, of_row, class) = (at / (4 * rows), at / 4 % rows, at % 4);
    let curve = row::<3>(&values, "in.x", of_row);
    let target = Target::Class(step * 4 + class);
    let map = Gradient::new().attribute_to(&model, curve, target).unwrap();
    assert_eq!(map.values.dims()[2], steps);
    note("eeg_seizure", against(&reference, "x", &flat(map.values), of_row));

    let (path, values, reference) = files("eeg_spindles");
    let model = opened(&path).with_output("detection").unwrap();
    let rows = values.input("raw_signal").shape()[0];
    let (at, class) = place(&reference, &values, "detection", rows).unwrap();
    let curves = |name: &str| row::<3>(&values, &format!("in.{name}"), at);
    let input = (curves("raw_signal"), curves("spectrogram"));
    let (signal, spectrogram) =
        Gradient::new().attribute_to(&model, input, Target::Class(class)).unwrap().values;
    note("eeg_spindles, signal", against(&reference, "raw_signal", &flat(signal), at));
    note("eeg_spindles, spectrogram", against(&reference, "spectrogram", &flat(spectrogram), at));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
