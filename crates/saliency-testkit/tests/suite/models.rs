//! Kinds and states of models.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use saliency_core::methods::Family;
use saliency_core::{
    Attribution, Baseline, Error, Explainer, Gradient, InputTimesGradient, IntegratedGradients,
    Method, MethodOptions, Model, ModelFn, NoiseScale, Result, Rule, Schedule, Score, SmoothGrad,
    Target, Warning, pure_function,
};
use saliency_testkit::{Noisy, assert_close, device, values};

type Explainers<M, I> = Vec<Box<dyn Explainer<M, I>>>;

/// Returns every method, with its quickest options.
fn every_method<M: Model<Tensor<4>>>() -> Explainers<M, Tensor<4>> {
    let options = MethodOptions::new().with_baseline_sampler(|_| Baseline::zeros());
    let options = options.with_steps(5).with_samples(3);
    let mut all: Explainers<_, _> =
        Method::fitting(&[1, 2, 6, 6]).map(|method| method.explainer(&options)).collect();
    let ig = IntegratedGradients::new();
    all.push(Box::new(ig.clone().with_tolerance(0.5).with_max_gradients(10)));
    all.push(Box::new(ig.with_steps(3).with_rule(Rule::Placed)));
    all
}

#[test]
fn a_network_in_training_mode_is_explained_as_in_inference_mode() {
    let plain = device();
    let trained = Noisy::trained(&plain.clone().autodiff());
    let before = trained.statistics();
    assert!(before[..4].iter().all(|mean| *mean != 0.0), "statistics were learned: {before:?}");
    let inference = trained.valid();
    let input = Noisy::batch(3, &plain);
    for explainer in every_method::<Noisy>() {
        let expected = explainer.attribute(&inference, input.clone()).unwrap();
        assert!(values(&expected.values).iter().any(|value| *value != 0.0));
        for (network, input) in [
            (&trained, input.clone()),
            (&trained, input.clone().autodiff()),
            (&trained, input.clone().autodiff().require_grad()),
            (&inference, input.clone().autodiff()),
        ] {
            let found = explainer.attribute(network, input).unwrap();
            assert_eq!(values(&found.values), values(&expected.values));
            assert_eq!(found.scores, expected.scores);
            assert!(!found.values.is_autodiff(), "values are off the tape");
        }
    }
    assert_eq!(trained.statistics(), before, "running statistics are untouched");

    // A network that was only loaded: on a plain device, but set to training.
    let loaded = Noisy::loaded(&plain);
    let statistics = loaded.statistics();
    let expected = loaded.valid();
    for explainer in every_method::<Noisy>() {
        let expected = explainer.attribute(&expected, input.clone()).unwrap();
        for input in [input.clone(), input.clone().autodiff()] {
            let found = explainer.attribute(&loaded, input).unwrap();
            assert_eq!(values(&found.values), values(&expected.values));
        }
    }
    assert_eq!(loaded.statistics(), statistics);
    let careless = loaded.forward(input.clone().autodiff()).inner();
    assert_ne!(values(&careless), values(&expected.forward(input.clone())));

    // Without `valid()` the very same call goes wrong: the test would notice.
    let careless = trained.forward(input.clone().autodiff()).inner();
    assert_ne!(values(&careless), values(&inference.forward(input)));
}

#[test]
fn a_fresh_network_is_explained_twice_the_same() {
    // Burn draws random weights when they are first used.
    let net: Linear = LinearConfig::new(6, 3).init(&device());
    let model = ModelFn::new(net, |net: &Linear, x: Tensor<2>| net.forward(x));
    let x = Tensor::<2>::ones([2, 6], &device());
    let explain = || values(&Gradient::new().attribute(&model, x.clone()).unwrap().values);
    assert_eq!(explain(), explain());
}

#[test]
fn a_module_that_is_not_a_model_is_explained_through_a_function_of_it() {
    let linear = LinearConfig::new(3, 2).with_bias(false).init(&device());
    let weights = values(&linear.weight.val());
    let doubled = ModelFn::new(linear, |net: &Linear, (x, factor): (Tensor<2>, Tensor<2>)| {
        net.forward(x) * factor
    });
    let input = (Tensor::<2>::ones([1, 3], &device()), Tensor::<2>::full([1, 1], 2.0, &device()));
    let map = Gradient::new().attribute_to(&doubled, input, Target::Class(1)).unwrap();
    let expected: Vec<f32> = weights.iter().skip(1).step_by(2).map(|weight| weight * 2.0).collect();
    assert_eq!(values(&map.values.0), expected);
    assert!((values(&map.values.1)[0] - expected.iter().sum::<f32>() / 2.0).abs() < 1e-6);
}

/// A network that pools its pixels by attention, and explains itself by that attention.
#[derive(Module, Debug)]
struct Attentive {
    attention: Param<Tensor<2>>,
}

impl Attentive {
    fn weights(&self) -> Tensor<2> {
        burn::tensor::activation::softmax(self.attention.val(), 1)
    }
}

impl Model<Tensor<2>> for Attentive {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        (input * self.weights()).sum_dim(1)
    }
}

impl Explainer<Self, Tensor<2>> for Attentive {
    fn attribute_to(
        &self,
        model: &Self,
        input: Tensor<2>,
        target: Target,
    ) -> Result<Attribution<Tensor<2>>> {
        let output = model.valid().forward(input.clone());
        let target = target.resolve(&output)?;
        let targets = target.classes(output.dims()[0]);
        let scores = target.score(output)?.into_data().iter().collect();
        let values = self.weights().inner() * input;
        Ok(Attribution::new(values, scores, targets))
    }

    /// Returns the attention alone, whatever is predicted; not the default.
    fn attribute(&self, model: &Self, input: Tensor<2>) -> Result<Attribution<Tensor<2>>> {
        let mut map = self.attribute_to(model, input, Target::Class(0))?;
        map.targets.fill(None);
        Ok(map)
    }
}

#[test]
fn a_model_that_explains_itself_works_wherever_an_explainer_does() {
    let attention = Param::from_tensor(Tensor::from_data([[0.0, 2.0, -1.0]], &device()));
    let net = Attentive { attention };
    let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0], [0.0, -1.0, 5.0]], &device());
    let own = net.attribute(&net, x.clone()).unwrap();

    let explainers: Explainers<Attentive, Tensor<2>> = vec![
        Box::new(net.clone()),
        Box::new(InputTimesGradient::new()),
        Box::new(SmoothGrad::new(net.clone()).with_noise(NoiseScale::Absolute(0.0))),
        Box::new(
            SmoothGrad::new(Box::new(net.clone()) as Box<dyn Explainer<_, _>>).with_samples(1),
        ),
    ];
    for (index, explainer) in explainers.iter().enumerate() {
        let map = explainer.attribute(&net, x.clone()).unwrap();
        assert_eq!(map.values.dims(), [2, 3]);
        assert_eq!(map.scores, own.scores);
        if index < 3 {
            assert_close(&format!("explainer {index}"), &map.values, &own.values, 1e-6);
        }
    }
    // A box or a reference explains as its content does, its own `attribute` included.
    assert_eq!(own.targets, [None; 2]);
    assert_eq!(explainers[0].attribute(&net, x.clone()).unwrap().targets, [None; 2]);
    let reference: &dyn Explainer<_, _> = &net;
    assert_eq!((&reference).attribute(&net, x.clone()).unwrap().targets, [None; 2]);

    // By reference, too: the network need not be cloned into the wrapper.
    let around = SmoothGrad::new(&net).with_samples(2);
    assert!(around.attribute(&net, x).is_ok());
}

#[test]
fn inputs_may_have_any_rank() {
    fn check<const D: usize>(shape: [usize; D]) {
        let model = saliency_core::pure_function(move |x: Tensor<D>| {
            let rows = x.dims()[0];
            x.powi_scalar(2).reshape([rows as i32, -1]).sum_dim(1)
        });
        let x = Tensor::<D>::full(shape, 3.0, &device());
        let map = IntegratedGradients::new().with_steps(2).attribute(&model, x).unwrap();
        assert_eq!(map.values.dims(), shape);
        assert!(values(&map.values).iter().all(|value| (value - 9.0).abs() < 1e-5));
    }
    check([3]);
    check([3, 2]);
    check([3, 1, 2]);
    check([2, 2, 3, 2]);
    check([2, 1, 2, 1, 2]);
    check([1, 2, 1, 2, 1, 2]);
}

#[test]
fn the_same_call_gives_the_same_bits() {
    let net = Noisy::trained(&device().autodiff());
    let input = Noisy::batch(4, &device());
    for explainer in every_method::<Noisy>() {
        let run = || values(&explainer.attribute(&net, input.clone()).unwrap().values);
        assert_eq!(run(), run());
    }
}

#[test]
fn outputs_that_are_probabilities_are_noticed() {
    let logits = |x: Tensor<2>| Tensor::cat(vec![x.clone() * 2.0, x.clone() * -1.0, x * 0.5], 1);
    let model = pure_function(move |x: Tensor<2>| softmax(logits(x), 1));
    let x = || Tensor::<2>::from_data([[0.7], [-0.3]], &device());
    let about_model = Warning::outputs_are_probabilities(0);
    for method in Method::fitting(&[1, 2]) {
        let options = MethodOptions::new().with_baseline_sampler(|_| Baseline::zeros());
        let explainer = method.explainer::<_, Tensor<2>>(&options);
        let map = explainer.attribute(&model, x()).unwrap();
        let said = map.warnings.iter().filter(|warning| **warning == about_model).count();
        assert_eq!(said, 1, "{method}: {:?}", map.warnings);
        for score in [Score::Probability, Score::LogProbability] {
            let target = Target::Class(0).with_score(score);
            let error = explainer.attribute_to(&model, x(), target).unwrap_err();
            assert_eq!(error, Error::Probabilities, "{method}");
        }
    }
    assert!(about_model.to_string().contains("without the softmax"));
    assert!(Error::Probabilities.to_string().contains("`Score::LogOutput`"));
    // The logarithm of given probabilities is that of the softmax of the logits.
    let with_logits = pure_function(logits);
    let ask = |model: &dyn Fn(Target) -> Attribution<Tensor<2>>, score| {
        let map = model(Target::Class(0).with_score(score));
        (values(&map.values), map.warnings)
    };
    let found =
        ask(&|target| Gradient::new().attribute_to(&model, x(), target).unwrap(), Score::LogOutput);
    let right = ask(
        &|target| Gradient::new().attribute_to(&with_logits, x(), target).unwrap(),
        Score::LogProbability,
    );
    assert!(found.0.iter().zip(&right.0).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {right:?}");
    assert_eq!((found.1, right.1), (vec![], vec![]));
}

#[test]
fn rows_that_influence_each_other_are_noticed() {
    // The scores depend on the mean over the batch, as with batch statistics left on.
    let mixed = pure_function(|x: Tensor<2>| {
        let mean = x.clone().mean_dim(0);
        (x - mean).powi_scalar(2).sum_dim(1)
    });
    let own = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
    let x = || Tensor::<2>::from_data([[1.0, 2.0], [-1.0, 0.5], [0.3, 3.0]], &device());
    let said = Warning::rows_influence_each_other(0);
    let path = IntegratedGradients::new;
    assert!(path().attribute(&mixed, x()).unwrap().warnings.contains(&said));
    let smooth = SmoothGrad::default().attribute(&mixed, x()).unwrap();
    assert_eq!(smooth.warnings.iter().filter(|warning| **warning == said).count(), 1);
    assert!(!path().attribute(&own, x()).unwrap().warnings.contains(&said));
    let unchecked = path().with_schedule(Schedule::new().without_row_check());
    assert!(!unchecked.attribute(&mixed, x()).unwrap().warnings.contains(&said));
    // A row alone, and rows that the model is given one at a time, cannot be mixed.
    let alone = path().attribute(&mixed, x().narrow(0, 0, 1)).unwrap();
    assert!(!alone.warnings.contains(&said));
    let singly = path().with_schedule(Schedule::new().with_chunk(1));
    assert!(!singly.attribute(&mixed, x()).unwrap().warnings.contains(&said));
}

#[test]
fn a_model_that_takes_one_row_is_given_one_at_a_time() {
    let model = pure_function(|x: Tensor<2>| {
        assert_eq!(x.dims()[0], 1, "a batch of one");
        x.powi_scalar(2).sum_dim(1)
    });
    let free = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
    let x = || Tensor::<2>::from_data([[1.0, 2.0], [-1.0, 0.5], [0.3, 3.0]], &device());
    let said = Warning::one_row_at_a_time(0);
    for method in Method::fitting(&[1, 2]) {
        let options = MethodOptions::new().with_baseline_sampler(|_| Baseline::zeros());
        let map = method.explainer::<_, Tensor<2>>(&options).attribute(&model, x()).unwrap();
        let right = method.explainer::<_, Tensor<2>>(&options).attribute(&free, x()).unwrap();
        let pairs = values(&map.values).into_iter().zip(values(&right.values));
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()), "{method}");
        let count = map.warnings.iter().filter(|warning| **warning == said).count();
        assert_eq!(count, 1, "{method}: {:?}", map.warnings);
    }
}

#[test]
fn a_branch_that_returns_a_constant_has_gradient_zero() {
    // Below a sum of 1 the score is a constant that autodiff knows nothing of.
    let model = pure_function(|x: Tensor<2>| {
        let sum = x.clone().sum().into_scalar::<f32>();
        if sum > 1.0 { x.sum_dim(1) - 1.0 } else { Tensor::zeros([x.dims()[0], 1], &x.device()) }
    });
    let x = || Tensor::<2>::from_data([[1.0, 1.0]], &device());
    let path = IntegratedGradients::new().with_rule(Rule::Midpoint);
    // One point at a time, because the branch looks at the whole batch.
    let path = path.with_schedule(Schedule::new().with_chunk(1));
    let found = values(&path.attribute(&model, x()).unwrap().values);
    assert!(found.iter().all(|value| (value - 0.5).abs() < 1e-6), "{found:?}");
    let smooth = SmoothGrad::default().with_noise(NoiseScale::Absolute(0.5));
    let found = smooth.attribute(&model, x()).unwrap();
    assert!(values(&found.values).iter().all(|value| *value > 0.5 && *value <= 1.0));
    // A model that never depends on its input is still refused.
    let constant = pure_function(|x: Tensor<2>| Tensor::ones([x.dims()[0], 1], &x.device()));
    for method in Method::fitting(&[1, 2]) {
        let options = MethodOptions::new().with_baseline_sampler(|_| Baseline::zeros());
        let found = method.explainer::<_, Tensor<2>>(&options).attribute(&constant, x());
        match method.family() {
            // They ask for no gradient; to cover anything has no effect.
            Family::Perturbation => assert_eq!(values(&found.unwrap().values), [0.0, 0.0]),
            _ => assert_eq!(found.unwrap_err(), Error::Independent, "{method}"),
        }
    }
}

#[test]
fn masked_classes_may_be_minus_infinity() {
    let model = pure_function(|x: Tensor<2>| {
        let masked = Tensor::full([x.dims()[0], 1], f32::NEG_INFINITY, &x.device());
        Tensor::cat(vec![masked, x.clone() * 2.0, x], 1)
    });
    let x = Tensor::<2>::from_data([[1.0], [-1.0]], &device());
    let map = Gradient::new().attribute(&model, x.clone()).unwrap();
    assert_eq!(map.targets, [Some(1), Some(2)]);
    assert_eq!(values(&map.values), [2.0, 1.0]);
    let all = pure_function(|x: Tensor<2>| x * f32::NEG_INFINITY);
    let error = Gradient::new().attribute(&all, x).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
}
