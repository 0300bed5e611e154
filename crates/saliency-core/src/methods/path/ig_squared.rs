//! IG²: the path goes by gradients from the input towards a counterfactual.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result, check_count};
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::batch::{Batch, to_host};
use crate::input::inputs::Inputs;
use crate::methods::path::along_path::AlongPath;
use crate::methods::path::laid::{Laid, Path};
use crate::model::model::Model;
use crate::model::target::Target;
use crate::path::walk::Walk;

/// Integrated Gradients along a path that a model's representation shows: by steepest descent from
/// the input towards a counterfactual, an input of another kind.
///
/// ```text
/// γ_0 = x,     γ_{j+1} = γ_j - h d_j / |d_j|,     d_j = ∂/∂x |φ(γ_j) - φ(r)|²
/// ```
///
/// φ is the representation in front of a cut, and r the counterfactual. The baseline is the end of the
/// path: an input that looks like x, and is like r to the model. It has to be found for each input,
/// but nobody has to choose it.
///
/// The values sum to `f(x) - f(end)` (completeness). By default, a gradient is taken at each corner of
/// the path, as published; with [`with_tolerance`](AlongPath::with_tolerance), more of them between
/// the corners, until the estimated error along the path that was found is small enough.
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - representation φ and counterfactual r: [`Counterfactual::new`]
/// - steps of the descent: 50 ([`Counterfactual::with_descent_steps`]); the paper has 201
/// - length of a step h: such that the path is as long as the straight way from x to r
///   ([`Counterfactual::with_step_length`])
/// - range of the values: not limited ([`Counterfactual::with_range`])
/// - tolerance: none; at most 1,000 gradients per row, if there is one
///
/// # Cost
/// A gradient of the representation and one of the score for each step, and those that a tolerance
/// needs. The path keeps as many copies of the input as it has steps.
///
/// # Errors
/// Those of [`IntegratedGradients`](crate::IntegratedGradients);
/// [`Error::InvalidOption`] for an option outside its range; [`Error::BaselineShape`] if the
/// counterfactual has another shape than the input.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::{Counterfactual, IgSquared};
/// use saliency_core::{Explainer, pure_function};
///
/// let device = Device::flex();
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// // The model sees the first value only: the path leaves the second one alone.
/// let features = pure_function(|x: Tensor<2>| x.narrow(1, 0, 1));
/// let other = Tensor::<2>::from_data([[0.0, 2.0]], &device);
/// let x = Tensor::<2>::from_data([[3.0, 2.0]], &device);
/// let path = Counterfactual::new(features, other)?;
/// let map = IgSquared::of(path).with_tolerance(0.02).attribute(&model, x)?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 9.0).abs() < 0.2 && values[1] == 0.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Zhuo and Ge, *IG²: Integrated Gradient on Iterative Gradient Path for Feature Attribution*, 2024,
/// <https://arxiv.org/abs/2406.10852>.
pub type IgSquared = AlongPath<Counterfactual>;

/// A path towards a counterfactual: the path of [`IgSquared`].
#[derive(Clone)]
pub struct Counterfactual {
    pull: Arc<Pull>,
    reference: Batch,
    steps: usize,
    length: Option<f64>,
    range: Option<[f64; 2]>,
}

/// Returns the direction from each input towards the counterfactual's representation.
type Pull = dyn Fn(Batch, &Schedule) -> Result<Batch> + Send + Sync;

/// The most steps of a descent.
const MOST_STEPS: usize = 10_000;

impl Counterfactual {
    /// Computes the representation of the counterfactual, an input of one row.
    ///
    /// `features` is the part of the model before a cut, as a model of its own that returns the
    /// representation as `[rows, features]`: for instance a [`ModelFn`](crate::ModelFn) that calls
    /// [`Cut::before`](crate::Cut::before) and flattens what it returns.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if the counterfactual has more than one row; those of
    /// [`Batch::new`]; [`Error::Device`].
    pub fn new<M, I>(features: M, counterfactual: I) -> Result<Self>
    where
        M: Model<I> + 'static,
        I: Inputs + 'static,
    {
        let reference = Batch::new(counterfactual)?;
        if reference.rows() != 1 {
            return Err(Error::invalid_option("counterfactual", "of one row", reference.rows()));
        }
        let features = features.valid();
        let found = features.forward(reference.clone().into_inputs());
        let (shape, found) = (found.dims(), to_host(found.inner())?);
        let nearness = move |at: Tensor<2>| {
            let data = TensorData::new(found.clone(), shape);
            let reference = Tensor::<2>::from_data(data, (&at.device(), at.dtype()));
            (at - reference).powi_scalar(2).sum_dim(1).squeeze_dim::<1>(1) * -1.0
        };
        let target = Target::function(nearness);
        let pull = move |at: Batch, schedule: &Schedule| {
            let question = Question::new(&features, at.into_inputs::<I>(), target.clone(), None)?;
            let found =
                question.evaluator.gradients(schedule, &question.input, &question.target)?;
            Ok(found.gradients)
        };
        Ok(Self { pull: Arc::new(pull), reference, steps: 50, length: None, range: None })
    }

    /// Sets the number of steps of the descent, from 1 to 10,000.
    pub fn with_descent_steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// Sets the length of each step, in units of the input (the Euclidean norm over all values).
    pub fn with_step_length(mut self, length: f64) -> Self {
        self.length = Some(length);
        self
    }

    /// Keeps all values of the path within a range, such as that of the pixels of photos.
    pub fn with_range(mut self, low: f64, high: f64) -> Self {
        self.range = Some([low, high]);
        self
    }

    /// Returns the counterfactual once for each row of the input.
    fn reference_like(&self, input: &Batch) -> Result<Batch> {
        let (expected, found) = (input.shapes(), self.reference.shapes());
        if expected.len() != found.len() {
            let (expected, found) = (expected.len(), found.len());
            return Err(Error::BaselineCount { expected, found });
        }
        for (tensor, (expected, found)) in expected.into_iter().zip(found).enumerate() {
            if expected[1..] != found[1..] {
                return Err(Error::BaselineShape { tensor, expected, found });
            }
        }
        let rows = self.reference.select(&vec![0; input.rows()]);
        Ok(rows.to_kind_of(input))
    }

    /// Returns the next corner of the path.
    fn step(&self, at: &Batch, lengths: &[f64], schedule: &Schedule) -> Result<Batch> {
        let pull = (self.pull)(at.clone(), schedule)?.without_fixed();
        let norms = norms(&pull)?;
        // Where nothing pulls, the path stays.
        let factor = |(norm, length): (&f64, &f64)| if *norm > 0.0 { length / norm } else { 0.0 };
        let factors: Vec<f64> = norms.iter().zip(lengths).map(factor).collect();
        let next = at.zip(&pull.scale_rows(&factors), |at, step| at + step);
        let Some([low, high]) = self.range else { return Ok(next) };
        Ok(next.map(|part| part.clamp(low, high)).with_fixed_of(at))
    }
}

/// Returns the Euclidean norm of each row.
fn norms(batch: &Batch) -> Result<Vec<f64>> {
    let squares = batch.map(|part| part.powi_scalar(2)).row_sums()?;
    Ok(squares.into_iter().map(f64::sqrt).collect())
}

impl Path for Counterfactual {
    fn lay<'a>(&self, question: &'a Question, _: &Scored, schedule: &Schedule) -> Result<Laid<'a>> {
        let input = &question.input;
        let lengths = match self.length {
            Some(length) => vec![length; input.rows()],
            None => {
                let reference = self.reference_like(input)?;
                let way = input.zip(&reference, |input, reference| input - reference);
                let ways = norms(&way.without_fixed())?.into_iter();
                ways.map(|way| way / self.steps as f64).collect()
            }
        };
        let silent = schedule.silent();
        let mut corners = vec![input.clone()];
        for step in 0..self.steps {
            corners.push(self.step(&corners[step], &lengths, &silent)?);
        }
        corners.reverse();
        Ok(Laid::walked(Corners(corners)).with_gradients(self.steps))
    }

    fn check(&self) -> Result<()> {
        check_count("steps of the descent", self.steps, MOST_STEPS)?;
        if let Some(length) = self.length.filter(|length| !(*length > 0.0 && length.is_finite())) {
            return Err(Error::invalid_option("step length", "positive and finite", length));
        }
        match self.range.filter(|[low, high]| low.is_nan() || high.is_nan() || low >= high) {
            Some([low, high]) => {
                let found = format!("{low} to {high}");
                Err(Error::invalid_option("range", "of two ascending numbers", found))
            }
            None => Ok(()),
        }
    }

    fn gradients(&self) -> usize {
        self.steps
    }

    fn moves(&self) -> Option<usize> {
        Some(self.steps)
    }
}

/// A path over known corners, each with all rows.
struct Corners(Vec<Batch>);

impl Walk for Corners {
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

impl std::fmt::Debug for Counterfactual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counterfactual")
            .field("reference", &self.reference.shapes())
            .field("steps", &self.steps)
            .field("length", &self.length)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}
