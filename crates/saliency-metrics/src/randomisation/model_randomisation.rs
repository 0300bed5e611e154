//! Model parameter randomisation: does the map of a model with random parameters look the same?

use burn::module::Module;
use saliency_core::{Explainer, Inputs, Model, Target};

use super::layer_similarities::{LayerOrder, LayerSimilarities, LayerSimilarity};
use super::maps_of;
use super::parameters::{RandomParameters, Replacement, layers};
use super::similarity::similarities;
use crate::error::{Error, Result};
use crate::maps::{Signs, fixed_target};

/// Replaces the parameters of a model layer by layer by random ones, and compares the maps with
/// those of the model as it is.
///
/// For the model f, and f with random parameters in the first k layers of an order:
///
/// ```text
/// similarity(k) = Spearman's rank correlation of |φ(f)| and |φ(f random in k layers)|
/// ```
///
/// Small is good: a map that does not change can not show what the model has learned. An edge filter
/// of the input has 1 at every layer. [`dependence`](LayerSimilarities::dependence) says whether the
/// maps depend on the parameters. A small value alone proves nothing: random maps have 0, and maps
/// that are full of noise have less than they should ([`SmoothRandomisation`] averages the noise
/// away).
///
/// [`SmoothRandomisation`]: crate::SmoothRandomisation
///
/// Every model is explained for the class of the row that the model as it is predicts, or that was
/// asked for. The model is not changed. The rank correlation is that of Quantus 0.6.0 for the same
/// maps. Quantus puts new values of PyTorch's initialisation in place of the old ones; here they
/// have the strength of the old ones.
///
/// # Shapes
/// Any explainer, model and input.
///
/// # Defaults
/// - order: from the layer nearest to the output to the one nearest to the input, each in addition
///   to those before
/// - layers: all that [`layers`] lists
/// - replacement: normal numbers
/// - absolute values
/// - seed: 0
///
/// # Cost
/// An attribution for each layer, and one for the model as it is. For a deep network, name modules
/// that hold several layers.
///
/// # Errors
/// [`Error::Layer`], and those of the explainer. A row has no value in a step whose map has equal
/// values only, as if the random model ignores its input.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor, activation::relu};
/// use saliency_core::{Gradient, Model, Target};
/// use saliency_metrics::ModelRandomisation;
///
/// #[derive(Module, Debug)]
/// struct Net {
///     hidden: Linear,
///     output: Linear,
/// }
///
/// impl Model<Tensor<2>> for Net {
///     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
///         self.output.forward(relu(self.hidden.forward(x)))
///     }
/// }
///
/// let device = Device::flex();
/// let (hidden, output) = (LinearConfig::new(6, 16), LinearConfig::new(16, 3));
/// let net = Net { hidden: hidden.init(&device), output: output.init(&device) };
/// let x = Tensor::<2>::ones([4, 6], &device);
/// let test = ModelRandomisation::new();
/// let found = test.values(&Gradient::new(), &net, x, Target::Predicted)?;
/// assert_eq!(found.steps[0].layer, "output");
/// println!("{}", found.sentence());
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// J. Adebayo et al., "Sanity Checks for Saliency Maps", 2018.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRandomisation {
    order: LayerOrder,
    layers: Option<Vec<String>>,
    replacement: Replacement,
    signs: Signs,
    seed: u64,
}

impl Default for ModelRandomisation {
    fn default() -> Self {
        Self {
            order: LayerOrder::default(),
            layers: None,
            replacement: Replacement::default(),
            signs: Signs::Dropped,
            seed: 0,
        }
    }
}

impl ModelRandomisation {
    /// Tests with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces layers in another order.
    #[must_use]
    pub fn with_order(mut self, order: LayerOrder) -> Self {
        self.order = order;
        self
    }

    /// Replaces these layers only, named from the input to the output. The name of a module stands
    /// for all layers in it that are not named themselves.
    #[must_use]
    pub fn with_layers(mut self, layers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.layers = Some(layers.into_iter().map(Into::into).collect());
        self
    }

    /// Replaces parameters by other values.
    #[must_use]
    pub fn with_replacement(mut self, replacement: Replacement) -> Self {
        self.replacement = replacement;
        self
    }

    /// Compares maps with their signs.
    #[must_use]
    pub fn with_signs(mut self) -> Self {
        self.signs = Signs::Kept;
        self
    }

    /// Draws parameters from another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the similarity of each row in each step.
    ///
    /// # Errors
    /// See [`ModelRandomisation`].
    pub fn values<M: Model<I>, I: Inputs>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<LayerSimilarities> {
        let target = fixed_target(model, input.clone(), target)?;
        self.values_of(model, |model| maps_of(explainer, model, input.clone(), target.clone()))
    }

    /// Returns the similarity of each row in each step, of maps that a function makes of a model:
    /// one map for each row, which may have any number of values.
    ///
    /// # Errors
    /// [`Error::Layer`], [`Error::MapUnits`] if maps of random models have other shapes, and those
    /// of the function.
    pub fn values_of<M: Module>(
        &self,
        model: &M,
        maps: impl Fn(&M) -> Result<Vec<Vec<f64>>>,
    ) -> Result<LayerSimilarities> {
        let layers = self.layers_of(model)?;
        let random =
            RandomParameters { layers: &layers, replacement: self.replacement, seed: self.seed };
        let last = layers.len() - 1;
        let before = maps(model)?;
        let step = |step: usize| {
            let layer = if self.order == LayerOrder::TopDown { last - step } else { step };
            let model = random.put_into(model, |at| match self.order {
                LayerOrder::TopDown => at >= layer,
                LayerOrder::BottomUp => at <= layer,
                LayerOrder::Independent => at == layer,
            })?;
            let similarity = similarities(&before, &maps(&model)?, self.signs)?;
            Ok(LayerSimilarity { layer: layers[layer].clone(), similarity })
        };
        let steps = (0..layers.len()).map(step).collect::<Result<_>>()?;
        Ok(LayerSimilarities { order: self.order, steps })
    }

    /// Returns the layers to replace, from the input to the output.
    fn layers_of<M: Module>(&self, model: &M) -> Result<Vec<String>> {
        let known = layers(model);
        let wanted = self.layers.clone().unwrap_or_else(|| known.clone());
        let holds = |module: &str| {
            let inside = |layer: &String| {
                layer.strip_prefix(module).is_some_and(|it| it.is_empty() || it.starts_with('.'))
            };
            known.iter().any(inside)
        };
        let wrong = wanted.iter().find(|layer| !holds(layer)).cloned();
        match wrong.or_else(|| wanted.is_empty().then(|| "none".to_owned())) {
            Some(found) => Err(Error::Layer { known, found }),
            None => Ok(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge_filter::EdgeFilter;
    use crate::fixtures::{Net, photos};
    use crate::randomisation::Dependence;
    use saliency_core::{Gradient, InputTimesGradient, pure_function};

    const ORDERS: [LayerOrder; 3] =
        [LayerOrder::TopDown, LayerOrder::BottomUp, LayerOrder::Independent];

    #[test]
    fn an_edge_filter_is_flagged_at_every_layer_and_gradients_are_not() {
        let (net, photos) = (Net::random(0), photos(8));
        for order in ORDERS {
            for replacement in [Replacement::Normal, Replacement::Permuted] {
                let test =
                    ModelRandomisation::new().with_order(order).with_replacement(replacement);
                let edges =
                    test.values(&EdgeFilter::new(), &net, photos.clone(), Target::Predicted);
                let edges = edges.unwrap();
                assert_eq!(edges.steps.len(), 3);
                let one = |step: &LayerSimilarity| step.similarity.values() == [Some(1.0); 8];
                assert!(edges.steps.iter().all(one), "{edges:?}");
                assert_eq!(edges.dependence(), Dependence::DoesNotDepend);
                let gradient =
                    test.values(&Gradient::new(), &net, photos.clone(), Target::Predicted);
                let gradient = gradient.unwrap();
                assert_eq!(gradient.dependence(), Dependence::Depends, "{gradient:?}");
            }
        }
    }

    #[test]
    fn layers_come_in_the_order_that_is_asked_for() {
        let (net, photos) = (Net::random(0), photos(1));
        let layers = |test: ModelRandomisation| -> Vec<String> {
            let found = test.values(&Gradient::new(), &net, photos.clone(), Target::Class(0));
            found.unwrap().steps.into_iter().map(|step| step.layer).collect()
        };
        let all = ["first", "second", "output"];
        for order in ORDERS {
            let mut expected = all;
            if order == LayerOrder::TopDown {
                expected.reverse();
            }
            assert_eq!(layers(ModelRandomisation::new().with_order(order)), expected);
        }
        assert_eq!(layers(ModelRandomisation::new().with_layers(["second"])), ["second"]);
    }

    #[test]
    fn steps_add_up_to_the_same_random_model() {
        let (net, photos) = (Net::random(0), photos(3));
        let last = |order| {
            let test = ModelRandomisation::new().with_order(order).with_seed(4).with_signs();
            let explainer = InputTimesGradient::new();
            let found = test.values(&explainer, &net, photos.clone(), Target::Predicted).unwrap();
            found.steps.last().unwrap().similarity.clone()
        };
        let found = last(LayerOrder::TopDown);
        assert_eq!(found, last(LayerOrder::BottomUp));
        assert_ne!(found, last(LayerOrder::Independent));
    }

    #[test]
    fn a_function_makes_maps_and_its_shapes_are_checked() {
        let net = Net::random(0);
        let calls = std::cell::Cell::new(0);
        let maps = |_: &Net| {
            calls.set(calls.get() + 1);
            Ok(vec![vec![1.0, -2.0, 3.0 / f64::from(calls.get()), 0.0]])
        };
        let found = ModelRandomisation::new().values_of(&net, maps).unwrap();
        // 3 / 2 and less are below 2: two neighbours have changed places. 3 / 3 is like 1.
        let value = |step: usize| found.steps[step].similarity.values()[0].unwrap();
        assert!((value(0) - 0.8).abs() < 1e-12, "{}", value(0));
        assert!(value(1) < 0.8);
        assert_eq!(calls.get(), 4);
        let changing = |_: &Net| {
            calls.set(calls.get() + 1);
            Ok(vec![vec![1.0, 2.0]; calls.get() as usize])
        };
        let error = ModelRandomisation::new().values_of(&net, changing).unwrap_err();
        assert!(matches!(error, Error::MapUnits { rows: 5, units: 2, .. }), "{error}");
    }

    #[test]
    fn layers_that_do_not_exist_are_refused() {
        let (net, photos) = (Net::random(0), photos(1));
        let run = |test: ModelRandomisation| {
            let found = test.values(&Gradient::new(), &net, photos.clone(), Target::Class(0));
            found.unwrap_err().to_string()
        };
        let known =
            r#"expected a layer of the model, one of ["first", "second", "output"], found "#;
        assert_eq!(run(ModelRandomisation::new().with_layers(["fir"])), format!("{known}fir"));
        let none: [&str; 0] = [];
        assert_eq!(run(ModelRandomisation::new().with_layers(none)), format!("{known}none"));
        let function = pure_function(|x: burn::tensor::Tensor<4>| x.sum_dim(3).flatten(1, 3));
        let found = ModelRandomisation::new().values_of(&function, |_| Ok(Vec::new()));
        assert_eq!(found.unwrap_err(), Error::Layer { known: vec![], found: "none".to_owned() });
    }
}
