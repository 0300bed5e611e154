//! DeepLIFT: differences from a baseline, passed back through the network.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Result, Stage};
use crate::execution::evaluator::Evaluator;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::explainer::Explainer;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::model::function::ModelFn;
use crate::model::model::Model;
use crate::model::target::Target;
use crate::rules::{Ruled, Rules};
use crate::warning::Warning;

/// The difference of score between input and baseline, passed back through the network layer by
/// layer: every unit passes its difference from the baseline on to the units before it.
///
/// ```text
/// A(x) = (x - x') · m,   with the slope (f(x) - f(x')) / (x - x') instead of f'(x) in each unit
/// ```
///
/// The values sum to `f(x) - f(x')` (completeness), exactly up to rounding, if the whole forward
/// pass is written with [`rules`](crate::rules). The
/// [`completeness_gap`](Attribution::completeness_gap) shows whether it is. There is no error
/// estimate, because nothing is approximated.
///
/// # Shapes and units
/// Values have the input's shape. Their unit is that of the score, and they have signs.
///
/// # Which models
/// Those that are [`Ruled`]. Nothing is registered at layers, so that a layer may be used twice, and
/// sums, skip connections and functions without a module of their own work.
///
/// # How it differs from Captum's `DeepLift`
/// For networks of linear layers, convolutions, ReLU-like functions and max-pools both give the same
/// values. They differ in these points:
/// - softmax: Captum subtracts the mean of all slopes in the batch, so that a row depends on its
///   neighbours. Here the differences are exact ([`rules::softmax`](crate::rules::softmax))
/// - products and normalisations: Captum takes the plain gradient. Here they are complete
/// - a max-pool directly behind a ReLU: Captum's rule for the pool is lost, because both hooks are on
///   one tensor, and the plain gradient is left. It is complete only if the baseline's pixels are all
///   alike; then both give the same values. Here every max-pool is complete
///   ([`rules::max_pool2d`](crate::rules::max_pool2d))
/// - a value of a max-pool that equals its baseline: Captum gives it the gradient of the first row
///   of the batch. Here it gets its own
/// - if an input of a unit nearly equals its baseline, the derivative is taken instead of the slope.
///   Captum's limit is 1e-10. Here it is relative: 2⁻¹⁵ in single precision, 2⁻³⁵ in double
///
/// # Parameters and defaults
/// - baseline: zeros
///
/// # Cost
/// One gradient of twice as many rows, and a forward pass of the baselines.
///
/// # Errors
/// Those of [`Explainer::attribute_to`];
/// [`Error::BaselineShape`](crate::Error::BaselineShape) and
/// [`Error::BaselineCount`](crate::Error::BaselineCount) for a baseline that does not fit.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::activation::relu;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::rules::{self, Ruled, Rules};
/// use saliency_core::{DeepLift, Explainer, Model};
///
/// #[derive(Module, Debug)]
/// struct Net {
///     hidden: Linear,
///     output: Linear,
///     #[module(skip)]
///     rules: Rules,
/// }
///
/// impl Model<Tensor<2>> for Net {
///     fn forward(&self, input: Tensor<2>) -> Tensor<2> {
///         self.output.forward(rules::activation(self.hidden.forward(input), relu, self.rules))
///     }
/// }
///
/// impl Ruled for Net {
///     fn with_rules(&self, rules: Rules) -> Self {
///         Self { rules, ..self.clone() }
///     }
/// }
///
/// let device = Device::flex();
/// let net = Net {
///     hidden: LinearConfig::new(4, 16).init(&device),
///     output: LinearConfig::new(16, 3).init(&device),
///     rules: Rules::Plain,
/// };
/// let map = DeepLift::new().attribute(&net, Tensor::ones([1, 4], &device))?;
/// assert!(map.completeness_gap.unwrap()[0].abs() < 1e-5);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Shrikumar, Greenside and Kundaje, *Learning Important Features Through Propagating Activation
/// Differences*, 2017, <https://arxiv.org/abs/1704.02685> (the rescale rule); its form as a modified
/// gradient: Ancona, Ceolini, Öztireli and Gross, 2018, <https://arxiv.org/abs/1711.06104>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeepLift {
    baseline: Baseline,
    schedule: Schedule,
}

impl DeepLift {
    /// Returns DeepLIFT with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the input from which differences are taken.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets chunks, workers and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption).
    pub fn check(&self) -> Result<()> {
        self.schedule.check()
    }

    fn attribute_with<M: Model<I> + Ruled, I: Inputs>(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: Option<&Rows>,
    ) -> Result<Attribution<I>> {
        self.check()?;
        let question = Question::new(model, input, target, rows)?;
        let Question { evaluator, input, target, rows } = &question;
        let baseline = self.baseline.like(input, rows)?;

        // A row and its baseline are one row of the paired model, so that chunks keep them together.
        let paired = ModelFn::new(model.with_rules(Rules::Rescale), paired_scores::<M, I>);
        let pairs = pairs(input, &baseline);
        let mut of_pairs = Evaluator::new::<_, Pair<I>>(&paired, &pairs, target)?;
        of_pairs.is_inside = evaluator.is_inside;
        let found = of_pairs.gradients(&self.schedule, &pairs, target)?;
        let baseline_scores = evaluator
            .scores(&self.schedule, &baseline, &found.scored.target)
            .map_err(|error| error.with_stage(Stage::Score, Stage::BaselineScore))?;

        let slopes = first_half(found.gradients).widened();
        let differences = input.widened().zip(&baseline.widened(), |x, start| x - start);
        let values = differences.zip(&slopes, |difference, slope| difference * slope);
        let values = values.without_fixed();
        values.check_finite(Stage::Attribution)?;

        let mut attribution = Attribution::of(values, found.scored).with_evaluations(1);
        let sizes = differences.without_fixed().map(Tensor::abs).row_sums()?;
        let same = sizes.iter().enumerate().filter(|(_, size)| **size == 0.0);
        let same = same.map(|(row, _)| Warning::BaselineIsInput { row });
        attribution.warnings.splice(0..0, same);
        let attribution = attribution.with_shares(rows, None)?;
        Ok(attribution.with_baseline(baseline_scores)?.into_inputs())
    }
}

impl<M: Model<I> + Ruled, I: Inputs> Explainer<M, I> for DeepLift {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        self.attribute_with(model, input, target, None)
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        self.attribute_with(model, input, target, Some(rows))
    }
}

/// Puts the tensors of the baseline behind those of the input, as constants.
fn pairs(input: &Batch, baseline: &Batch) -> Batch {
    let constant = vec![true; input.fixed.len()];
    Batch {
        parts: [input.parts.clone(), baseline.parts.clone()].concat(),
        shapes: [input.shapes.clone(), baseline.shapes.clone()].concat(),
        fixed: [input.fixed.clone(), constant].concat(),
    }
}

/// Returns the tensors of the input.
fn first_half(mut pairs: Batch) -> Batch {
    let tensors = pairs.parts.len() / 2;
    pairs.parts.truncate(tensors);
    pairs.shapes.truncate(tensors);
    pairs.fixed.truncate(tensors);
    pairs
}

/// An input with its baseline.
#[derive(Clone)]
struct Pair<I>(I, I);

impl<I: Inputs> Inputs for Pair<I> {
    fn shapes(&self) -> Vec<Vec<usize>> {
        [self.0.shapes(), self.1.shapes()].concat()
    }

    fn into_rows(self) -> Vec<Tensor<2>> {
        [self.0.into_rows(), self.1.into_rows()].concat()
    }

    fn from_rows(rows: &mut dyn Iterator<Item = (Tensor<2>, &[usize])>) -> Self {
        let input = I::from_rows(rows);
        Self(input, I::from_rows(rows))
    }

    fn fixed(&self) -> Vec<bool> {
        let constant = vec![true; self.1.fixed().len()];
        [self.0.fixed(), constant].concat()
    }
}

/// Scores rows, with their baselines behind them.
fn paired_scores<M: Model<I>, I: Inputs>(model: &M, Pair(input, baseline): Pair<I>) -> Tensor<2> {
    let shapes = input.shapes();
    let rows = shapes[0][0];
    let stacked = input.into_rows().into_iter().zip(baseline.into_rows()).map(|(x, start)| {
        let start = if x.is_autodiff() { start.autodiff() } else { start };
        Tensor::cat(vec![x, start], 0)
    });
    let both = I::from_rows(&mut stacked.zip(shapes.iter().map(Vec::as_slice)));
    let scores = model.forward(both);
    // A wrong number of scores is reported by the evaluator.
    if scores.dims()[0] == 2 * rows { scores.narrow(0, 0, rows) } else { scores }
}
