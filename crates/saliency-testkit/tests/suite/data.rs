//! Data that are not pictures, targets that are not logits, and layers inside a network.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::activation::{log_softmax, relu, softmax};
use burn::tensor::{Bool, Device, Int, Tensor};
use saliency_core::{
    Baseline, Cut, Error, ExpectedGradients, Explainer, Fixed, Gradient, InputTimesGradient,
    IntegratedGradients, Model, ModelFn, NoiseScale, Schedule, Score, SmoothGrad, Split, Target,
};
use saliency_models::{EfficientNetLite0, LastConvolution};
use saliency_testkit::{Golden, assert_close, assert_error, device, values, with_fixed_weights};

/// A classifier of token sequences: the mean of a layer's output for each embedding.
#[derive(Module, Debug)]
struct Sentiment {
    embedding: Embedding,
    hidden: Linear,
    output: Linear,
}

impl Sentiment {
    fn new(device: &Device) -> Self {
        let net = Self {
            embedding: EmbeddingConfig::new(20, 6).init(device),
            hidden: LinearConfig::new(6, 8).init(device),
            output: LinearConfig::new(8, 2).init(device),
        };
        with_fixed_weights(net, 11)
    }
}

/// The embeddings `[rows, tokens, values]`, and which tokens are padding.
type Embedded = (Tensor<3>, Fixed<Tensor<2, Bool>>);

impl Model<Embedded> for Sentiment {
    fn forward(&self, (embedded, padding): Embedded) -> Tensor<2> {
        let hidden = relu(self.hidden.forward(embedded));
        let padding = padding.0.unsqueeze_dim::<3>(2);
        let tokens = padding.clone().bool_not().float().sum_dim(1);
        let hidden = hidden.clone().mask_fill(padding.expand(hidden.dims()), 0.0);
        let mean = hidden.sum_dim(1) / tokens;
        self.output.forward(mean.squeeze_dim(1))
    }
}

#[test]
fn tokens_are_explained_from_their_embeddings() {
    let device = device();
    let net = Sentiment::new(&device);
    // Two sentences, of three and of five tokens.
    let tokens = Tensor::<2, Int>::from_data([[3, 7, 1, 0, 0], [5, 2, 9, 4, 8]], &device);
    let padding = tokens.clone().equal_elem(0);
    let embedded = net.embedding.forward(tokens);
    let input = || (embedded.clone(), Fixed(padding.clone()));

    for (name, explainer) in [
        ("IG", Box::new(IntegratedGradients::new()) as Box<dyn Explainer<Sentiment, Embedded>>),
        ("IG to a tolerance", Box::new(IntegratedGradients::new().with_tolerance(0.02))),
        ("gradient", Box::new(Gradient::new())),
        ("SmoothGrad", Box::new(SmoothGrad::default().with_samples(10))),
        ("chunks", Box::new(Gradient::new().with_schedule(Schedule::new().with_chunk(1)))),
    ] {
        let map = explainer.attribute(&net, input()).unwrap();
        let per_token = map.values.0.clone().sum_dim(2).reshape([2, 5]);
        let per_token = values(&per_token);
        assert_eq!(per_token[3..5], [0.0, 0.0], "{name}: padding says nothing");
        assert!(per_token[..3].iter().chain(&per_token[5..]).all(|value| *value != 0.0), "{name}");
        assert_eq!(values(&map.values.1.0.float()), [0.0; 10], "{name}: the mask is not explained");
        if let Some(gaps) = &map.completeness_gap {
            let total: f32 = per_token[..5].iter().sum();
            let change = map.scores[0] - map.baseline_scores.as_ref().unwrap()[0];
            assert!((f64::from(total) - change - gaps[0]).abs() < 1e-5);
            assert!(gaps[0].abs() < 0.05 * change.abs(), "{name}: {gaps:?}");
        }
    }

    // Each row as it is alone, without its padding.
    let ig = IntegratedGradients::new();
    let both = ig.attribute_to(&net, input(), Target::Class(1)).unwrap();
    let short = embedded.clone().slice([0..1, 0..3]);
    let no_padding = Fixed(padding.clone().slice([0..1, 0..3]));
    let alone = ig.attribute_to(&net, (short, no_padding), Target::Class(1)).unwrap();
    assert_close("alone", &alone.values.0, &both.values.0.slice([0..1, 0..3]), 1e-5);

    // A baseline given for the mask is not used.
    let baseline = Baseline::each([Baseline::zeros(), Baseline::constant(1.0)]);
    let map = ig.with_baseline(baseline).attribute(&net, input()).unwrap();
    assert!(values(&map.values.0).iter().all(|value| value.is_finite()));
    let shap = ExpectedGradients::new((embedded.zeros_like(), Fixed(padding.clone())));
    let map = shap.attribute(&net, input()).unwrap();
    assert_eq!(values(&map.values.1.0.float()), [0.0; 10]);
    assert!(map.completeness_gap.is_none(), "each row has a mask of its own");
}

#[test]
fn fixed_inputs_reach_the_model_unchanged() {
    let device = device();
    let ids = Tensor::<2, Int>::from_data([[3, 70_000], [5, -2]], &device);
    let flags = Tensor::<1, Bool>::from_data([true, false], &device);
    let weights = Tensor::<3>::from_data([[[0.1]], [[-0.7]]], &device);
    let (seen_ids, seen_flags, seen) = (ids.clone(), flags.clone(), weights.clone());
    type In = (Tensor<1>, Fixed<Tensor<2, Int>>, Fixed<Tensor<1, Bool>>, Fixed<Tensor<3>>);
    let model = saliency_core::pure_function(move |(x, ids, flags, weights): In| {
        // Any rows in any order come with the right rows of the other tensors.
        let row: Vec<i64> = flags.0.clone().bool_not().int().into_data().iter().collect();
        let row = Tensor::<1, Int>::from_data(&row[..], &ids.0.device());
        assert!(ids.0.equal(seen_ids.clone().select(0, row.clone())).all().into_scalar::<bool>());
        assert!(
            flags.0.equal(seen_flags.clone().select(0, row.clone())).all().into_scalar::<bool>()
        );
        assert!(weights.0.equal(seen.clone().select(0, row)).all().into_scalar::<bool>());
        x.clone().reshape([-1, 1]) * x.reshape([-1, 1])
    });
    let x = Tensor::<1>::from_data([1.0, 2.0], &device);
    let input = || (x.clone(), Fixed(ids.clone()), Fixed(flags.clone()), Fixed(weights.clone()));
    for chunk in [1, 2, 3, 100] {
        let schedule = || Schedule::new().with_chunk(chunk);
        let map = IntegratedGradients::new().with_schedule(schedule());
        map.attribute(&model, input()).unwrap();
        let noisy = SmoothGrad::default().with_noise(NoiseScale::Absolute(9.0));
        noisy.with_schedule(schedule()).attribute(&model, input()).unwrap();
    }
}

#[test]
fn rows_of_a_table_are_explained() {
    let device = device();
    let net = with_fixed_weights(LinearConfig::new(4, 3).init(&device), 5);
    let model = ModelFn::new(net.clone(), |net: &Linear, x: Tensor<2>| net.forward(x));
    let x = Tensor::<2>::from_data([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], &device);
    let map = IntegratedGradients::new().attribute_to(&model, x.clone(), Target::Class(2)).unwrap();
    let weights = net.weight.val().slice([0..4, 2..3]).reshape([1, 4]);
    assert_close("weight times value", &map.values, &(x * weights), 1e-5);
}

#[test]
fn series_are_explained() {
    let device = device();
    let net = with_fixed_weights(Conv1dConfig::new(2, 3, 5).init(&device), 6);
    let model = ModelFn::new(net, |net: &Conv1d, x: Tensor<3>| {
        relu(net.forward(x)).mean_dim(2).squeeze_dim(2)
    });
    let wave: Vec<f32> = (0..80).map(|t| (t as f32 * 0.3).sin()).collect();
    let x = Tensor::<1>::from_data(&wave[..], &device).reshape([1, 2, 40]);
    let map = IntegratedGradients::new().with_tolerance(0.01).attribute(&model, x).unwrap();
    assert_eq!(map.values.dims(), [1, 2, 40]);
    let change = map.scores[0] - map.baseline_scores.unwrap()[0];
    assert!(map.completeness_gap.unwrap()[0].abs() < 0.02 * change.abs());
}

#[test]
fn segmentation_regression_and_several_outputs_go_through_an_adaptor() {
    let device = device();
    let input = Tensor::<4>::ones([2, 1, 6, 6], &device);
    let net = with_fixed_weights(Conv2dConfig::new([1, 3], [3, 3]).init(&device), 7);
    // Segmentation: the class's score over all pixels, or at one of them.
    let everywhere = ModelFn::new(net.clone(), |net: &Conv2d, x: Tensor<4>| {
        net.forward(x).sum_dims(&[2, 3]).flatten(1, 3)
    });
    let map = Gradient::new().attribute(&everywhere, input.clone()).unwrap();
    assert!(values(&map.values).iter().all(|value| *value != 0.0));
    let one_pixel = ModelFn::new(net.clone(), |net: &Conv2d, x: Tensor<4>| {
        net.forward(x).slice([0..9, 0..3, 1..2, 1..2]).flatten(1, 3)
    });
    let map = Gradient::new().attribute(&one_pixel, input.clone()).unwrap();
    let near = values(&map.values).iter().filter(|value| **value != 0.0).count();
    assert_eq!(near, 2 * 9, "only what the pixel sees");
    // Regression: a single number per row.
    let height = ModelFn::new(net.clone(), |net: &Conv2d, x: Tensor<4>| {
        net.forward(x).flatten::<2>(1, 3).mean_dim(1)
    });
    let map = Gradient::new().attribute(&height, input.clone()).unwrap();
    assert_eq!((map.targets, map.scores.len()), (vec![Some(0); 2], 2));
    // Several outputs: all scores side by side.
    let both = ModelFn::new(net, |net: &Conv2d, x: Tensor<4>| {
        let y = net.forward(x).flatten::<2>(1, 3);
        Tensor::cat(vec![y.clone().max_dim(1), y.min_dim(1)], 1)
    });
    let map = Gradient::new().attribute_to(&both, input, Target::Class(1)).unwrap();
    assert_eq!(map.targets, [Some(1); 2]);
}

#[test]
fn logits_log_probabilities_probabilities_and_differences() {
    let device = device();
    let model = saliency_core::pure_function(|x: Tensor<2>| x * 2.0);
    let x = Tensor::<2>::from_data([[0.3, -0.4, 1.0], [2.0, 0.1, 0.0]], &device);
    let explain = |target: Target| Gradient::new().attribute_to(&model, x.clone(), target).unwrap();
    let p = softmax(x.clone() * 2.0, 1);
    let one = Tensor::<2>::from_data([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], &device);
    let predicted = |score| explain(Target::Predicted.with_score(score));

    let output = predicted(Score::Output);
    assert_close("output", &output.values, &(one.clone() * 2.0), 1e-6);
    let log = predicted(Score::LogProbability);
    assert_close("log", &log.values, &((one.clone() - p.clone()) * 2.0), 1e-5);
    let score = log_softmax(x.clone() * 2.0, 1).max_dim(1);
    let close = |a: &[f64], b: Vec<f32>| {
        assert!(a.iter().zip(b).all(|(a, b)| (a - f64::from(b)).abs() < 1e-6), "{a:?}");
    };
    close(&log.scores, values(&score));
    let probability = predicted(Score::Probability);
    let own = p.clone().max_dim(1);
    let slope = (one - p.clone()) * own.clone() * 2.0;
    assert_close("probability", &probability.values, &slope, 1e-5);
    close(&probability.scores, values(&own));
    assert_eq!(probability.targets, [Some(2), Some(0)]);

    let difference = explain(Target::Difference(0, 2));
    let expected = Tensor::<2>::from_data([[2.0, 0.0, -2.0]; 2], &device);
    assert_close("difference", &difference.values, &expected, 1e-6);
    assert_eq!(difference.targets, [Some(0); 2]);
    close(&difference.scores, vec![-1.4, 4.0]);
    // A difference of log-probabilities is that of logits.
    let same = explain(Target::Difference(0, 2).with_score(Score::LogProbability));
    assert_close("same", &same.values, &expected, 1e-5);
    // The last call counts.
    let last = Target::Class(0).with_score(Score::Probability).with_score(Score::Output);
    assert_close("last", &explain(last).values, &explain(Target::Class(0)).values, 1e-6);
    // Row by row, in chunks, resolved once.
    let chunks = Gradient::new().with_schedule(Schedule::new().with_chunk(1));
    let each = chunks
        .attribute_to(&model, x.clone(), Target::Predicted.with_score(Score::Probability))
        .unwrap();
    assert_eq!(
        (values(&each.values), each.targets),
        (values(&probability.values), probability.targets)
    );
    // Completeness holds for a probability as for a logit.
    let ig = IntegratedGradients::new()
        .attribute_to(&model, x.clone(), Target::Class(2).with_score(Score::Probability))
        .unwrap();
    close(&ig.baseline_scores.unwrap(), vec![1.0 / 3.0; 2]);
    assert!(ig.completeness_gap.unwrap().iter().all(|gap| gap.abs() < 1e-5));
}

/// A network with two points at which it can be cut; at the first, a short cut crosses as well.
#[derive(Module, Debug)]
struct Layered {
    first: Linear,
    second: Linear,
    output: Linear,
}

struct First;
struct Second;

impl Layered {
    fn new(device: &Device) -> Self {
        let layer = || LinearConfig::new(5, 5).init(device);
        let output = LinearConfig::new(5, 3).init(device);
        with_fixed_weights(Self { first: layer(), second: layer(), output }, 8)
    }
}

impl Model<Tensor<2>> for Layered {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        Cut::<_, First>::after(self, Cut::<_, First>::before(self, input))
    }
}

impl Cut<Tensor<2>, First> for Layered {
    type Activation = (Tensor<2>, Tensor<2>);

    fn before(&self, input: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        (relu(self.first.forward(input.clone())), input)
    }

    fn after(&self, (hidden, short): (Tensor<2>, Tensor<2>)) -> Tensor<2> {
        Cut::<Tensor<2>, Second>::after(self, relu(self.second.forward(hidden)) + short)
    }
}

impl Cut<Tensor<2>, Second> for Layered {
    type Activation = Tensor<2>;

    fn before(&self, input: Tensor<2>) -> Tensor<2> {
        let (hidden, short) = Cut::<_, First>::before(self, input);
        relu(self.second.forward(hidden)) + short
    }

    fn after(&self, activation: Tensor<2>) -> Tensor<2> {
        self.output.forward(activation)
    }
}

#[test]
fn at_a_layer_the_activation_is_explained_as_an_input_is() {
    let device = device();
    let net = Layered::new(&device);
    let x = Tensor::<2>::from_data([[1.0, -0.5, 2.0, 0.3, 0.0]; 2], &device);
    // Behind the second point the network is linear.
    let split = Split::at(&net, Second);
    let (activation, rest) =
        (split.activation(x.clone(), &Schedule::new()).unwrap(), split.after());
    let whole = Gradient::new().attribute(&net, x.clone()).unwrap();
    let class = whole.targets[0].unwrap();
    let weights = net.output.weight.val().slice([0..5, class..class + 1]).reshape([1, 5]);
    let weights = weights.repeat_dim(0, 2);
    let gradient = Gradient::new().attribute(rest, activation.clone()).unwrap();
    assert_close("gradient", &gradient.values, &weights, 1e-6);
    assert_eq!((&gradient.scores, &gradient.targets), (&whole.scores, &whole.targets));
    let product = activation.clone() * weights;
    let times = InputTimesGradient::new().attribute(rest, activation.clone()).unwrap();
    assert_close("input x gradient", &times.values, &product, 1e-6);
    let ig = IntegratedGradients::new().attribute(rest, activation).unwrap();
    assert_close("IG", &ig.values, &product, 1e-5);

    // From the activation of a baseline of the input the change of score is the network's own.
    let split = Split::at(&net, First);
    let (activation, rest) =
        (split.activation(x.clone(), &Schedule::new()).unwrap(), split.after());
    let nothing = split.before(x.zeros_like());
    let ig = IntegratedGradients::new();
    let at_layer = ig.clone().with_baseline(Baseline::tensor(nothing));
    let at_layer = at_layer.attribute(rest, activation).unwrap();
    let whole = ig.attribute(&net, x).unwrap();
    let difference = |map: &[f64], base: &[f64]| map[0] - base[0];
    let (a, b) = (
        difference(&at_layer.scores, &at_layer.baseline_scores.unwrap()),
        difference(&whole.scores, &whole.baseline_scores.unwrap()),
    );
    assert!((a - b).abs() < 1e-5, "{a} {b}");
}

#[test]
fn a_network_in_training_mode_is_cut_in_inference_mode() {
    let device = device();
    let trained = Layered::new(&device.clone().autodiff());
    let x = Tensor::<2>::ones([1, 5], &device);
    let split = Split::at(&trained, Second);
    let activation = split.activation(x.clone().autodiff(), &Schedule::new()).unwrap();
    let rest = split.after();
    assert!(!activation.is_autodiff());
    let map = Gradient::new().attribute(rest, activation).unwrap();
    let whole = Gradient::new().attribute(&trained, x).unwrap();
    assert_eq!(map.scores, whole.scores);
}

#[test]
fn the_embedded_network_is_cut_where_the_original_is() {
    let device = device();
    let net = EfficientNetLite0::embedded(&device);
    let input = Golden::lite0_coffee().tensor("input", &device);
    let split = Split::at(&net, LastConvolution);
    let activation = split.activation(input.clone(), &Schedule::new()).unwrap();
    let rest = split.after();
    assert_eq!(activation.dims(), [1, 1280, 7, 7]);
    let same = rest.forward(activation);
    assert_eq!(values(&same), values(&net.forward(input)));
}

/// Drops the last row, or the last value of later batches.
#[derive(Module, Debug, Default)]
struct Careless;

struct Rows;
struct Shape;

impl Model<Tensor<2>> for Careless {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        input
    }
}

impl Cut<Tensor<2>, Rows> for Careless {
    type Activation = Tensor<2>;

    fn before(&self, input: Tensor<2>) -> Tensor<2> {
        let rows = input.dims()[0];
        input.narrow(0, 0, rows - 1)
    }

    fn after(&self, activation: Tensor<2>) -> Tensor<2> {
        activation
    }
}

impl Cut<Tensor<2>, Shape> for Careless {
    type Activation = Tensor<2>;

    /// Returns an activation as wide as the first value says.
    fn before(&self, input: Tensor<2>) -> Tensor<2> {
        let width = input.clone().narrow(0, 0, 1).narrow(1, 0, 1).into_scalar::<f32>() as usize;
        input.narrow(1, 0, width)
    }

    fn after(&self, activation: Tensor<2>) -> Tensor<2> {
        activation
    }
}

#[test]
fn activations_that_do_not_fit_are_refused() {
    let x = Tensor::<2>::ones([3, 4], &device());
    let error = Split::at(&Careless, Rows).activation(x, &Schedule::new()).unwrap_err();
    let (expected, found) = (vec![vec![3, 4]], vec![vec![2, 4]]);
    assert_error!(error, Error::Activation { expected, found });
    // Two photos' worth of values: a chunk for each.
    let wide = Tensor::<2>::from_data([[1.0], [2.0]], &device()).repeat_dim(1, 65_536);
    let error = Split::at(&Careless, Shape).activation(wide, &Schedule::new()).unwrap_err();
    let (expected, found) = (vec![vec![1, 1]], vec![vec![1, 2]]);
    assert_error!(error, Error::Activation { expected, found });
}

#[test]
fn rows_that_are_not_those_of_the_input_are_refused() {
    let model = saliency_core::pure_function(|x: Tensor<2>| x);
    let x = Tensor::<2>::ones([3, 1], &device());
    let rows = saliency_core::Rows::all(2);
    assert_eq!((rows.of(), rows.total()), (&[0, 1][..], 2));
    for explainer in [
        Box::new(IntegratedGradients::new()) as Box<dyn Explainer<_, _>>,
        Box::new(SmoothGrad::default()),
        Box::new(ExpectedGradients::new(x.clone())),
    ] {
        let error = explainer.attribute_rows(&model, x.clone(), Target::Class(0), &rows);
        assert_error!(error.unwrap_err(), Error::UnequalRows { tensor: 0, expected: 2, found: 3 });
    }
}
