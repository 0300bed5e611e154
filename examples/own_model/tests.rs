//! All three ways give Captum's values. A file with a mistake is refused, and the error names the
//! mistake.

use std::collections::BTreeMap;
use std::fs;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use saliency::photo::read_photo;

use super::*;

type Load = fn(&Path, &Device) -> std::result::Result<Network, String>;

const LOADS: [(&str, Load); 2] =
    [("network.pt", Network::from_pytorch), ("network.safetensors", Network::from_safetensors)];

#[test]
fn all_three_ways_lead_to_captums_values_and_are_drawn() {
    let device = Device::flex();
    let golden = Golden::read(&device).unwrap();
    assert_eq!(difference(&golden.gradient.zeros_like(), &golden.gradient), 1.0);
    for it in explained(&golden, &device).unwrap() {
        let [logits, gradient, integrated] = it.differences;
        println!("{}: {logits:e} {gradient:e} {integrated:e}", it.file);
        assert!(logits < 1e-5 && gradient < 1e-5 && integrated < 1e-4, "{}", it.file);
    }
    let folder = tempfile::tempdir().unwrap();
    run(&folder.path().join("new")).unwrap();
    let panel = read_photo(folder.path().join("new/own_model.png")).unwrap();
    assert!(panel.width() > 4 * 256 && panel.height() > 256, "{:?}", panel.dimensions());
}

#[test]
fn the_network_made_of_onnx_takes_any_number_of_rows() {
    let device = Device::flex();
    let golden = Golden::read(&device).unwrap();
    let network = generated::Model::from_embedded(&device);
    let logits = network.forward(Tensor::cat(vec![golden.picture.clone(); 3], 0));
    assert!(difference(&logits, &golden.logits.repeat_dim(0, 3)) < 1e-5);
}

/// Checks that the file is refused in one line that says what was expected and found.
fn refused(load: Load, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    fs::write(&path, bytes).unwrap();
    let error = load(&path, &Device::flex()).unwrap_err();
    println!("{error}");
    assert!(error.starts_with("expected the network's weights in "), "{error}");
    assert!(error.contains("found: ") && error.lines().count() == 1, "{error}");
    error
}

#[test]
fn a_file_that_is_not_there_or_cut_off_or_of_another_kind_is_refused() {
    for (name, load) in LOADS {
        let nowhere = Path::new("nowhere").join(name);
        let error = load(&nowhere, &Device::flex()).unwrap_err();
        println!("{error}");
        assert!(error.contains(&nowhere.display().to_string()), "{error}");
        let bytes = fs::read(file(name)).unwrap();
        for length in [0, 4, bytes.len() / 10, bytes.len() / 2, bytes.len() - 1] {
            refused(load, &bytes[..length]);
        }
        refused(load, b"These are not weights.");
    }
    refused(Network::from_safetensors, &fs::read(file("network.pt")).unwrap());
    refused(Network::from_pytorch, &fs::read(file("network.safetensors")).unwrap());
}

/// Returns the safetensors file after changing its tensors.
fn changed(change: impl FnOnce(&mut BTreeMap<String, TensorView>)) -> Vec<u8> {
    let bytes = fs::read(file("network.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors = tensors.tensors().into_iter().collect();
    change(&mut tensors);
    serialize(tensors, None).unwrap()
}

#[test]
fn a_tensor_that_is_missing_or_of_another_shape_or_kind_is_named() {
    let missing = changed(|tensors| assert!(tensors.remove("conv2.bias").is_some()));
    let error = refused(Network::from_safetensors, &missing);
    assert!(error.ends_with("no tensor conv2.bias"), "{error}");

    // A tensor with too many numbers, and one with the right number of whole numbers.
    for (kind, shape, bytes) in [(Dtype::F32, 10, 40), (Dtype::I64, 4, 32)] {
        let other = TensorView::new(kind, vec![shape], &[0; 40][..bytes]).unwrap();
        let wrong = changed(|tensors| drop(tensors.insert("linear.bias".into(), other).unwrap()));
        let error = refused(Network::from_safetensors, &wrong);
        assert!(error.contains("linear.bias") && error.contains("expected"), "{error}");
    }
}
