//! Models of text with private fields, explained from their embeddings; and weights as inputs.

use burn::module::{Lora, Module, ModuleMapper, Param, ParamGroup};
use burn::nn::LinearConfig;
use burn::tensor::{Bool, Int, Tensor};
use saliency_core::{
    Baseline, Error, Explainer, Fixed, Gradient, InputTimesGradient, IntegratedGradients, ModelFn,
    Parallelism, Schedule, SmoothGrad, Target, embeddings, parameter,
};
use saliency_testkit::{
    assert_close, assert_error, device, on_every_device, relative_l1, schedule, values,
    with_fixed_weights,
};

use published::{CountsPadding, Normed, TextClassifier, Tied};

/// Networks as others publish them: their fields are private.
mod published {
    use burn::module::Module;
    use burn::nn::transformer::{
        TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
    };
    use burn::nn::{BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, Linear, LinearConfig};
    use burn::tensor::activation::{relu, softmax};
    use burn::tensor::{Bool, Device, Int, Tensor};
    use saliency_testkit::with_fixed_weights;

    /// Like the classifier of Burn's example `text-classification`: tokens and their positions are
    /// embedded, encoded, and classified by the first token.
    #[derive(Module, Debug)]
    pub struct TextClassifier {
        embedding_token: Embedding,
        embedding_position: Embedding,
        transformer: TransformerEncoder,
        output: Linear,
    }

    impl TextClassifier {
        pub fn new(device: &Device) -> Self {
            let encoder = TransformerEncoderConfig::new(8, 16, 2, 2);
            let net = Self {
                embedding_token: EmbeddingConfig::new(30, 8).init(device),
                embedding_position: EmbeddingConfig::new(12, 8).init(device),
                transformer: encoder.with_norm_first(true).init(device),
                output: LinearConfig::new(8, 3).init(device),
            };
            with_fixed_weights(net, 3)
        }

        /// Returns the probabilities of the classes.
        pub fn infer(&self, ids: Tensor<2, Int>, padding: Tensor<2, Bool>) -> Tensor<2> {
            self.infer_embedded(self.embedding_token.forward(ids), padding)
        }

        pub fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
            self.embedding_token.forward(ids)
        }

        /// Begins at the embedding, for comparison.
        pub fn infer_embedded(&self, words: Tensor<3>, padding: Tensor<2, Bool>) -> Tensor<2> {
            let [rows, tokens, width] = words.dims();
            let places = Tensor::<1, Int>::arange(0..tokens as i64, &words.device());
            let places = self.embedding_position.forward(places.unsqueeze());
            let input = (words + places.expand([rows, tokens, width])) / 2;
            let input = TransformerEncoderInput::new(input).mask_pad(padding);
            let first = self.transformer.forward(input).narrow(1, 0, 1).squeeze_dim::<2>(1);
            softmax(self.output.forward(first), 1)
        }
    }

    /// A network with BatchNorm, whose running statistics all clones share.
    #[derive(Module, Debug)]
    pub struct Normed {
        embedding: Embedding,
        norm: BatchNorm,
        output: Linear,
    }

    impl Normed {
        pub fn new(device: &Device) -> Self {
            let net = Self {
                embedding: EmbeddingConfig::new(10, 4).init(device),
                norm: BatchNormConfig::new(4).init(device),
                output: LinearConfig::new(4, 2).init(device),
            };
            with_fixed_weights(net, 4)
        }

        pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<2> {
            let words = self.embedding.forward(ids).swap_dims(1, 2);
            let mean = relu(self.norm.forward(words)).mean_dim(2).squeeze_dim(2);
            self.output.forward(mean)
        }

        pub fn statistics(&self) -> [Tensor<1>; 2] {
            [self.norm.running_mean.value(), self.norm.running_var.value()]
        }
    }

    /// A network that finds its padding, the id 0, by itself.
    #[derive(Module, Debug)]
    pub struct CountsPadding {
        embedding: Embedding,
        output: Linear,
    }

    impl CountsPadding {
        pub fn new(device: &Device) -> Self {
            let net = Self {
                embedding: EmbeddingConfig::new(10, 4).init(device),
                output: LinearConfig::new(4, 2).init(device),
            };
            with_fixed_weights(net, 5)
        }

        pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<2> {
            let padding = ids.clone().equal_elem(0).unsqueeze_dim::<3>(2);
            let words = self.embedding.forward(ids).tanh();
            let words = words.clone().mask_fill(padding.clone().expand(words.dims()), 0.0);
            let count = padding.bool_not().float().sum_dim(1);
            self.output.forward((words.sum_dim(1) / count).squeeze_dim(1))
        }
    }

    /// A language model that uses its embedding matrix at the output again.
    #[derive(Module, Debug)]
    pub struct Tied {
        embedding: Embedding,
    }

    impl Tied {
        pub fn new(device: &Device) -> Self {
            with_fixed_weights(Self { embedding: EmbeddingConfig::new(10, 4).init(device) }, 6)
        }

        pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<2> {
            let last = self.embedding.forward(ids).tanh().mean_dim(1).squeeze_dim::<2>(1);
            last.matmul(self.embedding.weight.val().transpose())
        }
    }
}

/// The path of the tokens' matrix in a `TextClassifier`.
const TOKENS: &str = "embedding_token.weight";

/// Two texts of three and of five tokens, the first with padding; and where the padding is.
fn texts(device: &burn::tensor::Device) -> (Tensor<2, Int>, Tensor<2, Bool>) {
    let ids = Tensor::<2, Int>::from_data([[3, 7, 1, 0, 0], [5, 2, 29, 4, 5]], device);
    let padding = ids.clone().equal_elem(0);
    (ids, padding)
}

#[test]
fn a_classifier_with_private_fields_is_explained_as_if_it_began_at_the_embedding() {
    on_every_device(|compute| {
        let device = compute.device();
        let net = TextClassifier::new(device);
        let (ids, padding) = texts(device);
        let words = embeddings(&net, TOKENS, ids.clone()).unwrap();
        let masked = Fixed(padding.clone());
        let model = words.model_with(&masked, |net, ids, padding| net.infer(ids, padding.0));
        let model = model.unwrap();
        let input = || (words.values(), masked.clone());
        let reference = ModelFn::new(
            net.clone(),
            |net: &TextClassifier, (words, padding): (Tensor<3>, Fixed<Tensor<2, Bool>>)| {
                net.infer_embedded(words, padding.0)
            },
        );
        assert_eq!(values(&words.values()), values(&net.embed(ids.clone())));

        let schedule = schedule(compute);
        let ig = IntegratedGradients::new().with_schedule(schedule.clone());
        let gradient = Gradient::new().with_schedule(schedule);
        let map = ig.attribute(&model, input()).unwrap();
        let infer = net.infer(ids, padding).max_dim(1);
        let scores: Vec<f32> = map.scores.iter().map(|score| *score as f32).collect();
        assert!(relative_l1(&scores, &values(&infer)) < 1e-6, "{scores:?} {infer}");
        let gaps = map.completeness_gap.unwrap();
        println!("gaps {gaps:?}");
        // The network has GELUs, whose derivative in Burn is an approximation on all backends but
        // Flex: docs/upstream.md.
        let allowed = if compute.backend().to_string() == "flex" { 1e-6 } else { 2e-5 };
        assert!(gaps.iter().all(|gap| gap.abs() < allowed), "{gaps:?}");
        // The first text ends in two tokens of padding.
        assert_eq!(values(&map.values.0.clone().slice([0..1, 3..5])), [0.0; 16]);

        let expected = ig.attribute(&reference, input()).unwrap();
        assert_close("IG", &map.values.0, &expected.values.0, 1e-6);
        let [found, expected] = [
            gradient.attribute(&model, input()).unwrap().values.0,
            gradient.attribute(&reference, input()).unwrap().values.0,
        ];
        assert_close("gradient", &found, &expected, 1e-6);
        assert_eq!(values(&found.slice([0..1, 3..5])), [0.0; 16]);
    });
}

#[test]
fn chunks_and_workers_give_the_same_bits_and_rows_are_explained_alone() {
    let device = device();
    let net = TextClassifier::new(&device);
    let (ids, padding) = texts(&device);
    let words = embeddings(&net, TOKENS, ids.repeat_dim(0, 3)).unwrap();
    let padding = Fixed(padding.repeat_dim(0, 3));
    let model = words.model_with(&padding, |net, ids, padding| net.infer(ids, padding.0)).unwrap();
    let explain = |workers, chunk| {
        let schedule =
            Schedule::new().with_parallelism(Parallelism::Workers(workers)).with_chunk(chunk);
        let ig = IntegratedGradients::new().with_steps(9).with_schedule(schedule.clone());
        let noisy = SmoothGrad::default().with_samples(5).with_schedule(schedule);
        let input = || (words.values(), padding.clone());
        let target = || Target::Class(1);
        let ig = ig.attribute_to(&model, input(), target()).unwrap().values.0;
        let noisy = noisy.attribute_to(&model, input(), target()).unwrap().values.0;
        [ig, noisy]
    };
    for chunk in [1, 4, 100] {
        let [one, three] = [explain(1, chunk), explain(3, chunk)];
        for (one, three) in one.iter().zip(&three) {
            assert_eq!(values(one), values(three), "chunks of {chunk}");
        }
        // The same two texts three times.
        let ig = &one[0];
        assert_close("row", &ig.clone().narrow(0, 4, 2), &ig.clone().narrow(0, 0, 2), 1e-5);
    }
}

#[test]
fn a_network_in_training_mode_gives_the_same_map_and_is_left_as_it_was() {
    let device = device();
    let ids = Tensor::<2, Int>::from_data([[3, 7, 1], [5, 2, 9]], &device);
    let explain = |net: &Normed| {
        let words = embeddings(net, "embedding.weight", ids.clone()).unwrap();
        let model = words.model(Normed::forward).unwrap();
        values(&IntegratedGradients::new().attribute(&model, words.values()).unwrap().values)
    };
    let training = Normed::new(&device.clone().autodiff());
    // As it is after a step of training: new statistics wait to be taken over.
    training.forward(ids.clone());
    let before = values(&training.statistics()[0]);
    let map = explain(&training);
    let after = training.statistics().map(|statistic| values(&statistic));
    assert_ne!(after[1], [1.0; 4], "the statistics of training");
    assert_eq!(map, explain(&training.valid()));
    assert_eq!(training.statistics().map(|statistic| values(&statistic)), after);
    println!("{before:?} {after:?}");
}

#[test]
fn a_running_statistic_is_refused_and_keeps_its_value() {
    let device = device();
    let net = Normed::new(&device);
    for path in ["norm.running_mean", "norm.running_var"] {
        let error = parameter(&net, path).unwrap_err();
        assert_error!(&error, Error::RunningStatistic { path: path });
        let ids = Tensor::<2, Int>::zeros([1, 2], &device);
        assert_eq!(embeddings(&net, path, ids).unwrap_err(), error);
    }
    let [mean, variance] = net.statistics();
    assert_eq!((values(&mean), values(&variance)), (vec![0.0; 4], vec![1.0; 4]));
    // A parameter of the same layer can be explained, and leaves the statistics as they are.
    let gamma = parameter(&net, "norm.gamma").unwrap();
    let ids = Tensor::<2, Int>::from_data([[3, 7, 1]], &device);
    let model = gamma.model(move |net| net.forward(ids.clone()));
    let map = IntegratedGradients::new().attribute(&model, gamma.values()).unwrap();
    assert_eq!(map.values.dims(), [1, 4]);
    let [mean, variance] = net.statistics();
    assert_eq!((values(&mean), values(&variance)), (vec![0.0; 4], vec![1.0; 4]));
}

#[test]
fn a_path_that_leads_nowhere_is_answered_with_the_nearest() {
    let net = TextClassifier::new(&device());
    let (ids, _) = texts(&device());
    let error = embeddings(&net, "embedding_tokens.weight", ids.clone()).unwrap_err();
    let Error::UnknownParameter { known, .. } = &error else { panic!("{error}") };
    assert_eq!(known[0], TOKENS);
    assert!(known.contains(&"transformer.layers.1.norm_1.gamma".to_owned()), "{known:?}");
    let said = error.to_string();
    assert!(
        said.starts_with(
            "the module has no float parameter `embedding_tokens.weight`; it has \
             `embedding_token.weight`, "
        ) && said.contains(" more."),
        "{said}"
    );
    assert_eq!(parameter(&net, "embedding_tokens.weight").unwrap_err(), error);
    let nothing = saliency_core::pure_function(|x: Tensor<2>| x);
    let error = parameter::<_>(&nothing, "weight").unwrap_err().to_string();
    assert!(error.contains("it has none"), "{error}");
    // A bias is no matrix.
    let error = embeddings(&net, "output.bias", ids).unwrap_err();
    assert_error!(error, Error::NotAMatrix { path: "output.bias", shape: vec![3] });
}

#[test]
fn ids_that_the_matrix_has_no_row_for_and_empty_texts_are_refused() {
    let device = device();
    let net = TextClassifier::new(&device);
    let explain = |ids: Tensor<2, Int>| embeddings(&net, TOKENS, ids).unwrap_err();
    let ids = |values: [[i64; 2]; 2]| Tensor::<2, Int>::from_data(values, &device);
    let error = explain(ids([[1, 2], [3, 30]]));
    assert_error!(&error, Error::UnknownId { row: 1, token: 1, id: 30, vocabulary: 30 });
    let said = "expected ids from 0 to 29, because the matrix of embeddings has 30 rows, found 30 \
                (token 1 of row 1): use the tokenizer of this network";
    assert_eq!(error.to_string(), said);
    assert_error!(explain(ids([[-1, 2], [3, 4]])), Error::UnknownId { row: 0, token: 0, id: -1 });
    for shape in [[0, 4], [2, 0]] {
        let error = explain(Tensor::zeros(shape, &device));
        assert_error!(error, Error::EmptyInput { tensor: 0, shape: shape.to_vec() });
    }
    // Other ids, for a baseline, are checked too.
    let words = embeddings(&net, TOKENS, ids([[1, 2], [3, 4]])).unwrap();
    let error = words.embed(ids([[99, 0], [0, 0]])).unwrap_err();
    assert_error!(error, Error::UnknownId { row: 0, token: 0, id: 99 });
    // One mask for two texts.
    let mask = Fixed(Tensor::<2, Bool>::from_data([[false, false]], &device));
    let model = words.model_with(&mask, |net, ids, mask| net.infer(ids, mask.0));
    assert_error!(model.unwrap_err(), Error::UnequalRows { tensor: 1, expected: 2, found: 1 });
}

#[test]
fn the_path_may_start_at_a_text_of_padding() {
    let device = device();
    let net = TextClassifier::new(&device);
    let (ids, padding) = texts(&device);
    let padding = Fixed(padding);
    let words = embeddings(&net, TOKENS, ids.clone()).unwrap();
    let model = words.model_with(&padding, |net, ids, padding| net.infer(ids, padding.0)).unwrap();
    // The first token is kept.
    let nothing = ids.clone().slice_assign([0..2, 1..5], Tensor::zeros([2, 4], &device));
    let nothing = Baseline::tensor(words.embed(nothing.clone()).unwrap());
    let baseline = Baseline::each([nothing, Baseline::zeros()]);
    let ig = IntegratedGradients::new().with_baseline(baseline);
    let map = ig.attribute(&model, (words.values(), padding)).unwrap();
    assert_eq!(values(&map.values.0.clone().narrow(1, 0, 1)), [0.0; 16], "no change, no share");
    assert!(map.completeness_gap.unwrap().iter().all(|gap| gap.abs() < 1e-5));
}

#[test]
fn a_network_that_finds_its_padding_in_the_ids_is_refused_until_it_is_told() {
    let device = device();
    let net = CountsPadding::new(&device);
    let (ids, padding) = texts(&device);
    let ids = ids.clone().mask_fill(ids.greater_elem(9), 9);
    let words = embeddings(&net, "embedding.weight", ids.clone()).unwrap();
    let error = words.model(CountsPadding::forward).unwrap_err();
    assert_error!(&error, Error::IdsMatter { path: "embedding.weight", row: 0 });
    assert!(error.to_string().contains("`embedding.weight` for something else too"), "{error}");

    let words = words.behind_vocabulary();
    // Not told, it takes padding for words.
    let error = words.model(CountsPadding::forward).unwrap_err();
    assert_error!(error, Error::IdsMatter { row: 0 });
    let padding = Fixed(padding);
    let told = |net: &CountsPadding, ids: Tensor<2, Int>, padding: Fixed<Tensor<2, Bool>>| {
        net.forward(ids.mask_fill(padding.0, 0))
    };
    let model = words.model_with(&padding, told).unwrap();
    let ig = IntegratedGradients::new();
    let map = ig.attribute(&model, (words.values(), padding)).unwrap();
    assert_eq!(values(&map.values.0.clone().slice([0..1, 3..5])), [0.0; 8]);
    let scores: Vec<f32> = map.scores.iter().map(|score| *score as f32).collect();
    assert_eq!(scores, values(&net.forward(ids.clone()).max_dim(1)));
    // The text alone, without padding, has the same map.
    let alone = embeddings(&net, "embedding.weight", ids.slice([0..1, 0..3])).unwrap();
    let alone = alone.behind_vocabulary();
    let model = alone.model(CountsPadding::forward).unwrap();
    let target = Target::Class(map.targets[0].unwrap());
    let short = ig.attribute_to(&model, alone.values(), target).unwrap();
    assert_close("alone", &short.values, &map.values.0.slice([0..1, 0..3]), 1e-5);
}

#[test]
fn a_language_model_with_its_matrix_at_the_output_too_keeps_its_vocabulary() {
    let device = device();
    let net = Tied::new(&device);
    let ids = Tensor::<2, Int>::from_data([[3, 7, 1], [5, 2, 9]], &device);
    let words = embeddings(&net, "embedding.weight", ids.clone()).unwrap();
    let error = words.model(Tied::forward).unwrap_err();
    assert!(error.to_string().contains("found 3 scores in place of 10 for row 0"), "{error}");
    let words = words.behind_vocabulary();
    let model = words.model(|net, ids| net.forward(ids).narrow(1, 0, 10)).unwrap();
    let map = IntegratedGradients::new().attribute(&model, words.values()).unwrap();
    let scores: Vec<f32> = map.scores.iter().map(|score| *score as f32).collect();
    assert_eq!(scores, values(&net.forward(ids).max_dim(1)));
    assert!(map.completeness_gap.unwrap().iter().all(|gap| gap.abs() < 1e-4));
}

#[test]
fn what_the_model_does_wrong_is_an_error_when_it_is_made() {
    let device = device();
    let net = Normed::new(&device);
    let ids = Tensor::<2, Int>::from_data([[3, 7, 1], [5, 2, 9]], &device);
    let words = embeddings(&net, "embedding.weight", ids).unwrap();
    let twice = words.model(|net, ids| net.forward(ids).repeat_dim(0, 2)).unwrap_err();
    assert_error!(twice, Error::OutputShape { rows: 1, found: [2, 2] });
    let nan = words.model(|net, ids| net.forward(ids).log() * f32::NAN).unwrap_err();
    assert_eq!(nan, Error::not_finite(saliency_core::Stage::Score, 0));
    let panics = words.model(|_, _| panic!("no mask")).unwrap_err();
    assert!(panics.to_string().contains("the model panicked on rows 0 to 0"), "{panics}");
}

#[test]
fn a_weight_is_an_input_like_any_other() {
    on_every_device(|compute| {
        let device = compute.device();
        let net = with_fixed_weights(LinearConfig::new(2, 3).init(device), 1);
        let x = Tensor::<2>::from_data([[2.0, -1.0]], device);
        let weight = parameter(&net, "weight").unwrap();
        assert_eq!(weight.shape(), [2, 3]);
        let input = x.clone();
        let model = weight.model(move |net| net.forward(input.clone()));
        let target = || Target::Class(1);
        // Score 1 is x times the second column, plus the bias.
        let gradient = Gradient::new().attribute_to(&model, weight.values(), target()).unwrap();
        assert_eq!(values(&gradient.values), [0.0, 2.0, 0.0, 0.0, -1.0, 0.0]);
        let product = (gradient.values * weight.values()).reshape([2, 3]);
        let times = InputTimesGradient::new();
        let times = times.attribute_to(&model, weight.values(), target()).unwrap();
        assert_close("input x gradient", &times.values.reshape([2, 3]), &product, 1e-6);
        let ig = IntegratedGradients::new().with_steps(3);
        let ig = ig.attribute_to(&model, weight.values(), target()).unwrap();
        assert_close("IG", &ig.values.reshape([2, 3]), &product, 1e-5);
        // Two inputs have no single score.
        let two = x.repeat_dim(0, 2);
        let model = weight.model(move |net| net.forward(two.clone()));
        let error = Gradient::new().attribute(&model, weight.values()).unwrap_err();
        assert_error!(error, Error::OutputShape { rows: 1, found: [2, 3] });
    });
}

/// Adds one to every matrix.
struct Raise;

impl ModuleMapper for Raise {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| if D == 2 { tensor + 1.0 } else { tensor })
    }
}

#[test]
fn adapters_are_merged_into_the_weights_that_they_adapt() {
    let device = device();
    let ids = Tensor::<2, Int>::from_data([[3, 7, 1], [5, 2, 9]], &device);
    let group = ParamGroup::from_paths(vec!["embedding.weight"]);
    let adapted = Normed::new(&device).apply_lora(Lora::new(2, 4.0).set_param_group(group));
    let adapted = adapted.map(&mut Raise).valid();
    let expected = adapted.forward(ids.clone());
    let words = embeddings(&adapted, "embedding.weight", ids).unwrap();
    let model = words.model(Normed::forward).unwrap();
    let map = IntegratedGradients::new().attribute(&model, words.values()).unwrap();
    let scores: Vec<f32> = map.scores.iter().map(|score| *score as f32).collect();
    assert!(relative_l1(&scores, &values(&expected.max_dim(1))) < 1e-6);
}
