//! Sequential Integrated Gradients: each token has a path of its own.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::evaluator::Scored;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::{Progress, Schedule};
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::methods::path::integration::Integration;
use crate::path::contribution::Product;
use crate::path::integral::{Integrals, PathIntegral};
use crate::path::quadrature::Rule;
use crate::path::score_change::ScoreChange;
use crate::path::shape::StraightPath;
use crate::share::Tolerance;

/// Integrated Gradients for each token alone: its path starts at the input with only this token
/// replaced.
///
/// ```text
///                          1
/// A_t(x) = (x_t - x'_t) ·  ∫  ∂f/∂x_t (.., x_{t-1}, x'_t + α (x_t - x'_t), x_{t+1}, ..) dα
///                          0
/// ```
///
/// Integrated Gradients asks a model of text about sentences whose words are all half erased. Here
/// all other words are there. The values of token t sum to `f(x) - f(x with t replaced)`: the change
/// of score if this token is replaced. They do **not** sum to `f(x) - f(x')` over all tokens, so that
/// there is no [`completeness_gap`](Attribution::completeness_gap).
///
/// A token is an entry of axis 1: of embeddings `[rows, tokens, width]`, of series
/// `[rows, times, channels]`, and of tables `[rows, features]`.
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - steps: 50 points on the path of each token, or as many as a tolerance needs
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`]
/// - tolerance: none. With one, the path of each token gets points until its own values are known to
///   this relative error, and the row [converged](Attribution::converged) if the map did.
/// - at most 1,000 gradients per token, if there is a tolerance
/// - baseline: zeros. For text, use the embedding of a padding or mask token.
///
/// # Error estimate
/// The sum of the estimated errors of the tokens.
///
/// # Cost
/// Tokens times steps gradients, and a forward pass for each token.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to); [`Error::InvalidOption`]
/// for an option outside its range, and for an input without tokens; [`Error::BaselineShape`] and
/// [`Error::BaselineCount`] for a baseline that does not fit.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::SequentialIg;
/// use saliency_core::{Explainer, pure_function};
///
/// // The product of two tokens: without one of them nothing is left.
/// let model = pure_function(|x: Tensor<3>| {
///     (x.clone().narrow(1, 0, 1) * x.narrow(1, 1, 1)).squeeze_dim::<2>(1)
/// });
/// let x = Tensor::<3>::from_data([[[2.0], [3.0]]], &Device::flex());
/// let map = SequentialIg::new().attribute(&model, x)?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!(values.iter().all(|value| (value - 6.0).abs() < 1e-5));
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Enguehard, *Sequential Integrated Gradients: a simple but effective method for explaining
/// language models*, 2023, <https://arxiv.org/abs/2305.15853>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SequentialIg {
    baseline: Baseline,
    integration: Integration,
    schedule: Schedule,
}

impl SequentialIg {
    /// Returns the method with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the values that replace a token: those at its place in the baseline.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets a fixed number of points on the path of each token, from 1 to 20,000.
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.integration.steps = Some(steps);
        self.integration.tolerance = None;
        self
    }

    /// Takes as many gradients as are needed for a relative L1 error of `tolerance`, in (0, 1], for
    /// each token.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.integration.tolerance = Some(Tolerance::Map(tolerance));
        self
    }

    /// Sets the most gradients that are taken for a token to reach a tolerance: from 5 to 20,000.
    pub fn with_max_gradients(mut self, gradients: usize) -> Self {
        self.integration.max_gradients = gradients;
        self
    }

    /// Sets the rule that places a fixed number of points.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.integration.rule = rule;
        self
    }

    /// Sets chunks, workers and progress, which is counted in tokens.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        self.integration.check(None)
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, rows, .. } = question;
        let tokens = tokens(input)?;
        let calls = self.integration.calls(None).saturating_mul(tokens);
        let scored = question.resolve_for(&self.schedule, calls)?;
        let baseline = self.baseline.like(input, rows)?;
        let report = |done: usize| self.report(done * tokens, input.rows() * tokens);
        report(0);
        // One row after the other, because each becomes a batch of as many rows as it has tokens.
        let found = (0..input.rows()).map(|row| {
            let sentence = Sentence {
                row,
                whole: input.select(&vec![row; tokens]),
                without: without_one(&input.narrow(row, 1), &baseline.narrow(row, 1)),
            };
            let found = self.row(question, &scored, &sentence)?;
            report(row + 1);
            Ok(found)
        });
        let found = found.collect::<Result<Vec<OfRow>>>()?;
        let values = Batch::stack(&found.iter().map(|of| of.values.clone()).collect::<Vec<_>>());
        values.check_finite(Stage::Attribution)?;
        evaluator.check_dependence(&self.schedule, &values, input, &scored.target)?;
        let mut attribution = Attribution::of(values, scored);
        attribution.error_estimate = found.iter().map(|of| of.error).collect();
        attribution.evaluations = found.iter().map(|of| of.evaluations).collect();
        attribution.converged = self.integration.tolerance.map(|tolerance| {
            let met = |of: &OfRow| of.error.is_some_and(|error| error <= tolerance.error());
            found.iter().map(met).collect()
        });
        evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        Ok(attribution)
    }

    /// Reports the tokens that are done. The gradients of each row are not reported, because it is
    /// not known how many the next one takes.
    fn report(&self, done: usize, total: usize) {
        if let Some(callback) = &self.schedule.progress {
            callback(Progress { done, total });
        }
    }

    /// Integrates along the paths of all tokens of a row.
    fn row(&self, question: &Question, scored: &Scored, sentence: &Sentence) -> Result<OfRow> {
        let Question { evaluator, input, .. } = question;
        let Sentence { row, whole, without } = sentence;
        let schedule = self.schedule.silent();
        let tokens = whole.rows();
        let of_row = |error: Error| error.with_rows(|_| *row);
        let target = scored.target.select(&vec![*row; tokens]);
        let from = evaluator
            .scores(&schedule, without, &target)
            .map_err(|error| of_row(error.with_stage(Stage::Score, Stage::BaselineScore)))?;
        let to = vec![scored.scores[*row]; tokens];
        let precision = input.parts[0].dtype();
        let shape = StraightPath::new(without.clone(), whole);
        let sizes = shape.difference().map(Tensor::abs).row_sums()?;
        let ends = from.iter().zip(&to).zip(sizes);
        let changes: Vec<ScoreChange> = ends
            .map(|((&from, &to), size)| {
                let change = ScoreChange::new(from, to, precision);
                if size == 0.0 { change.without_path() } else { change }
            })
            .collect();
        let integral = PathIntegral {
            evaluator,
            target: &target,
            input: whole,
            shape: &shape,
            contribution: &Product,
            changes: &changes,
            shares: None,
            keep_scores: false,
            schedule: &schedule,
        };
        let integrals = self.integration.integrate(&integral, &from, &to).map_err(of_row)?;
        let sizes = integrals.values.map(Tensor::abs).row_sums()?;
        Ok(OfRow {
            error: integrals.errors.as_deref().map(|errors| joined(errors, &sizes, &changes)),
            evaluations: integrals.evaluations.iter().sum(),
            values: values_of(integrals),
        })
    }
}

/// A row, once for each of its tokens.
struct Sentence {
    row: usize,
    whole: Batch,
    /// The same, each with another token replaced.
    without: Batch,
}

/// The answer for a row.
struct OfRow {
    values: Batch,
    error: Option<f64>,
    evaluations: usize,
}

/// Adds up the values of all tokens: each path has values for its own token alone.
fn values_of(integrals: Integrals) -> Batch {
    let tokens = integrals.values.rows();
    integrals.values.sum_repeats(tokens)
}

/// Returns the relative error of a row, given those of its tokens, the sizes of their values, and
/// the changes of score.
fn joined(errors: &[f64], sizes: &[f64], changes: &[ScoreChange]) -> f64 {
    let size: f64 = sizes.iter().sum();
    let tokens = errors.iter().zip(sizes).zip(changes);
    // The error of a token is relative to the larger of these two, or to less.
    let error: f64 =
        tokens.map(|((error, size), change)| error * size.max(change.least_size())).sum();
    if error == 0.0 { 0.0 } else { error / (size - error).max(0.01 * size) }
}

/// Returns the number of tokens of an input: the length of axis 1.
fn tokens(input: &Batch) -> Result<usize> {
    let shapes = input.shapes();
    let free = shapes.iter().zip(input.fixed()).filter(|(_, fixed)| !**fixed);
    let counts: Vec<Option<usize>> = free.map(|(shape, _)| shape.get(1).copied()).collect();
    match counts.first() {
        Some(Some(tokens)) if counts.iter().all(|count| *count == Some(*tokens)) => Ok(*tokens),
        _ => {
            let expected = "of tensors [rows, tokens, ...] with as many tokens each";
            Err(Error::invalid_option("input", expected, format!("{shapes:?}")))
        }
    }
}

/// Returns as many copies of a row as it has tokens, each with another token replaced by that of the
/// baseline.
fn without_one(row: &Batch, baseline: &Batch) -> Batch {
    let shapes = row.shapes();
    let free = shapes.iter().zip(row.fixed()).find(|(_, fixed)| !**fixed);
    let count = free.map_or(1, |(shape, _)| shape[1]);
    let mut part = 0;
    row.zip(baseline, |input, baseline| {
        part += 1;
        if row.fixed()[part - 1] {
            return input.repeat_dim(0, count);
        }
        let width = input.dims()[1] / count;
        let copies = (0..count).map(|token| {
            let [start, end] = [token * width, (token + 1) * width];
            input.clone().slice_assign([0..1, start..end], baseline.clone().narrow(1, start, width))
        });
        Tensor::cat(copies.collect(), 0)
    })
}

answers_questions!(SequentialIg);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::inputs::Fixed;
    use burn::tensor::Device;

    #[test]
    fn each_copy_lacks_another_token_and_fixed_tensors_stay() {
        let device = Device::flex();
        let words = Tensor::<3>::from_data([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]], &device);
        let mask = Fixed(Tensor::<2>::from_data([[7.0]], &device));
        let input = Batch::new((words, mask)).unwrap();
        let baseline = input.map(|part| part.zeros_like()).with_fixed_of(&input);
        assert_eq!(tokens(&input).unwrap(), 3);
        let without = without_one(&input, &baseline);
        assert_eq!(without.row_sums().unwrap(), [18.0 + 7.0, 14.0 + 7.0, 10.0 + 7.0]);
    }

    #[test]
    fn an_input_without_tokens_is_refused() {
        let device = Device::flex();
        let flat = Batch::new(Tensor::<1>::ones([2], &device)).unwrap();
        let uneven = (Tensor::<2>::ones([2, 3], &device), Tensor::<2>::ones([2, 4], &device));
        for input in [flat, Batch::new(uneven).unwrap()] {
            let error = tokens(&input).unwrap_err();
            assert!(matches!(error, Error::InvalidOption { option: "input", .. }), "{error}");
        }
    }
}
