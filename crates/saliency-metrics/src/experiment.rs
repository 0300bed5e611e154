//! Covers units of an input, and asks the model again.

use burn::tensor::Tensor;
use saliency_core::kit::{Batch, Chunk, Key, Question, Scored, Work};
use saliency_core::{Inputs, Model, Schedule, Target};

use crate::error::{Error, Result};
use crate::fill::Fill;
use crate::maps::check_maps;
use crate::units::{Units, ranking};

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

/// Whether a curve follows the score, or whether the answer is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Followed {
    #[default]
    Score,
    /// 1 if the largest output is that of the class that is explained, else 0.
    Accuracy,
}

/// The rows that copies are made from, and the number of each copy among those of its row.
pub(crate) struct CopiedRows {
    pub rows: Vec<usize>,
    pub samples: Vec<usize>,
}

impl CopiedRows {
    /// Returns the key of the random numbers of each copy.
    pub fn keys(&self, seed: u64) -> Vec<Key> {
        let copies = self.rows.iter().zip(&self.samples);
        copies.map(|(&row, &sample)| Key { seed, row: row as u64, sample: sample as u64 }).collect()
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

    /// Takes values that units are covered with: as many rows as the input has.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has another shape than the input, and those of [`Batch::new`].
    pub fn fill<I: Inputs>(&self, fill: I) -> Result<Fill> {
        Ok(Fill::values(self.like_input("a fill", fill)?))
    }

    /// Takes an attribution for metrics of single values, such as
    /// [`Infidelity`](crate::Infidelity).
    ///
    /// # Errors
    /// [`Error::Shape`] if it has another shape than the input, and those of [`Batch::new`].
    pub fn attribution<I: Inputs>(&self, values: I) -> Result<Batch> {
        self.like_input("an attribution", values)
    }

    /// Spreads maps over the values of their units, in equal shares: the attribution whose
    /// [sums](Self::unit_sums) are the maps.
    ///
    /// # Errors
    /// [`Error::MapUnits`] if there is not a map for each row, with a value for each unit.
    pub fn spread(&self, maps: &[Vec<f64>]) -> Result<Batch> {
        check_maps(maps, self.input().rows(), self.units.count())?;
        let sizes = self.units.sums(&vec![1.0; self.units.width()]);
        let mut before = 0;
        Ok(self.input().map(|part| {
            let [rows, width] = part.dims();
            let of = &self.units.of_each()[before..before + width];
            before += width;
            let values = maps.iter().flat_map(|map| of.iter().map(|&at| map[at] / sizes[at]));
            let values: Vec<f64> = values.collect();
            let values = Tensor::<1>::from_data(&values[..], (&part.device(), part.dtype()));
            values.reshape([rows, width])
        }))
    }

    /// Adds up an attribution over the units of each row.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has another shape than the input, and those of [`Batch::new`].
    pub fn unit_sums<I: Inputs>(&self, values: I) -> Result<Vec<Vec<f64>>> {
        let values = self.like_input("an attribution", values)?;
        Ok(values.host_rows()?.iter().map(|row| self.units.sums(row)).collect())
    }

    fn like_input<I: Inputs>(&self, what: &'static str, inputs: I) -> Result<Batch> {
        let batch = Batch::new(inputs)?;
        let (expected, found) = (self.input().shapes(), batch.shapes());
        if expected != found {
            return Err(Error::Shape { what, expected, found });
        }
        // On the input's device, so that both can be computed with.
        Ok(batch.zip(self.input(), |part, like| part.to_device(&like.device())))
    }

    /// Returns the covered copies, a row for each cover: what the model is shown. To look at a few of
    /// them, because all are in memory at once.
    ///
    /// # Errors
    /// [`Error::Shape`] if the fill has another shape than the input, [`Error::NoNeighbours`],
    /// [`Error::Cover`], and [`Error::InvalidOption`] if there is no cover.
    pub fn covered(&self, fill: &Fill, covers: &[Cover]) -> Result<Batch> {
        fill.check(self.input())?;
        self.check_covers(covers)?;
        if covers.is_empty() {
            let (expected, found) = ("at least one", "none".to_owned());
            return Err(Error::InvalidOption { option: "covers", expected, found });
        }
        let rows: Vec<usize> = covers.iter().map(|cover| cover.row).collect();
        Ok(self.copies(fill, covers, &rows)?)
    }

    /// Returns the score of each covered copy.
    ///
    /// # Errors
    /// [`Error::Shape`] if the fill has another shape than the input, [`Error::NoNeighbours`],
    /// [`Error::Cover`], and the model's.
    pub fn covered_scores(&self, fill: &Fill, covers: &[Cover]) -> Result<Vec<f64>> {
        self.covered_scores_by(fill, covers.len(), |at| covers[at].clone())
    }

    /// Returns the score of each of `count` covered copies, whose covers are made when they are
    /// needed, so that many covers of many units take no memory.
    ///
    /// # Errors
    /// [`Error::Shape`] if the fill has another shape than the input, [`Error::NoNeighbours`],
    /// [`Error::Cover`], and the model's.
    pub fn covered_scores_by(
        &self,
        fill: &Fill,
        count: usize,
        cover: impl Fn(usize) -> Cover + Sync,
    ) -> Result<Vec<f64>> {
        let mut scores = Vec::with_capacity(count);
        self.run(
            fill,
            count,
            cover,
            |copies, rows| self.scores_at(copies, rows),
            |found| scores.extend(found),
        )?;
        Ok(scores)
    }

    /// Returns the model's outputs for each covered copy. If the target is a box or pixels, these are
    /// the scores of all classes there:
    /// [`ResolvedTarget::class_scores`](saliency_core::ResolvedTarget::class_scores).
    ///
    /// # Errors
    /// [`Error::Shape`] if the fill has another shape than the input, [`Error::NoNeighbours`],
    /// [`Error::Cover`], and the model's.
    pub fn covered_outputs(&self, fill: &Fill, covers: &[Cover]) -> Result<Vec<Vec<f64>>> {
        let mut outputs = Vec::with_capacity(covers.len());
        self.run(
            fill,
            covers.len(),
            |at| covers[at].clone(),
            |copies, rows| self.class_scores_at(copies, rows),
            |found| outputs.extend(found),
        )?;
        Ok(outputs)
    }

    /// Returns the score of copies that were made from the given rows, given to the model at once:
    /// inside [`for_copies`](Self::for_copies).
    pub(crate) fn scores_at(
        &self,
        copies: Batch,
        rows: &[usize],
    ) -> saliency_core::Result<Vec<f64>> {
        self.question.evaluator.scores_at(copies, &self.scored.target.select(rows))
    }

    /// Returns the scores of all classes for copies that were made from the given rows.
    fn class_scores_at(
        &self,
        copies: Batch,
        rows: &[usize],
    ) -> saliency_core::Result<Vec<Vec<f64>>> {
        self.question.evaluator.class_scores_at(copies, &self.scored.target.select(rows))
    }

    /// Asks about `copies` copies of every row, chunk by chunk, and hands on the answers in order.
    pub(crate) fn for_copies<T: Send>(
        &self,
        copies: usize,
        ask: impl Fn(&CopiedRows) -> saliency_core::Result<T> + Sync,
        mut take: impl FnMut(&CopiedRows, T) + Send,
    ) -> Result<()> {
        let rows = self.input().rows();
        let work = Work::start(&self.schedule, self.input(), rows * copies)?;
        let of = |chunk: &Chunk| CopiedRows {
            rows: chunk.row_of_each(),
            samples: chunk.repeat_of_each(|sample| sample),
        };
        work.run(
            &work.chunks(rows, 0..copies),
            |chunk| ask(&of(chunk)),
            |chunk, answers| {
                take(&of(chunk), answers);
                Ok(())
            },
        )?;
        Ok(())
    }

    /// Returns what a curve follows for copies that were made from the given rows: inside
    /// [`run`](Self::run).
    pub(crate) fn followed_at(
        &self,
        copies: Batch,
        rows: &[usize],
        followed: Followed,
    ) -> saliency_core::Result<Vec<f64>> {
        if followed == Followed::Score {
            return self.scores_at(copies, rows);
        }
        let classes = self.scored.target.select(rows).classes(rows.len());
        let outputs = self.class_scores_at(copies, rows)?;
        let answers = outputs.iter().map(|outputs| Some(ranking(outputs)[0]));
        Ok(answers.zip(classes).map(|(answer, class)| f64::from(answer == class)).collect())
    }

    /// Refuses a target without a class, if correct answers are counted.
    pub(crate) fn check_followed(&self, followed: Followed) -> Result<()> {
        let classes = self.scored.target.classes(self.input().rows());
        if followed == Followed::Accuracy && classes.contains(&None) {
            return Err(Error::NoClass);
        }
        Ok(())
    }

    /// Makes covered copies chunk by chunk, and asks about them. Answers come in order.
    pub(crate) fn run<T: Send>(
        &self,
        fill: &Fill,
        count: usize,
        cover: impl Fn(usize) -> Cover + Sync,
        ask: impl Fn(Batch, &[usize]) -> saliency_core::Result<T> + Sync,
        mut take: impl FnMut(T) + Send,
    ) -> Result<()> {
        fill.check(self.input())?;
        if count == 0 {
            return Ok(());
        }
        let work = Work::start(&self.schedule, self.input(), count)?;
        let mut wrong = None;
        let result = work.run(
            &work.chunks(count, 0..1),
            |chunk| {
                let covers: Vec<Cover> = chunk.rows.clone().map(&cover).collect();
                if let Err(error) = self.check_covers(&covers) {
                    return Ok(Err(error));
                }
                let rows: Vec<usize> = covers.iter().map(|cover| cover.row).collect();
                ask(self.copies(fill, &covers, &rows)?, &rows).map(Ok)
            },
            |_, answers| match answers {
                Ok(answers) => {
                    take(answers);
                    Ok(())
                }
                Err(error) => {
                    wrong = Some(error);
                    Err(saliency_core::Error::device_message("a cover is wrong"))
                }
            },
        );
        match wrong {
            Some(error) => Err(error),
            None => Ok(result?),
        }
    }

    /// Refuses covers for rows or units that do not exist.
    fn check_covers(&self, covers: &[Cover]) -> Result<()> {
        let (rows, units) = (self.input().rows(), self.units.count());
        let wrong = |cover: &&Cover| cover.row >= rows || cover.covered.len() != units;
        let Some(cover) = covers.iter().find(wrong) else { return Ok(()) };
        let (row, found) = (cover.row, cover.covered.len());
        Err(Error::Cover { rows, units, row, found })
    }

    /// Makes a covered copy for each cover.
    fn copies(
        &self,
        fill: &Fill,
        covers: &[Cover],
        rows: &[usize],
    ) -> saliency_core::Result<Batch> {
        let mask = |cover: &Cover| -> Vec<bool> {
            self.units.of_each().iter().map(|&unit| cover.covered[unit]).collect()
        };
        let masks: Vec<_> = covers.iter().map(mask).collect();
        fill.cover(&self.input().select(rows), rows, &masks)
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
        let none = experiment.covered(&fill, &[]).unwrap_err();
        assert!(matches!(none, Error::InvalidOption { option: "covers", .. }), "{none}");
        let (copies, _) = experiment
            .covered(&fill, &covers[1..3])
            .unwrap()
            .into_inputs::<(Tensor<3>, Fixed<Tensor<1>>)>();
        assert_eq!(copies.dims(), [2, 2, 2]);
        let copies = copies.try_into_vec_as::<f32>().unwrap();
        assert_eq!(copies, [5.0, 6.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
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
            let error = experiment.covered_scores(&fill, std::slice::from_ref(&cover)).unwrap_err();
            assert!(matches!(error, Error::Cover { rows: 2, units: 3, .. }), "{error}");
            assert_eq!(experiment.covered(&fill, &[cover]).unwrap_err(), error);
        }
        // A batch that `fill` has not seen.
        let other = Batch::new(x.clone().narrow(1, 0, 2)).unwrap();
        let error = experiment
            .covered_scores(&Fill::values(other.clone()), &[Cover::of(0, 3, &[])])
            .unwrap_err();
        assert!(matches!(error, Error::Shape { what: "a fill", .. }), "{error}");
        assert_eq!(experiment.covered(&Fill::values(other), &[]).unwrap_err(), error);
        let sums = experiment.unit_sums(x * 2.0).unwrap();
        assert_eq!(sums, [[2.0; 3], [2.0; 3]]);
    }

    #[test]
    fn maps_are_spread_over_the_values_of_their_units() {
        let x = Tensor::<2>::ones([1, 3], &Device::flex());
        let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
        let units = Units::labels(vec![0, 1, 0]).unwrap();
        let experiment =
            Experiment::new(&sum, x, Target::Class(0), units, Schedule::new()).unwrap();
        let spread = experiment.spread(&[vec![3.0, 5.0]]).unwrap();
        let spread: Tensor<2> = spread.into_inputs();
        assert_eq!(spread.clone().try_into_vec_as::<f32>().unwrap(), [1.5, 5.0, 1.5]);
        assert_eq!(experiment.unit_sums(spread).unwrap(), [[3.0, 5.0]]);
        let error = experiment.spread(&[vec![3.0]]).unwrap_err();
        assert_eq!(error, Error::MapUnits { rows: 1, units: 2, found: vec![1] });
    }

    #[test]
    fn metrics_are_cancelled_and_do_not_depend_on_the_chunks() {
        let model = pure_function(|x: Tensor<2>| x.powi_scalar(3).sum_dim(1));
        let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0], [0.1, -0.3, 0.7]], &Device::flex());
        let run = |schedule: Schedule| {
            let (target, units) = (Target::Class(0), Units::values(3));
            let experiment = Experiment::new(&model, x.clone(), target, units, schedule)?;
            let map = experiment.attribution(x.clone())?;
            let zeros = experiment.fill(x.zeros_like())?;
            let maps = experiment.unit_sums(x.clone())?;
            let deletion = crate::Deletion::new().area(&experiment, &zeros, &maps)?;
            Ok::<_, Error>((crate::Infidelity::new().values(&experiment, &map)?, deletion))
        };
        let found = run(Schedule::new().with_chunk(1)).unwrap();
        for chunk in [2, 7, 1000] {
            assert_eq!(run(Schedule::new().with_chunk(chunk)).unwrap(), found);
        }
        let cancel = saliency_core::Cancel::new();
        cancel.cancel();
        let error = run(Schedule::new().with_cancel(cancel)).unwrap_err();
        assert!(matches!(error, Error::Core(saliency_core::Error::Cancelled { .. })), "{error}");
    }
}
