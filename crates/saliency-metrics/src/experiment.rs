//! Covers units of an input, and asks the model again.

use burn::tensor::Tensor;
use saliency_core::kit::{Batch, Question, Scored, Work};
use saliency_core::{Inputs, Model, Schedule, Target};

use crate::error::{Error, Result};
use crate::units::Units;

/// An input whose units can be covered with a fill, and a model to ask about the covered copies.
///
/// Copies are made and scored in chunks on the model's device, so that memory does not grow with
/// their number. [`Fixed`](saliency_core::Fixed) tensors are never covered.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Cover, Experiment, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let cover = Cover { row: 0, covered: vec![false, true, true] };
/// assert_eq!(experiment.scores(), [7.0]);
/// assert_eq!(experiment.covered_scores(&fill, &[cover])?, [1.0]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
#[derive(Debug)]
pub struct Experiment<'m> {
    question: Question<'m>,
    scored: Scored,
    units: Units,
    schedule: Schedule,
}

/// A copy of a row in which some units are covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The row.
    pub row: usize,
    /// Whether each unit is covered.
    pub covered: Vec<bool>,
}

impl Cover {
    /// Covers the given units of a row.
    ///
    /// # Panics
    /// Panics if a unit is not smaller than `count`.
    pub fn of(row: usize, count: usize, units: &[usize]) -> Self {
        let mut covered = vec![false; count];
        units.iter().for_each(|&unit| covered[unit] = true);
        Self { row, covered }
    }

    /// Covers everything else.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self { row: self.row, covered: self.covered.iter().map(|covered| !covered).collect() }
    }
}

impl<'m> Experiment<'m> {
    /// Takes a snapshot of the model, and scores the input.
    ///
    /// # Errors
    /// [`Error::UnitsWidth`], and those of [`Question::new`] and [`Question::resolve`].
    pub fn new<M: Model<I> + 'm, I: Inputs + 'm>(
        model: &M,
        input: I,
        target: Target,
        units: Units,
        schedule: Schedule,
    ) -> Result<Self> {
        let question = Question::new(model, input, target, None)?;
        let (expected, found) = (question.input.width(), units.width());
        if expected != found {
            return Err(Error::UnitsWidth { expected, found });
        }
        let scored = question.resolve(&schedule)?;
        Ok(Self { question, scored, units, schedule })
    }

    /// Returns the score of each row as it is.
    pub fn scores(&self) -> &[f64] {
        &self.scored.scores
    }

    /// Returns the score, the target and the warnings of the input as it is.
    pub fn scored(&self) -> &Scored {
        &self.scored
    }

    /// Returns the units.
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// Returns the input.
    pub fn input(&self) -> &Batch {
        &self.question.input
    }

    /// Takes what units are covered with: as many rows as the input has.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has another shape than the input, and those of [`Batch::new`].
    pub fn fill<I: Inputs>(&self, fill: I) -> Result<Batch> {
        self.like_input("a fill", fill)
    }

    /// Adds up an attribution over the units of each row.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has another shape than the input, and those of [`Batch::new`].
    pub fn unit_sums<I: Inputs>(&self, values: I) -> Result<Vec<Vec<f64>>> {
        let values = self.like_input("an attribution", values)?;
        let mut rows = vec![Vec::new(); values.rows()];
        for part in values.parts() {
            let width = part.dims()[1];
            let read = part.clone().try_into_vec_as::<f64>();
            let read = read.map_err(saliency_core::Error::device)?;
            for (row, values) in rows.iter_mut().zip(read.chunks(width)) {
                row.extend_from_slice(values);
            }
        }
        Ok(rows.iter().map(|row| self.units.sums(row)).collect())
    }

    fn like_input<I: Inputs>(&self, what: &'static str, inputs: I) -> Result<Batch> {
        let batch = Batch::new(inputs)?;
        let (expected, found) = (self.input().shapes(), batch.shapes());
        if expected != found {
            return Err(Error::Shape { what, expected, found });
        }
        Ok(batch)
    }

    /// Returns the score of each covered copy.
    ///
    /// # Errors
    /// [`Error::Cover`], and the model's.
    pub fn covered_scores(&self, fill: &Batch, covers: &[Cover]) -> Result<Vec<f64>> {
        let mut scores = Vec::with_capacity(covers.len());
        self.run(
            fill,
            covers,
            |copies, rows| {
                let target = self.scored.target.select(rows);
                self.question.evaluator.scores_at(copies, &target)
            },
            |found| scores.extend(found),
        )?;
        Ok(scores)
    }

    /// Returns the model's outputs for each covered copy.
    ///
    /// # Errors
    /// [`Error::Cover`], and the model's.
    pub fn covered_outputs(&self, fill: &Batch, covers: &[Cover]) -> Result<Vec<Vec<f64>>> {
        let mut outputs = Vec::with_capacity(covers.len());
        self.run(
            fill,
            covers,
            |copies, _| self.question.evaluator.outputs_at(copies),
            |found| outputs.extend(found),
        )?;
        Ok(outputs)
    }

    /// Makes covered copies chunk by chunk, and hands them to the model. Answers come in order.
    fn run<T: Send>(
        &self,
        fill: &Batch,
        covers: &[Cover],
        ask: impl Fn(Batch, &[usize]) -> saliency_core::Result<T> + Sync,
        mut take: impl FnMut(T) + Send,
    ) -> Result<()> {
        let (rows, units) = (self.input().rows(), self.units.count());
        let wrong = |cover: &&Cover| cover.row >= rows || cover.covered.len() != units;
        if let Some(cover) = covers.iter().find(wrong) {
            let (row, found) = (cover.row, cover.covered.len());
            return Err(Error::Cover { rows, units, row, found });
        }
        if covers.is_empty() {
            return Ok(());
        }
        let work = Work::start(&self.schedule, self.input(), covers.len())?;
        work.run(
            &work.chunks(covers.len(), 0..1),
            |chunk| {
                let covers = &covers[chunk.rows.clone()];
                let rows: Vec<usize> = covers.iter().map(|cover| cover.row).collect();
                ask(self.copies(fill, covers, &rows), &rows)
            },
            |_, answers| {
                take(answers);
                Ok(())
            },
        )?;
        Ok(())
    }

    /// Makes a covered copy for each cover.
    fn copies(&self, fill: &Batch, covers: &[Cover], rows: &[usize]) -> Batch {
        let (input, fill) = (self.input().select(rows), fill.select(rows));
        let mut before = 0;
        let copies = input.zip(&fill, |part, fill| {
            let width = part.dims()[1];
            let of = &self.units.of_each()[before..before + width];
            before += width;
            let mask = covers.iter().flat_map(|cover| of.iter().map(|&unit| cover.covered[unit]));
            let mask: Vec<bool> = mask.collect();
            let mask = Tensor::<1, burn::tensor::Bool>::from_data(&mask[..], &part.device());
            part.mask_where(mask.reshape([covers.len(), width]), fill)
        });
        copies.with_fixed_of(&input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use saliency_core::{Fixed, pure_function};

    #[test]
    fn covered_units_have_the_values_of_the_fill_and_fixed_tensors_stay() {
        let device = Device::flex();
        let weighted = pure_function(|(x, Fixed(weight)): (Tensor<3>, Fixed<Tensor<1>>)| {
            let rows = x.dims()[0];
            x.flatten::<2>(1, 2).sum_dim(1) * weight.reshape([rows, 1])
        });
        let x =
            Tensor::<3>::from_data([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]], &device);
        let weight = Tensor::<1>::from_data([1.0, 10.0], &device);
        let units = Units::labels(vec![0, 0, 1, 1, 2]).unwrap();
        let (input, target) = ((x.clone(), Fixed(weight)), Target::Class(0));
        let experiment =
            Experiment::new(&weighted, input, target, units, Schedule::new().with_chunk(2))
                .unwrap();
        assert_eq!(experiment.scores(), [10.0, 260.0]);
        let fill = (x.ones_like() * 0.5, Fixed(Tensor::<1>::zeros([2], &device)));
        let fill = experiment.fill(fill).unwrap();
        let covers = [
            Cover::of(0, 3, &[]),
            Cover::of(1, 3, &[1]),
            Cover::of(0, 3, &[0, 1, 2]),
            Cover::of(1, 3, &[1]).inverted(),
        ];
        let scores = experiment.covered_scores(&fill, &covers).unwrap();
        assert_eq!(scores, [10.0, 120.0, 2.0, 160.0]);
        let outputs = experiment.covered_outputs(&fill, &covers).unwrap();
        assert_eq!(outputs, [[10.0], [120.0], [2.0], [160.0]]);
        assert_eq!(experiment.covered_scores(&fill, &[]).unwrap(), [0.0; 0]);
    }

    #[test]
    fn what_does_not_fit_the_input_is_refused() {
        let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
        let x = Tensor::<2>::ones([2, 3], &Device::flex());
        let new =
            |units| Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new());
        let error = new(Units::values(4)).unwrap_err();
        assert_eq!(error, Error::UnitsWidth { expected: 3, found: 4 });
        let experiment = new(Units::values(3)).unwrap();
        let error = experiment.fill(x.clone().narrow(0, 0, 1)).unwrap_err().to_string();
        assert_eq!(error, "expected a fill of the input's shape [[2, 3]], found [[1, 3]]");
        let fill = experiment.fill(x.clone()).unwrap();
        for cover in [Cover::of(2, 3, &[]), Cover::of(0, 2, &[])] {
            let error = experiment.covered_scores(&fill, &[cover]).unwrap_err();
            assert!(matches!(error, Error::Cover { rows: 2, units: 3, .. }), "{error}");
        }
        let sums = experiment.unit_sums(x * 2.0).unwrap();
        assert_eq!(sums, [[2.0; 3], [2.0; 3]]);
    }
}
