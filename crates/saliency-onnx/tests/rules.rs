//! Rules of the backward pass: LibraGrad on files.

mod support;

use std::path::Path;

use burn::tensor::{DType, Device, Int, Tensor};
use saliency_core::rules::Rules;
use saliency_core::{Explainer, Fixed, InputTimesGradient, Model, Target};
use saliency_onnx::OnnxModel;

use support::{Golden, committed, largest_difference};

fn open(folder: &str, name: &str) -> OnnxModel {
    OnnxModel::open(committed(folder).join(format!("{name}.onnx")), &Device::flex()).unwrap()
}

/// The values of a vision transformer that `libra.py` has computed in PyTorch, in double precision.
fn pytorch() -> Golden {
    let golden = "../saliency-testkit/golden/libra.safetensors";
    Golden::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(golden))
}

/// Returns the input times the gradient, in double precision.
fn product(model: &OnnxModel, input: Tensor<4>, target: Target) -> Tensor<4> {
    let model = model.clone().with_precision(DType::F64);
    let input = input.cast(DType::F64);
    InputTimesGradient::new().attribute_to(&model, input, target).unwrap().values
}

#[test]
fn libra_on_an_exported_vision_transformer_equals_the_authors_rules_in_pytorch() {
    // The exporter writes layer normalisations and GELUs out.
    let (golden, model) = (pytorch(), open("rules", "vit"));
    let picture = Tensor::<4>::from_data(golden.get("vit.picture").unwrap(), &Device::flex());
    let libra = model.clone().with_rules(Rules::Libra).unwrap();
    for (name, model) in [("vit.libra", libra), ("vit.plain", model)] {
        let found = product(&model, picture.clone(), Target::Predicted);
        let difference = largest_difference(&found.into_data(), &golden.get(name).unwrap());
        eprintln!("{name}: {difference:.1e} of the largest value");
        assert!(difference < 1e-5, "{name}: {difference:.1e}");
    }
}

#[test]
fn operators_that_are_written_out_follow_the_same_rules_as_whole_ones() {
    // One exporter writes layer normalisations and GELUs as operators, the other one writes them out.
    let golden = Golden::read(&committed("pytorch").join("vit.safetensors"));
    let image = Tensor::<4>::from_data(golden.input("image"), &Device::flex());
    let of = |name: &str, rules: Rules| {
        let model = open("pytorch", name).with_rules(rules).unwrap();
        product(&model, image.clone(), Target::Class(1)).into_data()
    };
    let expected = of("vit_dynamo_fixed", Rules::Libra);
    for name in ["vit_script_fixed", "vit_script_dynamic", "vit_dynamo_dynamic"] {
        let difference = largest_difference(&of(name, Rules::Libra), &expected);
        assert!(difference < 1e-5, "{name}: {difference:.1e}");
    }
    let plain = largest_difference(&of("vit_dynamo_fixed", Rules::Plain), &expected);
    assert!(plain > 0.1, "the plain gradient is another one: {plain}");
}

#[test]
fn texts_follow_the_same_rules_in_the_files_of_both_exporters() {
    let golden = Golden::read(&committed("pytorch").join("bert.safetensors"));
    let integers = |name: &str| {
        let data = golden.input(name);
        Fixed(Tensor::<2, Int>::from_data(data, &Device::flex()).narrow(0, 0, 1))
    };
    let (ids, mask) = (integers("input_ids"), integers("attention_mask"));
    let of = |name: &str, rules: Rules| {
        let model = open("pytorch", name).with_precision(DType::F64).with_rules(rules).unwrap();
        let model = model.with_shape("input_ids", &[1, 9]).unwrap();
        let model = model.with_shape("attention_mask", &[1, 9]).unwrap();
        let cut = model.embeddings("input_ids").unwrap();
        let words = cut.activation::<3>((ids.clone(), mask.clone())).unwrap();
        let explainer = InputTimesGradient::new();
        let map = explainer.attribute_to(&cut.after, (words, mask.clone()), Target::Class(1));
        map.unwrap().values.0.into_data()
    };
    let expected = of("bert_dynamo_dynamic", Rules::Libra);
    let difference = largest_difference(&of("bert_script_dynamic", Rules::Libra), &expected);
    let size: f64 = expected.iter::<f64>().map(f64::abs).sum();
    eprintln!("both exporters: {difference:.1e} of values whose sizes sum to {size:.3}");
    assert!(size > 0.1);
    assert!(difference < 1e-5, "{difference:.1e}");
    let plain = largest_difference(&of("bert_dynamo_dynamic", Rules::Plain), &expected);
    assert!(plain > 0.1, "the plain gradient is another one: {plain}");
}

#[test]
fn rules_do_not_change_a_bit_of_the_outputs() {
    let golden = Golden::read(&committed("pytorch").join("vit.safetensors"));
    let image = Tensor::<4>::from_data(golden.input("image"), &Device::flex());
    for name in ["vit_script_fixed", "vit_dynamo_dynamic"] {
        let model = open("pytorch", name);
        let libra = model.clone().with_rules(Rules::Libra).unwrap();
        for image in [image.clone(), image.clone().autodiff().require_grad()] {
            let scores = |model: &OnnxModel| -> Vec<f32> {
                model.forward(image.clone()).inner().try_into_vec_as().unwrap()
            };
            assert_eq!(scores(&libra), scores(&model), "{name}");
        }
    }
}

#[test]
fn networks_of_convolutions_keep_their_gradient() {
    let golden = Golden::read(&committed("pytorch").join("resnet18.safetensors"));
    let image = Tensor::<4>::from_data(golden.input("image"), &Device::flex());
    let model = open("pytorch", "resnet18_script_fixed");
    let libra = model.clone().with_rules(Rules::Libra).unwrap();
    let of = |model: &OnnxModel| product(model, image.clone(), Target::Class(1)).into_data();
    assert_eq!(largest_difference(&of(&libra), &of(&model)), 0.0);
}

#[test]
fn the_rescale_rule_is_refused_and_the_error_says_what_to_do() {
    let error = open("rules", "vit").with_rules(Rules::Rescale).unwrap_err();
    assert!(error.to_string().contains("use Rules::Libra"), "{error}");
}
