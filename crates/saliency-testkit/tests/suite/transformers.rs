//! Transformers: LibraGrad, LeGrad and attention rollout against PyTorch, by `golden/libra.py`.

use burn::tensor::{DType, Device, Int, Tensor};
use saliency_core::methods::{GradCam, HiResCam};
use saliency_core::rules::{Ruled, Rules};
use saliency_core::{
    AttentionMaps, DeepLift, Error, Explainer, Fixed, InputTimesGradient, KeepSign, LeGrad, Libra,
    Model, Parallelism, Schedule, Split, attention_rollout, place_map,
};
use saliency_models::{
    AfterBlock, StoredTensor, TextEncoder, TextSize, VisionTransformer, VitSize, Weights,
};
use saliency_testkit::{Golden, assert_close, device, on_every_device, schedule, values};

const VIT: VitSize = VitSize { picture: 12, patch: 4, width: 12, heads: 3, layers: 2, classes: 5 };
const TEXT: TextSize =
    TextSize { vocabulary: 30, positions: 8, width: 12, heads: 3, layers: 2, classes: 5 };

/// Returns the numbers of the recipe.
fn numbers(name: &str, count: usize) -> Vec<f64> {
    let byte = |seed: u32, byte: u8| (seed ^ u32::from(byte)).wrapping_mul(16_777_619);
    let seed = name.bytes().fold(2_166_136_261, byte);
    let number = |at: usize| {
        let mut bits = seed.wrapping_add((at as u32).wrapping_mul(2_654_435_761));
        bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
        bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
        f64::from(bits ^ (bits >> 16)) / f64::from(1u32 << 31) - 1.0
    };
    (0..count).map(number).collect()
}

fn add(weights: &mut Weights, name: &str, shape: &[usize]) {
    let drawn = numbers(name, shape.iter().product());
    let is_constant = name.contains("embeddings") || name.contains("token") || name == "pos_embed";
    let inputs: usize = shape[1..].iter().product();
    let scaled = |number: f64| match () {
        () if name.ends_with("bias") => 0.3 * number,
        () if name.to_lowercase().contains("norm") => 1.0 + 0.3 * number,
        () if shape.len() > 1 && !is_constant => number * 2.0 / (inputs as f64).sqrt(),
        () => number,
    };
    let values = drawn.into_iter().map(scaled).collect();
    weights.insert(name, StoredTensor { shape: shape.to_vec(), values });
}

/// Adds a linear layer; a normalisation has no inputs.
fn layer(weights: &mut Weights, name: &str, outputs: usize, inputs: &[usize]) {
    add(weights, &format!("{name}.weight"), &[&[outputs], inputs].concat());
    add(weights, &format!("{name}.bias"), &[outputs]);
}

fn vit(device: &Device, precision: DType) -> VisionTransformer {
    let (mut weights, width) = (Weights::default(), VIT.width);
    layer(&mut weights, "patch_embed.proj", width, &[3, VIT.patch, VIT.patch]);
    add(&mut weights, "cls_token", &[1, 1, width]);
    add(&mut weights, "pos_embed", &[1, VIT.tokens(), width]);
    for block in 0..VIT.layers {
        let name = |part: &str| format!("blocks.{block}.{part}");
        layer(&mut weights, &name("norm1"), width, &[]);
        layer(&mut weights, &name("norm2"), width, &[]);
        layer(&mut weights, &name("attn.qkv"), 3 * width, &[width]);
        layer(&mut weights, &name("attn.proj"), width, &[width]);
        layer(&mut weights, &name("mlp.fc1"), 4 * width, &[width]);
        layer(&mut weights, &name("mlp.fc2"), width, &[4 * width]);
    }
    layer(&mut weights, "norm", width, &[]);
    layer(&mut weights, "head", VIT.classes, &[width]);
    VisionTransformer::from_weights(weights, &VIT, device, precision).unwrap()
}

fn text(device: &Device, precision: DType) -> TextEncoder {
    let (mut weights, width) = (Weights::default(), TEXT.width);
    let of = |part: &str| format!("bert.embeddings.{part}");
    add(&mut weights, &of("word_embeddings.weight"), &[TEXT.vocabulary, width]);
    add(&mut weights, &of("position_embeddings.weight"), &[TEXT.positions, width]);
    add(&mut weights, &of("token_type_embeddings.weight"), &[2, width]);
    layer(&mut weights, &of("LayerNorm"), width, &[]);
    for block in 0..TEXT.layers {
        let name = |part: &str| format!("bert.encoder.layer.{block}.{part}");
        for part in ["query", "key", "value"] {
            layer(&mut weights, &name(&format!("attention.self.{part}")), width, &[width]);
        }
        layer(&mut weights, &name("attention.output.dense"), width, &[width]);
        layer(&mut weights, &name("attention.output.LayerNorm"), width, &[]);
        layer(&mut weights, &name("intermediate.dense"), 4 * width, &[width]);
        layer(&mut weights, &name("output.dense"), width, &[4 * width]);
        layer(&mut weights, &name("output.LayerNorm"), width, &[]);
    }
    layer(&mut weights, "bert.pooler.dense", width, &[width]);
    layer(&mut weights, "classifier", TEXT.classes, &[width]);
    TextEncoder::from_weights(weights, &TEXT, device, precision).unwrap()
}

fn picture(device: &Device, precision: DType) -> Tensor<4> {
    let side = VIT.picture;
    let values = numbers("picture", 2 * 3 * side * side);
    Tensor::<1>::from_data(&values[..], (device, precision)).reshape([2, 3, side, side])
}

fn ids(device: &Device) -> Tensor<2, Int> {
    Tensor::from_data([[2, 17, 5, 29, 11], [2, 8, 23, 0, 0]], device)
}

/// Compares a tensor with a golden one.
#[track_caller]
fn check<const D: usize>(name: &str, found: Tensor<D>, close: f32) {
    let expected = Golden::libra().tensor::<D>(name, &found.device());
    assert_close(name, &found.cast(DType::F32), &expected, close);
}

#[test]
fn libra_on_a_vision_transformer_equals_the_authors_rules_in_pytorch() {
    let device = device();
    let (net, picture) = (vit(&device, DType::F64), picture(&device, DType::F64));
    check("vit.logits", net.forward(picture.clone()), 1e-6);
    let libra = Libra::new().attribute(&net, picture.clone()).unwrap();
    check("vit.libra", libra.values, 1e-5);
    let plain = InputTimesGradient::new().attribute(&net, picture).unwrap();
    check("vit.plain", plain.values, 1e-5);
}

#[test]
fn libra_on_a_text_encoder_equals_the_authors_rules_in_pytorch() {
    let device = device();
    let net = text(&device, DType::F64);
    let input = (net.words(ids(&device)), Fixed(ids(&device).equal_elem(0)));
    check("text.logits", net.forward(input.clone()), 1e-6);
    let libra = Libra::new().attribute(&net, input.clone()).unwrap();
    check("text.libra", libra.values.0, 1e-5);
    let plain = InputTimesGradient::new().attribute(&net, input).unwrap();
    check("text.plain", plain.values.0, 1e-5);
}

#[test]
fn attention_maps_le_grad_and_rollout_equal_pytorch() {
    let device = device();
    let (net, picture) = (vit(&device, DType::F64), picture(&device, DType::F64));
    let attention = net.attention(picture.clone());
    check("vit.attention", attention.clone(), 1e-6);
    check("vit.rollout", attention_rollout(attention).unwrap(), 1e-6);
    let map = LeGrad::new().attribute(&net, picture.clone()).unwrap();
    check("vit.le_grad", map.values, 1e-5);
    let plain = InputTimesGradient::new().attribute(&net, picture).unwrap();
    assert_eq!(map.targets, plain.targets);
}

#[test]
fn cams_of_the_patches_that_enter_the_last_block_equal_grad_cam() {
    let device = device();
    let (net, picture) = (vit(&device, DType::F64), picture(&device, DType::F64));
    let split = Split::at(&net, AfterBlock::<0>);
    let activation = split.before(picture.clone());
    let scores = split.after().forward(activation.clone());
    check("vit.logits", scores, 1e-6);
    let side = VIT.picture / VIT.patch;
    let place = |values| place_map(values, &[side, side], KeepSign::Positive).unwrap();
    let map = GradCam::new().attribute(split.after(), activation.clone()).unwrap();
    check("vit.grad_cam", place(map.values.0), 1e-5);
    let map = HiResCam::new().attribute(split.after(), activation).unwrap();
    check("vit.hi_res_cam", place(map.values.0), 1e-5);
}

#[test]
fn the_patches_behind_the_last_block_have_no_effect() {
    let device = device();
    let net = vit(&device, DType::F64);
    let split = Split::at(&net, AfterBlock::<1>);
    let activation = split.before(picture(&device, DType::F64));
    let map = GradCam::new().attribute(split.after(), activation).unwrap();
    assert!(values(&map.values.0).iter().all(|value| *value == 0.0));
}

#[test]
fn transformers_are_explained_on_every_device_in_single_precision() {
    on_every_device(|compute| {
        let device = compute.device();
        let (net, picture) = (vit(device, DType::F32), picture(device, DType::F32));
        let schedule = schedule(compute);
        let libra = Libra::new().with_schedule(schedule.clone());
        check("vit.libra", libra.attribute(&net, picture.clone()).unwrap().values, 1e-3);
        let le_grad = LeGrad::new().with_schedule(schedule);
        check("vit.le_grad", le_grad.attribute(&net, picture.clone()).unwrap().values, 1e-3);
        check("vit.rollout", attention_rollout(net.attention(picture)).unwrap(), 1e-4);
    });
}

#[test]
fn deep_lift_is_complete_for_transformers() {
    let device = device();
    let net = vit(&device, DType::F64);
    let map = DeepLift::new().attribute(&net, picture(&device, DType::F64)).unwrap();
    for gap in map.completeness_gap.unwrap() {
        assert!(gap.abs() < 1e-10, "{gap:e}");
    }
    let net = text(&device, DType::F64);
    let input = (net.words(ids(&device)), Fixed(ids(&device).equal_elem(0)));
    let map = DeepLift::new().attribute(&net, input).unwrap();
    for gap in map.completeness_gap.unwrap() {
        assert!(gap.abs() < 1e-9, "{gap:e}");
    }
}

#[test]
fn scores_of_transformers_are_the_same_under_all_rules() {
    let device = device();
    let net = vit(&device, DType::F32);
    let picture = picture(&device, DType::F32);
    for picture in [picture.clone(), picture.autodiff().require_grad()] {
        let scores = |rules: Rules| values(&net.with_rules(rules).forward(picture.clone()).inner());
        let expected = scores(Rules::Plain);
        assert_eq!(scores(Rules::Libra), expected);
        assert_eq!(scores(Rules::Rescale), expected);
    }
}

#[test]
fn workers_and_neighbours_do_not_change_a_bit_of_le_grad() {
    let device = device();
    let (net, picture) = (vit(&device, DType::F32), picture(&device, DType::F32));
    let explain = |picture: Tensor<4>, chunk: usize, workers: usize| {
        let schedule = Schedule::new().with_chunk(chunk);
        let schedule = schedule.with_parallelism(Parallelism::Workers(workers));
        let explainer = LeGrad::new().with_schedule(schedule);
        values(&explainer.attribute(&net, picture).unwrap().values)
    };
    let expected = explain(picture.clone(), 1, 1);
    for (chunk, workers) in [(1, 2), (1, 7), (2, 1)] {
        assert_eq!(explain(picture.clone(), chunk, workers), expected);
    }
    let tokens = VIT.tokens();
    assert_eq!(explain(picture.narrow(0, 1, 1), 1, 1), expected[tokens..]);
}

#[test]
fn weights_that_are_missing_are_named() {
    let error = VisionTransformer::from_weights(
        Weights::default(),
        &VitSize::default(),
        &device(),
        DType::F32,
    );
    assert!(error.unwrap_err().to_string().contains("blocks.0.attn.qkv.weight"));
}

#[test]
fn an_empty_picture_is_refused() {
    let device = device();
    let error =
        LeGrad::new().attribute(&vit(&device, DType::F32), Tensor::zeros([0, 3, 12, 12], &device));
    assert!(matches!(error.unwrap_err(), Error::EmptyInput { .. }));
}
