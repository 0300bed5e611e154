//! Copies of rows in which some values are replaced.

use burn::tensor::{Bool, Tensor};

use crate::error::{Error, Result, Stage};
use crate::execution::chunks::Chunk;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::batch::Batch;
use crate::model::resolved_target::ResolvedTarget;
use crate::warning::Warning;

/// The input that copies are made from, the values that replace others, and the target that copies
/// are scored for.
pub(crate) struct Copies<'a> {
    pub question: &'a Question<'a>,
    pub target: &'a ResolvedTarget,
    /// As many rows as the input has.
    pub baseline: &'a Batch,
}

impl Copies<'_> {
    /// Scores a copy of each of the given rows. Each copy has the baseline's values where its mask
    /// is true; there is a list of masks for each tensor, empty for a fixed one. Given to the model
    /// at once, inside [`Work::run`].
    ///
    /// # Errors
    /// [`Error::NotFinite`], and those of
    /// [`Evaluator::scores_at`](crate::kit::Evaluator::scores_at).
    pub fn covered(&self, rows: &[usize], masks: &[Vec<bool>]) -> Result<Vec<f64>> {
        let copies = self.question.input.select(rows);
        self.scores(cover(&copies, &self.baseline.select(rows), masks), rows)
    }

    /// Returns, row after row, by how much each of `count` covers lowers the score: `scores` are those
    /// of the input, and `masks` returns the masks of the covers with these numbers.
    ///
    /// # Errors
    /// Those of [`Work::run`] and [`covered`](Self::covered).
    pub fn falls(
        &self,
        schedule: &Schedule,
        scores: &[f64],
        count: usize,
        masks: impl Fn(&[usize]) -> Vec<Vec<bool>> + Sync,
    ) -> Result<Vec<f64>> {
        let rows = scores.len();
        let mut falls = vec![0.0; rows * count];
        let work = Work::start(schedule, &self.question.input, falls.len())?;
        let covers = |chunk: &Chunk| chunk.repeat_of_each(|cover| cover);
        work.run(
            &work.chunks(rows, 0..count),
            |chunk| self.covered(&chunk.row_of_each(), &masks(&covers(chunk))),
            |chunk, found| {
                let of_each = chunk.row_of_each().into_iter().zip(covers(chunk)).zip(found);
                for ((row, cover), score) in of_each {
                    falls[row * count + cover] = scores[row] - score;
                }
                Ok(())
            },
        )?;
        Ok(falls)
    }

    /// Scores copies that were made from the given rows.
    ///
    /// # Errors
    /// As [`covered`](Self::covered).
    pub fn scores(&self, copies: Batch, rows: &[usize]) -> Result<Vec<f64>> {
        let scores = self.question.evaluator.scores_at(copies, &self.target.select(rows))?;
        let bad = scores.iter().enumerate().filter(|(_, score)| !score.is_finite());
        match Error::not_finite_rows(Stage::CoveredScore, bad.map(|(at, _)| at)) {
            Some(error) => Err(error),
            None => Ok(scores),
        }
    }

    /// Scores the baseline of every row.
    ///
    /// # Errors
    /// Those of [`Evaluator::scores`](crate::kit::Evaluator::scores).
    pub fn baseline_scores(&self, schedule: &Schedule) -> Result<Vec<f64>> {
        let scores = self.question.evaluator.scores(schedule, self.baseline, self.target);
        scores.map_err(|error| error.with_stage(Stage::Score, Stage::BaselineScore))
    }

    /// Returns the warnings that are known after the work: the model was given single rows, and the
    /// baseline of a row is the row itself.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn warnings(&self) -> Result<Vec<Warning>> {
        let differences = self.baseline.zip(&self.question.input, |base, x| (x - base).abs());
        let sizes = differences.without_fixed().row_sums()?.into_iter().enumerate();
        let same = sizes.filter(|(_, size)| *size == 0.0);
        let same = same.map(|(row, _)| Warning::BaselineIsInput { row });
        Ok(same.chain(self.question.evaluator.one_row_warning()).collect())
    }

    /// Returns a check that a long chunk of work can ask between two calls of the model: an error
    /// if the work is cancelled.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] of the schedule.
    pub fn interruptible<'s>(&self, silent: &'s Schedule) -> Result<Work<'s>> {
        Work::start(silent, &self.question.input, 0)
    }
}

/// Replaces values of `copies` by those of `fill` where the masks are true: a list of masks for each
/// tensor, empty for a fixed one.
pub(crate) fn cover(copies: &Batch, fill: &Batch, masks: &[Vec<bool>]) -> Batch {
    let mut masks = masks.iter();
    copies.zip(fill, |part, fill| {
        let mask = masks.next().expect("a list of masks for each tensor");
        if mask.is_empty() {
            return part;
        }
        let mask = Tensor::<1, Bool>::from_data(&mask[..], &part.device());
        let shape = part.dims();
        part.mask_where(mask.reshape(shape), fill)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::inputs::Fixed;
    use burn::tensor::Device;

    #[test]
    fn covered_values_are_exactly_the_baseline_and_the_others_stay() {
        let device = Device::flex();
        let x = Tensor::<2>::from_data([[0.1, 0.2], [0.3, 0.7]], &device);
        let fixed = Fixed(Tensor::<2>::from_data([[f32::INFINITY], [1.0]], &device));
        let input = Batch::new((x, fixed)).unwrap();
        let fill = input.map(|part| part.full_like(0.6));
        let masks = vec![vec![true, false, false, true], vec![]];
        let found = cover(&input, &fill.with_fixed_of(&input), &masks).host_rows().unwrap();
        let near = |a: f64, b: f64| assert_eq!(a as f32, b as f32);
        near(found[0][0], 0.6);
        near(found[0][1], 0.2);
        near(found[1][1], 0.6);
        assert_eq!((found[0][2], found[1][2]), (f64::INFINITY, 1.0));
    }
}
