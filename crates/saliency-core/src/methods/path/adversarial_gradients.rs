//! AGI: paths of steepest descent to other classes.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage, check_count, check_share};
use crate::execution::chunks::Chunk;
use crate::execution::evaluator::{Evaluator, Scored};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::batch::{Batch, add, to_host};
use crate::methods::path::integration::MOST_STEPS;
use crate::model::resolved_target::{Choice, ResolvedTarget};
use crate::model::score::Score;
use crate::path::contribution::Product;
use crate::path::integral::{Integrals, PathIntegral};
use crate::path::score_change::ScoreChange;
use crate::path::shape::StraightPath;
use crate::path::walk::Walk;
use crate::random::key::Stream;
use crate::share::Tolerance;

/// Which values keep the model from seeing another class?
///
/// ```text
///            1    m
/// A(x)  =   ---   Σ   ∫  ∂f/∂x · dx   along the path from x_c to x,
///            m   c=1
///
/// x_0  =  x,     x_{k+1}  =  x_k + ε sign(∂ log p_c/∂x (x_k)),     x_c  =  the first x_k predicted as c
/// ```
///
/// Adversarial gradient integration needs no baseline. For each of m other classes, drawn for each
/// row, it follows the steepest ascent of that class's probability until the class is predicted, and
/// integrates the gradient of the explained score on the way back. The values sum to the score of the
/// input minus the mean score of the adversarial inputs, up to the error of the integrals.
///
/// The paper adds the classes up, and takes one gradient for each move; here the mean keeps the unit of
/// a score, and more gradients are taken between the corners of the paths until the integrals are
/// known. The error is that of the integrals along the paths that were taken.
///
/// # Shapes and units
/// Values have the input's shape. Their unit is that of the score, and they have signs.
///
/// # Parameters and defaults
/// - classes: 5 others, or all others if there are fewer
/// - step: ε is 0.005 of each row's range of values
/// - moves: at most 20 to each class
/// - tolerance: 0.05 for each path, with at most 200 gradients
/// - seed of the choice of classes: 0
///
/// # Cost
/// For each class and row: two gradients and a forward pass for each move, and the gradients between
/// the corners that the tolerance needs.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::InvalidOption`](crate::Error::InvalidOption) for an option outside its range, for a target
/// that is not a class, and for a model with a single score.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::AdversarialGradients;
/// use saliency_core::{Explainer, Target, pure_function};
///
/// // Two classes, which are the values themselves.
/// let model = pure_function(|x: Tensor<2>| x);
/// let x = Tensor::<2>::from_data([[1.0, 2.0]], &Device::flex());
/// let map = AdversarialGradients::new().attribute_to(&model, x, Target::Class(1))?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[1] - 0.1).abs() < 1e-5 && values[0] == 0.0);
/// assert!(map.completeness_gap.unwrap()[0].abs() < 1e-5);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Pan, Li and Zhu, *Explaining Deep Neural Network Models with Adversarial Gradient Integration*,
/// 2021, <https://www.ijcai.org/proceedings/2021/396>.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdversarialGradients {
    classes: usize,
    step: f64,
    moves: usize,
    tolerance: f64,
    max_gradients: usize,
    seed: u64,
    schedule: Schedule,
}

impl Default for AdversarialGradients {
    fn default() -> Self {
        Self {
            classes: 5,
            step: 0.005,
            moves: 20,
            tolerance: 0.05,
            max_gradients: 200,
            seed: 0,
            schedule: Schedule::default(),
        }
    }
}

impl AdversarialGradients {
    /// Returns the method with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of other classes, from 1 to 1,000.
    pub fn with_classes(mut self, classes: usize) -> Self {
        self.classes = classes;
        self
    }

    /// Sets the size of a step, as a share of each row's range of values, in (0, 1].
    pub fn with_step(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// Sets the most moves to each class, from 1 to 1,000.
    pub fn with_moves(mut self, moves: usize) -> Self {
        self.moves = moves;
        self
    }

    /// Sets the relative L1 error up to which each path is integrated, in (0, 1].
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets the most gradients of the explained score along each path: one more than moves, or more,
    /// and at most 20,000.
    pub fn with_max_gradients(mut self, gradients: usize) -> Self {
        self.max_gradients = gradients;
        self
    }

    /// Sets the seed of the choice of classes.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in paths.
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
        check_count("classes", self.classes, 1000)?;
        check_count("moves", self.moves, 1000)?;
        check_share("step", self.step)?;
        check_share("tolerance", self.tolerance)?;
        let least = self.moves + 1;
        if (least..=MOST_STEPS).contains(&self.max_gradients) {
            return Ok(());
        }
        let expected = format!("from {least} to {MOST_STEPS}");
        Err(Error::invalid_option("limit", expected, self.max_gradients))
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let input = &question.input;
        let scored = question.resolve_for(&self.schedule, self.classes * 2 * self.moves)?;
        let paths = Paths {
            evaluator: &question.evaluator,
            input,
            steps: input.map(|part| (part.clone().max_dim(1) - part.min_dim(1)) * self.step),
            towards: self.draw(question, &scored)?,
            scored: &scored,
            options: self,
            schedule: self.schedule.silent(),
        };
        let classes = paths.towards[0].len();
        let work = Work::start(&self.schedule, input, input.rows() * classes)?;
        let mut totals: Vec<Option<Batch>> = Vec::new();
        let mut sums = vec![RowSums::default(); input.rows()];
        work.run(
            &work.chunks(input.rows(), 0..classes),
            |chunk| paths.explain(chunk),
            |chunk, found| {
                totals.resize(totals.len().max(chunk.block + 1), None);
                let share = found.values.map(|values| values.div_scalar(classes as f64));
                add(&mut totals[chunk.block], share.sum_repeats(chunk.repeats.len()));
                let sizes = sizes_of(&found.values)?;
                let errors = found.errors.expect("errors of integrals to a tolerance");
                let met = found.converged.expect("whether the tolerance is met");
                for (at, row) in chunk.row_of_each().into_iter().enumerate() {
                    sums[row].error += errors[at] * sizes[at] / classes as f64;
                    sums[row].start += found.scores[at][0].score / classes as f64;
                    sums[row].missed += usize::from(!met[at]);
                    sums[row].gradients += self.moves + found.evaluations[at];
                }
                Ok(())
            },
        )?;
        let totals: Vec<Batch> = totals.into_iter().map(|total| total.expect("a path")).collect();
        let values = Batch::stack(&totals);
        values.check_finite(Stage::Attribution)?;
        question.evaluator.check_dependence(&self.schedule, &values, input, &scored.target)?;
        let errors = sums.iter().zip(sizes_of(&values)?);
        let errors =
            errors.map(|(sum, size)| if sum.error == 0.0 { 0.0 } else { sum.error / size });
        let errors = errors.collect();
        let mut attribution = Attribution::of(values, scored);
        attribution.error_estimate = Some(errors);
        attribution.converged = Some(sums.iter().map(|sum| sum.missed == 0).collect());
        attribution.evaluations = sums.iter().map(|sum| sum.gradients).collect();
        attribution.with_baseline(sums.into_iter().map(|sum| sum.start).collect())
    }

    /// Draws other classes for each row.
    fn draw(&self, question: &Question, scored: &Scored) -> Result<Vec<Vec<usize>>> {
        if !matches!(scored.target.choice, Choice::Class(_) | Choice::Classes(_)) {
            let expected = "a class, because the paths lead to other classes";
            return Err(Error::invalid_option("the target", expected, "another kind of target"));
        }
        let input = &question.input;
        let known = match &scored.outputs {
            Some(outputs) => outputs[0].len(),
            None => question.evaluator.outputs_at(input.narrow(0, 1))?[0].len(),
        };
        if known < 2 {
            let expected = "two or more, because the paths lead to other classes";
            return Err(Error::invalid_option("the scores of the model", expected, known));
        }
        let keys = question.rows.keys(self.seed, &vec![0; input.rows()]);
        let own = scored.target.classes(input.rows());
        let of_row = keys.into_iter().zip(own).map(|(key, own)| {
            let numbers = key.uniform(Stream::Class, known);
            let mut others: Vec<usize> = (0..known).filter(|class| Some(*class) != own).collect();
            others.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
            others.truncate(self.classes);
            others
        });
        Ok(of_row.collect())
    }
}

/// The sums over the paths of a row. Scores and errors are divided by the number of paths.
#[derive(Clone, Default)]
struct RowSums {
    /// The estimated L1 errors.
    error: f64,
    /// The scores of the adversarial inputs.
    start: f64,
    /// The number of paths that did not meet the tolerance.
    missed: usize,
    gradients: usize,
}

/// The paths from all rows to other classes.
struct Paths<'a> {
    evaluator: &'a Evaluator<'a>,
    input: &'a Batch,
    /// The size of a step of each row and tensor: `[rows, 1]`.
    steps: Batch,
    /// The classes to which the paths of each row lead.
    towards: Vec<Vec<usize>>,
    scored: &'a Scored,
    options: &'a AdversarialGradients,
    schedule: Schedule,
}

impl Paths<'_> {
    /// Explains some rows along their paths to some classes: each pair has a row of its own.
    fn explain(&self, chunk: &Chunk) -> Result<Integrals> {
        let rows = chunk.row_of_each();
        let classes = rows.iter().zip(chunk.repeat_of_each(|k| k));
        let classes: Vec<usize> = classes.map(|(&row, k)| self.towards[row][k]).collect();
        let (input, target) = (self.input.select(&rows), self.scored.target.select(&rows));
        let mut corners = self.walk_away(&input, &self.steps.select(&rows), classes)?;
        corners.reverse();
        let from = self.evaluator.scores(&self.schedule, &corners[0], &target)?;
        let precision = input.parts[0].dtype();
        let ends = from.iter().zip(&rows);
        let changes =
            ends.map(|(&from, &row)| ScoreChange::new(from, self.scored.scores[row], precision));
        let integral = PathIntegral {
            evaluator: self.evaluator,
            target: &target,
            input: &input,
            shape: &StraightPath::new(corners[0].clone(), &input),
            contribution: &Product,
            changes: &changes.collect::<Vec<_>>(),
            shares: None,
            keep_scores: true,
            schedule: &self.schedule,
        };
        let AdversarialGradients { tolerance, max_gradients, .. } = *self.options;
        integral.walked_to_tolerance(&WayBack(corners), Tolerance::Map(tolerance), max_gradients)
    }

    /// Returns the corners of the paths from the input to each row's class.
    fn walk_away(&self, input: &Batch, steps: &Batch, classes: Vec<usize>) -> Result<Vec<Batch>> {
        let score = match self.scored.target.score {
            Score::LogOutput => Score::LogOutput,
            _ => Score::LogProbability,
        };
        let target = ResolvedTarget::new(Choice::Classes(classes.clone())).with_score(score);
        let mut corners = vec![input.clone()];
        for _ in 0..self.options.moves {
            let at = &corners[corners.len() - 1];
            let outputs = self.evaluator.outputs_at(at.clone())?;
            let open = outputs.iter().zip(&classes).map(|(outputs, &class)| {
                let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                f64::from(u8::from(outputs[class] < largest))
            });
            let open: Vec<f64> = open.collect();
            let gradients = self.evaluator.gradient(at.clone(), &target)?.gradients;
            gradients.check_finite(Stage::Gradient)?;
            let moves = gradients.zip(&steps.scale_rows(&open), |it, step| it.sign() * step);
            corners.push(at.zip(&moves, |at, step| at + step).with_fixed_of(input));
        }
        Ok(corners)
    }
}

/// The way back from adversarial inputs, through known corners.
struct WayBack(Vec<Batch>);

impl Walk for WayBack {
    fn moves(&self) -> usize {
        self.0.len() - 1
    }

    fn start(&self, rows: &[usize]) -> Result<Batch> {
        Ok(self.0[0].select(rows))
    }

    fn next(&self, rows: &[usize], taken: usize, _: &Batch, _: &Batch) -> Result<Batch> {
        Ok(self.0[taken + 1].select(rows))
    }
}

/// Returns the L1 norm of each row.
fn sizes_of(values: &Batch) -> Result<Vec<f64>> {
    let mut sizes = vec![0.0; values.rows()];
    for part in &values.parts {
        let own = to_host::<2>(Tensor::sum_dim(part.clone().abs(), 1))?;
        sizes.iter_mut().zip(own).for_each(|(size, own)| *size += own);
    }
    Ok(sizes)
}

answers_questions!(AdversarialGradients);
