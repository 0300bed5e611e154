//! The only file that differentiates: scores of a batch, and their gradients.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::{DType, Device, Tensor};

use crate::error::{Error, Result, Stage};
use crate::execution::device::computes_on_calling_thread;
use crate::execution::look::{Look, MOST_CLASSES};
use crate::execution::memory::ChunkLimit;
use crate::execution::outer::Outer;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::execution::workers::{Amount, in_pool_if_worth_it};
use crate::input::batch::{Batch, to_host};
use crate::input::inputs::Inputs;
use crate::model::model::Model;
use crate::model::output::Output;
use crate::model::resolved_target::ResolvedTarget;
use crate::model::score::Score;
use crate::model::target::Target;
use crate::warning::Warning;

/// A snapshot of a model that scores batches and differentiates the scores.
///
/// The snapshot is in inference mode. Otherwise BatchNorm and Dropout would take their training
/// path, because the input's device has autodiff on, and parameters would be recorded although
/// nobody asks for their gradients.
///
/// The engine behind it knows nothing of the model's type, so that it is compiled once. If the
/// device runs out of memory, a chunk is split in half, down to single rows.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::kit::{Batch, Evaluator};
/// use saliency_core::{Schedule, Target, pure_function};
///
/// let square = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let input = Batch::new(Tensor::<2>::from_data([[3.0]], &Device::flex()))?;
/// let evaluator = Evaluator::new::<_, Tensor<2>>(&square, &input, &Target::Predicted)?;
/// let scored = evaluator.resolve(&Schedule::new(), &input, &Target::Predicted)?;
/// assert_eq!(scored.scores, [9.0]);
/// let point = evaluator.gradient(input, &scored.target)?;
/// assert_eq!(point.gradients.row_sums()?, [6.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub struct Evaluator<'m> {
    model: Box<dyn BatchModel + 'm>,
    limit: ChunkLimit,
    /// The number of the model's parameters.
    parameters: usize,
    /// Whether a pass took long. This decides where passes run, which does not change results.
    is_slow: AtomicBool,
    /// Whether the inputs are made by an explainer around this one.
    pub(crate) is_inside: bool,
}

/// A model as the engine sees it, without its types.
trait BatchModel: Send + Sync {
    fn forward(&self, input: Batch) -> Tensor<2>;
}

/// The thin shell around a model that is compiled for each of them.
struct Snapshot<M, I> {
    model: M,
    inputs: PhantomData<fn(I)>,
}

impl<M: Model<I>, I: Inputs> BatchModel for Snapshot<M, I> {
    fn forward(&self, input: Batch) -> Tensor<2> {
        self.model.forward(input.into_inputs())
    }
}

/// The scores of a batch, and the target that they are scores of.
#[derive(Clone, Debug)]
pub struct Scored {
    /// One score per row.
    pub scores: Vec<f64>,
    /// The target, its predictions replaced by classes.
    pub target: ResolvedTarget,
    /// What the outputs say of the model.
    pub warnings: Vec<Warning>,
    /// The outputs of each row, as [`Attribution::outputs`](crate::Attribution::outputs) has them.
    pub outputs: Option<Vec<Vec<f64>>>,
}

/// The gradients of a batch, with the scores that they are gradients of.
#[derive(Clone, Debug)]
pub struct ScoredGradients {
    /// The gradient of each row's score with respect to the row.
    pub gradients: Batch,
    /// The scores, and the target.
    pub scored: Scored,
}

/// Gradients at given points, with the scores there.
#[derive(Clone, Debug)]
pub struct PointGradients {
    /// The gradient of each row's score with respect to the row.
    pub gradients: Batch,
    /// The scores `[rows]`, still on the device.
    pub scores: Tensor<1>,
}

impl PointGradients {
    /// Reads the scores back from the device.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn scores(&self) -> Result<Vec<f64>> {
        to_host(self.scores.clone())
    }
}

impl<'m> Evaluator<'m> {
    /// Takes a snapshot of the model, and checks all that can be checked before any work.
    ///
    /// # Errors
    /// [`Error::DeviceMismatch`], [`Error::NotFinite`] for an input that is not finite, and those of
    /// [`Target::check_rows`].
    pub fn new<M: Model<I> + 'm, I: Inputs + 'm>(
        model: &M,
        input: &Batch,
        target: &Target,
    ) -> Result<Self> {
        check(model.devices(), input, target)?;
        let snapshot = Snapshot { model: model.valid(), inputs: PhantomData::<fn(I)> };
        Ok(Self {
            parameters: snapshot.model.num_params(),
            model: Box::new(snapshot),
            limit: ChunkLimit::new(),
            is_slow: AtomicBool::new(false),
            is_inside: false,
        })
    }

    /// Scores every row of `at`, and replaces predictions of the target by classes.
    ///
    /// # Errors
    /// Those of [`Target::resolve`] and [`ResolvedTarget::score`], [`Error::OutputShape`],
    /// [`Error::Probabilities`], and those of [`Work::run`].
    pub fn resolve(&self, schedule: &Schedule, at: &Batch, target: &Target) -> Result<Scored> {
        let scored = self.score_rows(schedule, at, target, Look::at)?;
        self.finish(scored, at, target)
    }

    /// Scores every row of `at`, and asks `look` about the outputs of each chunk.
    fn score_rows(
        &self,
        schedule: &Schedule,
        at: &Batch,
        target: &Target,
        look: impl Fn(&Output<'_>, &ResolvedTarget) -> Result<Look> + Sync,
    ) -> Result<ScoredRows> {
        let mut scored = ScoredRows::default();
        let schedule = schedule.silent();
        let work = Work::start(&schedule, at, at.rows())?;
        work.run(
            &work.chunks(at.rows(), 0..1),
            |chunk| {
                let target = target.select(&chunk.row_of_each());
                let output = self.output(at.narrow(chunk.rows.start, chunk.rows.len()))?;
                let read = Output::new(&output);
                let target = target.resolve_read(&read)?;
                let look = look(&read, &target)?;
                Ok((target.score(output)?, target, look))
            },
            |_, (scores, target, look)| scored.push(scores, target, look),
        )?;
        Ok(scored)
    }

    /// Returns a warning if the first row has another score alone than among the others.
    ///
    /// # Errors
    /// Those of [`resolve`](Self::resolve).
    pub(crate) fn mixed_rows(
        &self,
        schedule: &Schedule,
        at: &Batch,
        scored: &Scored,
    ) -> Result<Option<Warning>> {
        let together = Work::start(&schedule.silent(), at, 0)?.chunks(at.rows(), 0..1).count();
        if together == at.rows() || self.limit.is_one_row() {
            // Every row is alone already.
            return Ok(None);
        }
        let alone = self.scores(schedule, &at.narrow(0, 1), &scored.target.select(&[0]))?[0];
        let scale = scored.scores.iter().fold(0f64, |most, score| most.max(score.abs()));
        let rounding = match at.parts[0].dtype() {
            DType::F16 => 2e-2,
            DType::BF16 => 1e-1,
            _ => 1e-3,
        };
        let differs = (alone - scored.scores[0]).abs() > rounding * scale;
        Ok(differs.then_some(Warning::RowsInfluenceEachOther { row: 0 }))
    }

    /// Returns a warning if the model was found to take one row at a time only.
    pub(crate) fn one_row_warning(&self) -> Option<Warning> {
        self.limit.is_one_row().then_some(Warning::OneRowAtATime { row: 0 })
    }

    /// Puts scores together, with what the outputs say of the model.
    fn finish(&self, scored: ScoredRows, at: &Batch, asked: &Target) -> Result<Scored> {
        let mut warnings = Vec::new();
        let target = scored.target.expect("at least one row");
        let look = scored.look.expect("at least one row");
        // Said once, by the outermost explainer.
        if look.are_probabilities && !self.is_inside {
            match target.score {
                Score::Probability | Score::LogProbability => return Err(Error::Probabilities),
                Score::LogOutput => {}
                Score::Output => warnings.push(Warning::OutputsAreProbabilities { row: 0 }),
            }
        }
        let pictures = at.shapes.iter().any(|shape| shape.len() == PICTURE_DIMENSIONS);
        if pictures && asked.is_predicted() && look.scores > MOST_CLASSES {
            warnings.push(Warning::ScoresMayNotBeClasses { row: 0, scores: look.scores });
        }
        warnings.extend(self.one_row_warning());
        Ok(Scored { scores: scored.scores, target, warnings, outputs: look.outputs })
    }

    /// Returns the score of each row of `at`, by forward passes alone.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::OutputShape`], and those of [`Work::run`].
    pub fn scores(
        &self,
        schedule: &Schedule,
        at: &Batch,
        target: &ResolvedTarget,
    ) -> Result<Vec<f64>> {
        // What the outputs at other points look like says nothing of the model.
        let away = |_: &Output<'_>, _: &ResolvedTarget| Ok(Look::away());
        let scored = self.score_rows(schedule, at, &target.clone().into(), away)?;
        Ok(scored.scores)
    }

    /// Returns the score of each row of `at`, given to the model at once: for forward-only methods,
    /// inside [`Work::run`].
    ///
    /// # Errors
    /// Those of [`ResolvedTarget::score`], [`Error::OutputShape`], [`Error::OutOfMemory`].
    pub fn scores_at(&self, at: Batch, target: &ResolvedTarget) -> Result<Vec<f64>> {
        to_host(target.score(self.output(at)?)?)
    }

    /// Returns the outputs of each row of `at`, given to the model at once: for methods that ask for
    /// more than a score, inside [`Work::run`].
    ///
    /// # Errors
    /// [`Error::OutputShape`], [`Error::OutOfMemory`], [`Error::Device`].
    pub fn outputs_at(&self, at: Batch) -> Result<Vec<Vec<f64>>> {
        rows_of(self.output(at)?)
    }

    /// Returns, for each row of `at`, the scores among which the target's class was chosen: see
    /// [`ResolvedTarget::class_scores`]. Given to the model at once, inside [`Work::run`].
    ///
    /// # Errors
    /// Those of [`outputs_at`](Self::outputs_at), and [`Error::OutputLayout`].
    pub fn class_scores_at(&self, at: Batch, target: &ResolvedTarget) -> Result<Vec<Vec<f64>>> {
        rows_of(target.class_scores(self.output(at)?)?)
    }

    /// Returns, for each of `rows` rows, its target's score averaged over all rows of `at`.
    ///
    /// # Errors
    /// Those of [`scores`](Self::scores).
    pub(crate) fn mean_scores(
        &self,
        schedule: &Schedule,
        at: &Batch,
        target: &ResolvedTarget,
        rows: usize,
    ) -> Result<Vec<f64>> {
        let different = if target.is_the_same_for_all() { 1 } else { rows };
        let mut sums = vec![0.0; different];
        let schedule = schedule.silent();
        let work = Work::start(&schedule, at, at.rows())?;
        work.run(
            &work.chunks(at.rows(), 0..1),
            |chunk| {
                // One pass of the model serves the targets of all rows.
                let output = self.output(at.narrow(chunk.rows.start, chunk.rows.len()))?;
                let score = |row: usize| {
                    let target = target.select(&vec![row; chunk.rows.len()]);
                    to_host(target.score(output.clone())?)
                };
                (0..different).map(score).collect::<Result<Vec<_>>>()
            },
            |_, scores| {
                for (row, (sum, scores)) in sums.iter_mut().zip(scores).enumerate() {
                    if !scores.iter().all(|score| score.is_finite()) {
                        return Err(Error::not_finite(Stage::BaselineScore, row));
                    }
                    *sum += scores.iter().sum::<f64>();
                }
                Ok(())
            },
        )?;
        Ok((0..rows).map(|row| sums[row.min(different - 1)] / at.rows() as f64).collect())
    }

    /// Returns scores and gradients at every row of `at`, by one forward and one backward pass, and
    /// replaces predictions of the target by classes on the way.
    ///
    /// # Errors
    /// Those of [`resolve`](Self::resolve), [`Error::Independent`], and [`Error::NotFinite`] for a
    /// gradient that is not finite.
    pub fn gradients(
        &self,
        schedule: &Schedule,
        at: &Batch,
        target: &Target,
    ) -> Result<ScoredGradients> {
        let mut scored = ScoredRows::default();
        let mut gradients = Vec::new();
        let work = Work::start(schedule, at, at.rows())?;
        work.run(
            &work.chunks(at.rows(), 0..1),
            |chunk| {
                let target = target.select(&chunk.row_of_each());
                let rows = at.narrow(chunk.rows.start, chunk.rows.len());
                self.in_halves(rows, |rows, part| {
                    self.gradient_at_once(rows, &PassTarget::Open(target.select(part)))
                })
            },
            |_, found| {
                gradients.push(found.point.gradients);
                scored.push(found.point.scores, found.target, found.look)
            },
        )?;
        let gradients = Batch::stack(&gradients);
        gradients.check_finite(Stage::Gradient)?;
        Ok(ScoredGradients { gradients, scored: self.finish(scored, at, target)? })
    }

    /// Returns the gradient of each row's score at `at`, with the scores: inside [`Work::run`].
    ///
    /// Where the score does not depend on the input, for instance in a branch that returns a
    /// constant, its gradient is zero. A method that finds nothing but zeros asks
    /// [`check_dependence`](Self::check_dependence) whether the model depends on its input at all.
    ///
    /// # Errors
    /// [`Error::OutputShape`], [`Error::OutOfMemory`], and those of [`ResolvedTarget::score`].
    /// Gradients may be infinite.
    pub fn gradient(&self, at: Batch, target: &ResolvedTarget) -> Result<PointGradients> {
        let found = self.in_halves(at, |rows, part| {
            self.gradient_at_once(rows, &PassTarget::Resolved(target.select(part)))
        })?;
        Ok(found.point)
    }

    /// Computes the gradients of as many rows at once as fit into memory, and joins the parts.
    fn in_halves(
        &self,
        at: Batch,
        compute: impl Fn(Batch, &[usize]) -> Result<ResolvedGradients> + Sync,
    ) -> Result<ResolvedGradients> {
        let mut parts = self.pass(&at, |rows| {
            let part: Vec<usize> = rows.clone().collect();
            compute(at.narrow(rows.start, rows.len()), &part)
        })?;
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let gradients: Vec<Batch> = parts.iter().map(|part| part.point.gradients.clone()).collect();
        let scores = parts.iter().map(|part| part.point.scores.clone()).collect();
        let point =
            PointGradients { gradients: Batch::stack(&gradients), scores: Tensor::cat(scores, 0) };
        let (targets, looks): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.target, part.look)).unzip();
        let target =
            targets.into_iter().reduce(ResolvedTarget::followed_by).expect("at least one row");
        let look = looks.into_iter().reduce(Look::followed_by).expect("at least one row");
        Ok(ResolvedGradients { point, target, look })
    }

    /// Refuses a model whose score at `at` does not depend on the input, if all `values` that a
    /// method found are zero.
    ///
    /// # Errors
    /// [`Error::Independent`], and those of [`gradients`](Self::gradients).
    pub fn check_dependence(
        &self,
        schedule: &Schedule,
        values: &Batch,
        at: &Batch,
        target: &ResolvedTarget,
    ) -> Result<()> {
        let sizes = values.map(Tensor::abs).row_sums()?;
        if self.is_inside || sizes.iter().any(|size| *size != 0.0) {
            return Ok(());
        }
        self.gradients(&schedule.silent(), at, &target.clone().into()).map(drop)
    }

    fn gradient_at_once(&self, at: Batch, target: &PassTarget) -> Result<ResolvedGradients> {
        // The input is the leaf of the graph; fixed tensors are not differentiated.
        let leaves = at.map(|part| part.autodiff().require_grad()).with_fixed_of(&at);
        let output = self.forward(leaves.clone())?;
        // What a point in between says does not count.
        let may_be_independent = self.is_inside || matches!(target, PassTarget::Resolved(_));
        let (target, look) = match target {
            PassTarget::Open(target) => {
                let read = Output::new(&output);
                let target = target.resolve_read(&read)?;
                let look = Look::at(&read, &target)?;
                (target, look)
            }
            PassTarget::Resolved(target) => (target.clone(), Look::away()),
        };
        let scores = target.score(output)?;
        let without_gradient = |scores: Tensor<1>, target: ResolvedTarget, look: Look| {
            if !may_be_independent {
                return Err(Error::Independent);
            }
            let gradients = at.map(|part| part.zeros_like());
            let point = PointGradients { gradients, scores: scores.inner() };
            Ok(ResolvedGradients { point, target, look })
        };
        // Burn panics if a score was not recorded.
        if !scores.is_tracked() {
            return without_gradient(scores, target, look);
        }
        // Rows are independent of each other, so the gradient of the sum holds each row's own.
        let mut gradients = scores.clone().sum().backward();
        let mut found = false;
        let gradient = leaves.map(|leaf| {
            let gradient = leaf.is_require_grad().then(|| leaf.grad_remove(&mut gradients));
            match gradient.flatten() {
                Some(gradient) => {
                    found = true;
                    gradient
                }
                // A fixed tensor, or one of several inputs that the score does not depend on.
                None => leaf.inner().zeros_like(),
            }
        });
        if !found {
            return without_gradient(scores, target, look);
        }
        let point = PointGradients { gradients: gradient, scores: scores.inner() };
        Ok(ResolvedGradients { point, target, look })
    }

    /// Returns the model's output without a gradient graph, for as many rows at once as fit.
    fn output(&self, at: Batch) -> Result<Tensor<2>> {
        let mut parts = self.pass(&at, |rows| self.forward(at.narrow(rows.start, rows.len())))?;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) })
    }

    /// Gives the model as many rows of `at` at once as fit. A large pass runs inside rayon's pool, a
    /// small one on the calling thread.
    fn pass<R: Send>(
        &self,
        at: &Batch,
        compute: impl Fn(Range<usize>) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let (device, rows) = (at.device(), at.rows());
        let work = rows.saturating_mul(self.parameters.max(at.width()));
        let is_table = at.shapes.iter().all(|shape| shape.len() <= 2);
        let large = if is_table { LARGE_TABLE } else { LARGE_PICTURES };
        let amount = if !computes_on_calling_thread(&device) {
            Amount::Little
        } else if work >= large.max(VERY_LARGE) {
            Amount::VeryMuch
        } else if work >= large || self.is_slow.load(Ordering::Relaxed) {
            Amount::Much
        } else {
            Amount::Little
        };
        let start = Instant::now();
        let parts = in_pool_if_worth_it(amount, || {
            // While an operation waits for other threads of a pool, this thread may be given another
            // call of the user's, which has nothing to do with the limits here.
            Outer::default().limit(|| self.limit.run(&device, rows, &compute))
        });
        if start.elapsed() > SLOW {
            self.is_slow.store(true, Ordering::Relaxed);
        }
        parts
    }

    fn forward(&self, at: Batch) -> Result<Tensor<2>> {
        let rows = at.rows();
        let output = self.model.forward(at);
        match output.dims() {
            [found, scores] if found == rows && scores > 0 => Ok(output),
            found => Err(Error::OutputShape { rows, found }),
        }
    }
}

/// Reads the rows of a matrix back.
fn rows_of(matrix: Tensor<2>) -> Result<Vec<Vec<f64>>> {
    let width = matrix.dims()[1];
    Ok(to_host(matrix)?.chunks(width).map(<[f64]>::to_vec).collect())
}

/// A pass is large if its inputs, or its parameters for each input, are this many numbers. To hand a
/// pass over to rayon's pool and back takes 25 µs or more. A network of convolutions with a picture of
/// 32 x 32 pixels wins that back, because Burn spreads its operations over the cores. The operations of
/// a network for tables are large enough for that only with many rows.
const LARGE_PICTURES: usize = 1 << 15;
const LARGE_TABLE: usize = 1 << 22;

/// A pass of so many numbers, which are counted as above, takes milliseconds. To place the threads of
/// rayon's pool takes microseconds for each of them.
const VERY_LARGE: usize = 1 << 20;

/// A pass that takes longer is large, whatever its numbers are: a function may hold a network.
const SLOW: Duration = Duration::from_micros(500);

/// The dimensions of a batch of pictures: rows, channels, height and width.
const PICTURE_DIMENSIONS: usize = 4;

/// Checks everything that can be checked before any work: the devices, the input and the target.
fn check(mut devices: Vec<Device>, input: &Batch, target: &Target) -> Result<()> {
    // The input must be on the model's devices, or on one if the model has no parameters.
    if devices.is_empty() {
        devices.push(input.parts[0].device());
    }
    for (tensor, found) in input.parts.iter().map(Tensor::device).enumerate() {
        if !devices.contains(&found) {
            let (expected, found) = (format!("{devices:?}"), format!("{found:?}"));
            return Err(Error::DeviceMismatch { tensor, expected, found });
        }
    }
    input.check_finite(Stage::Input)?;
    target.check_rows(input.rows())
}

impl std::fmt::Debug for Evaluator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluator").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// The target of one pass: with predictions, or without.
enum PassTarget {
    Open(Target),
    Resolved(ResolvedTarget),
}

/// Gradients and scores, with the target that they are for.
struct ResolvedGradients {
    point: PointGradients,
    target: ResolvedTarget,
    /// What the outputs say of the model, if the target was open.
    look: Look,
}

/// Scores and targets of a batch, gathered chunk by chunk.
#[derive(Default)]
struct ScoredRows {
    scores: Vec<f64>,
    target: Option<ResolvedTarget>,
    look: Option<Look>,
}

impl ScoredRows {
    fn push(&mut self, scores: Tensor<1>, target: ResolvedTarget, look: Look) -> Result<()> {
        let scores = to_host(scores)?;
        let bad = scores.iter().enumerate().filter(|(_, score)| !score.is_finite());
        let rows = bad.map(|(at, _)| self.scores.len() + at);
        if let Some(error) = Error::not_finite_rows(Stage::Score, rows) {
            return Err(error);
        }
        self.scores.extend(scores);
        self.target = Some(match self.target.take() {
            Some(before) => before.followed_by(target),
            None => target,
        });
        self.look = Some(match self.look.take() {
            Some(before) => before.followed_by(look),
            None => look,
        });
        Ok(())
    }
}
