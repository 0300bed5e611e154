//! A file as a model: explained at the input and at its layers, with any number of rows.

mod support;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use saliency_core::{
    Attribution, Detection, Explainer, Gradient, IntegratedGradients, Model, Parallelism, Schedule,
    SmoothGrad, Target,
};
use saliency_onnx::{Error, OnnxModel};

use support::{Golden, committed};

fn network(name: &str) -> OnnxModel {
    OnnxModel::open(committed("pytorch").join(format!("{name}.onnx")), &Device::flex()).unwrap()
}

fn photos(rows: usize) -> Tensor<4> {
    let golden = Golden::read(&committed("pytorch").join("resnet18.safetensors"));
    let two = Tensor::<4>::from_data(golden.input("image"), &Device::flex());
    Tensor::cat(vec![two.clone(), two * 0.5], 0).narrow(0, 0, rows)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn nearly_equal(a: &[f32], b: &[f32]) -> bool {
    let largest = a.iter().fold(0.0f32, |most, it| most.max(it.abs()));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * largest)
}

#[test]
fn both_exporters_and_both_kinds_of_rows_give_the_same_map() {
    let explainer = IntegratedGradients::new().with_steps(8);
    let expected =
        numbers(explainer.attribute(&network("resnet18_norm_dynamic"), photos(2)).unwrap().values);
    for name in ["script_fixed", "script_dynamic", "dynamo_fixed", "dynamo_dynamic"] {
        let model = network(&format!("resnet18_{name}"));
        let found = numbers(explainer.attribute(&model, photos(2)).unwrap().values);
        assert!(nearly_equal(&expected, &found), "{name}");
    }
}

#[test]
fn a_file_for_one_row_takes_several() {
    for name in
        ["resnet18_script_fixed", "vit_script_fixed", "vit_dynamo_fixed", "unet_script_fixed"]
    {
        let model = network(name);
        let input = match model.inputs()[0].shape.as_ref().unwrap().as_slice() {
            [.., saliency_onnx::Dimension::Fixed(64)] => photos(3),
            _ => photos(3).slice([0..3, 0..3, 0..32, 0..32]),
        };
        let together = model.forward(input.clone());
        for row in 0..3 {
            let alone = numbers(model.forward(input.clone().narrow(0, row, 1)));
            assert!(nearly_equal(&alone, &numbers(together.clone().narrow(0, row, 1))), "{name}");
        }
    }
}

#[test]
fn readers_of_text_count_their_rows_second() {
    let golden = Golden::read(&committed("pytorch").join("crnn.safetensors"));
    let line = Tensor::<4>::from_data(golden.input("line"), &Device::flex());
    let expected = Tensor::<3>::from_data(golden.output("logits"), &Device::flex());
    let expected = numbers(expected.swap_dims(0, 1));
    for name in ["script_fixed", "script_dynamic", "dynamo_fixed", "dynamo_dynamic"] {
        let scores = network(&format!("crnn_{name}")).forward(line.clone());
        assert_eq!(scores.dims(), [2, 240]);
        assert!(nearly_equal(&expected, &numbers(scores)), "{name}");
    }
}

#[test]
fn the_number_of_workers_does_not_change_a_bit() {
    let model = network("resnet18_norm_dynamic");
    let map = |workers: usize| -> Vec<f32> {
        let schedule =
            Schedule::new().with_chunk(2).with_parallelism(Parallelism::Workers(workers));
        let explainer = SmoothGrad::new(Gradient::new()).with_samples(6).with_schedule(schedule);
        numbers(explainer.attribute(&model, photos(2)).unwrap().values)
    };
    assert_eq!(map(1), map(3));
}

#[test]
fn a_layer_is_explained_by_the_name_it_has_in_pytorch() {
    for name in ["resnet18_script_dynamic", "resnet18_dynamo_fixed", "resnet18_norm_dynamic"] {
        let model = network(name);
        let cut = model.at("layer4.1").unwrap();
        let activation = cut.activation::<4>(photos(2)).unwrap();
        let [rows, _, height, width] = activation.dims();
        assert_eq!((rows, height, width), (2, 2, 2), "{name}");
        // The parts make the whole.
        let whole = numbers(model.forward(photos(2)));
        assert!(nearly_equal(&whole, &numbers(cut.after.forward(activation.clone()))), "{name}");
        // Integrated Gradients of the layer are complete.
        let explainer = IntegratedGradients::new().with_steps(64);
        let map = explainer.attribute_to(&cut.after, activation.clone(), Target::Class(3)).unwrap();
        let zero = cut.after.forward(activation.zeros_like());
        let change = cut.after.forward(activation) - zero;
        let sums = numbers(map.values.sum_dims(&[1, 2, 3]));
        let change = numbers(change.narrow(1, 3, 1));
        for (sum, change) in sums.iter().zip(change) {
            assert!((sum - change).abs() < 0.02 * change.abs().max(0.1), "{name}: {sum} {change}");
        }
    }
}

#[test]
fn the_layers_are_listed_and_one_is_chosen() {
    let model = network("resnet18_script_fixed");
    let layers = model.layers().unwrap();
    for layer in &layers {
        model.at(&layer.name).unwrap();
    }
    let chosen = model.default_layer().unwrap();
    assert_eq!(chosen.shape[2..], [2, 2]);
    assert_eq!(
        layers.iter().rfind(|layer| layer.shape.len() == 4 && layer.shape[2] > 1),
        Some(&chosen)
    );

    // A transformer has no maps of height and width behind its patches.
    let chosen = network("vit_script_fixed").default_layer().unwrap();
    assert_eq!(chosen.shape.len(), 3, "{chosen:?}");
}

#[test]
fn a_place_beside_a_short_cut_is_refused() {
    // The first convolution of a block: the input of the block goes around it.
    let model = network("resnet18_script_fixed");
    let error = model.at("/layer1/layer1.0/conv1/Conv").unwrap_err();
    assert!(error.to_string().contains("on another way"), "{error}");
}

#[test]
fn an_unknown_layer_is_answered_with_similar_ones() {
    let error = network("resnet18_script_fixed").at("layer9").unwrap_err();
    assert!(matches!(&error, Error::UnknownLayer { name, .. } if name == "layer9"), "{error}");
    let error = network("resnet18_script_fixed").at("layer4.7").unwrap_err();
    assert!(error.to_string().contains("layer4"), "{error}");
}

#[test]
fn an_open_shape_is_asked_for() {
    let model = network("bert_script_dynamic");
    let error = model.layers().unwrap_err();
    assert!(error.to_string().contains("with_shape"), "{error}");
    let model = model.with_shape("input_ids", &[1, 9]).unwrap();
    assert!(model.clone().with_shape("attention_mask", &[9]).is_err());
    assert!(
        model.clone().with_shape("nothing", &[9]).unwrap_err().to_string().contains("input_ids")
    );
    assert!(!model.with_shape("attention_mask", &[1, 9]).unwrap().layers().unwrap().is_empty());
}

#[test]
fn a_softmax_at_the_end_is_left_out_and_can_be_kept() {
    let Some(folder) = support::folder() else { return };
    let path = folder.join("squeezenet.onnx");
    let golden = Golden::read(&path.with_extension("golden.safetensors"));
    let model = OnnxModel::open(&path, &Device::flex()).unwrap();
    assert_eq!(model.ending(), Some("Softmax"));
    let photo = Tensor::<4>::from_data(golden.input("data_0"), &Device::flex());
    let photo = photo.narrow(0, 0, 1);
    let scores = model.forward(photo.clone());
    let kept = model.clone().with_ending().unwrap();
    assert_eq!(kept.ending(), None);
    let probabilities = kept.forward(photo);
    let expected = burn::tensor::activation::softmax(scores, 1);
    assert!(nearly_equal(&numbers(expected), &numbers(probabilities)));
}

#[test]
fn inputs_of_another_shape_are_refused_in_words() {
    let model = network("resnet18_script_fixed");
    let error = model.compute(vec![TensorData::zeros::<f32, _>([3, 64, 64])]).unwrap_err();
    assert!(error.to_string().contains("image: numbers [1, 3, 64, 64]"), "{error}");
    let error = model.compute(Vec::new()).unwrap_err();
    assert!(error.to_string().ends_with("was given nothing"), "{error}");
    let error = model.compute(vec![TensorData::zeros::<f32, _>([1, 4, 64, 64])]).unwrap_err();
    assert!(error.to_string().contains("line 1 of the graph"), "{error}");
    let error =
        Gradient::new().attribute(&model, Tensor::<4>::zeros([1, 4, 64, 64], &Device::flex()));
    assert!(error.unwrap_err().to_string().contains("line 1 of the graph"));
}

#[test]
fn a_model_is_a_module_with_parameters() {
    let model = network("resnet18_norm_dynamic");
    assert!(model.num_params() > 40_000, "{}", model.num_params());
    let Attribution { values, .. } = Gradient::new()
        .attribute(&model.with_precision(DType::F64), photos(1).cast(DType::F64))
        .unwrap();
    assert_eq!(values.dtype(), DType::F64);
}

#[test]
fn another_output_is_chosen_by_its_name() {
    let model = network("tabular_script_dynamic");
    assert_eq!(model.output(), "price");
    assert_eq!(model.clone().with_output("logits").unwrap().output(), "logits");
    let error = model.with_output("nothing").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no output `nothing`: the model has `price` and `logits`"
    );
}

#[test]
fn a_detector_is_explained_by_its_best_box() {
    let Some(folder) = support::folder() else { return };
    let path = folder.join("yolov8n.onnx");
    let golden = Golden::read(&path.with_extension("golden.safetensors"));
    let model = OnnxModel::open(&path, &Device::flex()).unwrap();
    let photo = Tensor::<4>::from_data(golden.input("images"), &Device::flex()).narrow(0, 0, 1);
    // `[rows, 4 + 18 classes, boxes]`
    let detection = Detection::new(18).with_boxes_last();
    let found = detection.find(&model.forward(photo.clone())).unwrap().swap_remove(0);
    let target = Target::detection(detection);
    let map = Gradient::new().attribute_to(&model, photo, target).unwrap();
    assert!((map.scores[0] - found.score).abs() < 1e-6, "{} {found:?}", map.scores[0]);
    assert!(numbers(map.values).iter().any(|it| *it != 0.0));
}

#[test]
fn a_model_without_weights_is_on_the_device_that_was_asked_for() {
    let Some(cases) = support::nodes() else { return };
    let (_, model, _) = cases.cases().into_iter().find(|(name, ..)| name == "test_cos").unwrap();
    let model = saliency_onnx::OnnxFile::from_bytes(&model).unwrap().load(&Device::flex()).unwrap();
    assert_eq!(model.devices(), [Device::flex()]);
}
