//! The only file that differentiates: scores of a batch, and their gradients.

use std::marker::PhantomData;

use burn::tensor::Tensor;

use crate::error::{Error, Place, Result};
use crate::fitting::Fitting;
use crate::inputs::{Flat, Inputs, to_host};
use crate::model::Model;
use crate::schedule::Schedule;
use crate::target::Target;

/// A snapshot of a model that is safe to differentiate.
///
/// [`valid`](burn::module::Module::valid) is called here and nowhere else. Without it BatchNorm
/// and Dropout would take their training path, because the input's device has autodiff on, and
/// parameters would be recorded on the tape although nobody asks for their gradients.
pub(crate) struct Probe<M, I> {
    model: M,
    fitting: Fitting,
    inputs: PhantomData<fn(I)>,
}

/// What a batch was scored, and for which target.
pub(crate) struct Scored {
    /// One score per row.
    pub scores: Vec<f64>,
    /// The target, without predictions: what the scores are scores of.
    pub target: Target,
}

impl<M: Model<I>, I: Inputs> Probe<M, I> {
    /// Takes the snapshot, and checks what can be checked of the question before any work.
    pub fn new(model: &M, input: &Flat, target: &Target) -> Result<Self> {
        let mut devices = model.devices();
        if devices.is_empty() {
            devices.push(input.parts[0].device());
        }
        for (tensor, found) in input.parts.iter().map(Tensor::device).enumerate() {
            if !devices.contains(&found) {
                let (expected, found) = (format!("{devices:?}"), format!("{found:?}"));
                return Err(Error::DeviceMismatch { tensor, expected, found });
            }
        }
        input.check_finite(Place::Input)?;
        target.check_rows(input.rows())?;
        Ok(Self { model: model.valid(), fitting: Fitting::new(), inputs: PhantomData })
    }

    /// Scores every row of `at`, resolving a prediction on the way.
    pub fn scores(&self, schedule: &Schedule, at: &Flat, target: &Target) -> Result<Scored> {
        let mut scored = ScoredRows::default();
        schedule.silent().run(
            at,
            1,
            |unit| {
                let target = target.select(&unit.row_of_each());
                let output = self.output(at.narrow(unit.rows.start, unit.rows.len()))?;
                let target = target.resolve(&output)?;
                Ok((target.score(output)?, target))
            },
            |_, (scores, target)| scored.push(scores, target),
        )?;
        Ok(scored.finish())
    }

    /// For each of `rows` rows the mean score of its target over the rows of `at`.
    pub fn mean_scores(
        &self,
        schedule: &Schedule,
        at: &Flat,
        target: &Target,
        rows: usize,
    ) -> Result<Vec<f64>> {
        let different = if target.is_the_same_for_all() { 1 } else { rows };
        let mut sums = vec![0.0; different];
        schedule.silent().run(
            at,
            1,
            |unit| {
                let output = self.output(at.narrow(unit.rows.start, unit.rows.len()))?;
                let score = |row: usize| {
                    let target = target.select(&vec![row; unit.rows.len()]);
                    to_host(target.score(output.clone())?)
                };
                (0..different).map(score).collect::<Result<Vec<_>>>()
            },
            |_, scores| {
                for (row, (sum, scores)) in sums.iter_mut().zip(scores).enumerate() {
                    if !scores.iter().all(|score| score.is_finite()) {
                        return Err(Error::NotFinite { place: Place::BaselineScore, row });
                    }
                    *sum += scores.iter().sum::<f64>();
                }
                Ok(())
            },
        )?;
        Ok((0..rows).map(|row| sums[row.min(different - 1)] / at.rows() as f64).collect())
    }

    /// Scores and gradients at every row of `at`, resolving a prediction on the way: one forward
    /// and one backward pass.
    pub fn gradients(
        &self,
        schedule: &Schedule,
        at: &Flat,
        target: &Target,
    ) -> Result<(Flat, Scored)> {
        let mut scored = ScoredRows::default();
        let mut gradients = Vec::new();
        schedule.run(
            at,
            1,
            |unit| {
                let target = target.select(&unit.row_of_each());
                self.gradient(at.narrow(unit.rows.start, unit.rows.len()), &target)
            },
            |_, (gradient, scores, target)| {
                gradients.push(gradient);
                scored.push(scores, target)
            },
        )?;
        let gradients = Flat::stack(&gradients);
        gradients.check_finite(Place::Gradient)?;
        Ok((gradients, scored.finish()))
    }

    /// The gradient of each row's score at `at`, with the scores (still on the device) and the
    /// target they are for.
    pub fn gradient(&self, at: Flat, target: &Target) -> Result<(Flat, Tensor<1>, Target)> {
        let mut parts = self.fitting.run(&at.device(), at.rows(), |rows| {
            let of_part = target.select(&rows.clone().collect::<Vec<_>>());
            self.gradient_at_once(at.narrow(rows.start, rows.len()), &of_part)
        })?;
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let gradients: Vec<Flat> = parts.iter().map(|(gradient, ..)| gradient.clone()).collect();
        let scores = Tensor::cat(parts.iter().map(|(_, scores, _)| scores.clone()).collect(), 0);
        let targets = parts.into_iter().map(|(.., target)| target);
        let target = targets.reduce(Target::followed_by).expect("at least one row");
        Ok((Flat::stack(&gradients), scores, target))
    }

    fn gradient_at_once(&self, at: Flat, target: &Target) -> Result<(Flat, Tensor<1>, Target)> {
        let leaves = at.map(|part| part.autodiff().require_grad()).with_fixed_of(&at);
        let output = self.forward(leaves.clone())?;
        let target = target.resolve(&output)?;
        let scores = target.score(output)?;
        if !scores.is_tracked() {
            return Err(Error::Independent);
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
                // One that is fixed, or of several inputs that the score does not depend on.
                None => leaf.inner().zeros_like(),
            }
        });
        match found {
            true => Ok((gradient, scores.inner(), target)),
            false => Err(Error::Independent),
        }
    }

    /// The model's output off the tape, for as many rows at once as fit.
    fn output(&self, at: Flat) -> Result<Tensor<2>> {
        let mut parts = self
            .fitting
            .run(&at.device(), at.rows(), |rows| self.forward(at.narrow(rows.start, rows.len())))?;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) })
    }

    fn forward(&self, at: Flat) -> Result<Tensor<2>> {
        let rows = at.rows();
        let output = self.model.forward(at.into_inputs());
        match output.dims() {
            [found, scores] if found == rows && scores > 0 => Ok(output),
            found => Err(Error::OutputShape { rows, found }),
        }
    }
}

/// Scores and targets of a batch, gathered chunk by chunk.
#[derive(Default)]
struct ScoredRows {
    scores: Vec<f64>,
    target: Option<Target>,
}

impl ScoredRows {
    fn push(&mut self, scores: Tensor<1>, target: Target) -> Result<()> {
        let scores = to_host(scores)?;
        if let Some(bad) = scores.iter().position(|score| !score.is_finite()) {
            return Err(Error::NotFinite { place: Place::Score, row: self.scores.len() + bad });
        }
        self.scores.extend(scores);
        self.target = Some(match self.target.take() {
            Some(before) => before.followed_by(target),
            None => target,
        });
        Ok(())
    }

    fn finish(self) -> Scored {
        Scored { scores: self.scores, target: self.target.expect("at least one row") }
    }
}
