//! How much the maps of perturbed inputs differ from the map of the input.

use saliency_core::kit::{Batch, Noise, Question};
use saliency_core::{Distribution, Explainer, Inputs, Model, NoiseScale, Rows, Schedule, Target};

use crate::error::{Error, Result};
use crate::experiment::CopiedRows;
use crate::maps::relative_distance;
use crate::perturbation::Perturbation;

/// The options of max- and average-sensitivity.
#[derive(Clone, Debug)]
pub(super) struct SensitivityOptions {
    pub perturbation: Perturbation,
    pub draws: usize,
}

impl Default for SensitivityOptions {
    fn default() -> Self {
        Self { perturbation: uniform(0.02, 0), draws: 10 }
    }
}

/// Returns noise that is uniform from -radius to radius.
pub(super) fn uniform(radius: f64, seed: u64) -> Perturbation {
    let scale = NoiseScale::Absolute(radius / 3f64.sqrt());
    Perturbation::noise(Noise { distribution: Distribution::Uniform, seed, ..Noise::new(scale) })
}

/// The number of copies that an explainer is given at once, at least.
const COPIES_AT_ONCE: usize = 32;

/// An input and its map.
#[derive(Default)]
pub(super) struct Explained {
    pub map: Vec<f64>,
    /// The values and the outputs of the model, if they were asked for.
    pub input: Vec<f64>,
    pub outputs: Vec<f64>,
}

/// What the change of a map is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComparedWith {
    /// With the map itself.
    Nothing,
    /// With the changes of the input and of the outputs.
    InputsAndOutputs,
}

impl SensitivityOptions {
    /// Returns, for each row, the relative distance of the map of each perturbed input.
    pub fn distances<M: Model<I>, I: Inputs>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<Vec<Vec<f64>>> {
        self.compare(explainer, model, input, target, ComparedWith::Nothing, |whole, found| {
            relative_distance(&whole.map, &found.map)
        })
    }

    /// Compares, for each row, the map of each perturbed input with that of the input.
    pub fn compare<M: Model<I>, I: Inputs, T: Clone>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
        with: ComparedWith,
        compared: impl Fn(&Explained, &Explained) -> T,
    ) -> Result<Vec<Vec<T>>> {
        if self.draws == 0 {
            let (expected, found) = ("at least 1", "0".to_owned());
            return Err(Error::InvalidOption { option: "draws", expected, found });
        }
        // Every copy is explained for the class of its row.
        let question = Question::new(model, input, target, None)?;
        let target: Target = question.resolve(&Schedule::new())?.target.into();
        let input = &question.input;
        let rows = input.rows();
        let explain = |copies: &CopiedRows, batch: Batch| -> Result<Vec<Explained>> {
            let of = Rows::all(rows).select(&copies.rows);
            let target = target.select(&copies.rows);
            let map = explainer.attribute_rows(model, batch.clone().into_inputs(), target, &of)?;
            let maps = Batch::new(map.values)?.without_fixed().host_rows()?;
            let explained = maps.into_iter().map(|map| Explained { map, ..Explained::default() });
            let mut explained: Vec<Explained> = explained.collect();
            if with == ComparedWith::InputsAndOutputs {
                let outputs = outputs(&question, &batch)?;
                let inputs = batch.without_fixed().host_rows()?;
                for ((explained, input), outputs) in explained.iter_mut().zip(inputs).zip(outputs) {
                    (explained.input, explained.outputs) = (input, outputs);
                }
            }
            Ok(explained)
        };
        let whole = CopiedRows { rows: (0..rows).collect(), samples: vec![0; rows] };
        let whole = explain(&whole, input.clone())?;

        let draws = self.perturbation.of(input)?;
        let mut results = vec![Vec::with_capacity(self.draws); rows];
        let together = (COPIES_AT_ONCE / rows).clamp(1, self.draws);
        for start in (0..self.draws).step_by(together) {
            let samples = start..(start + together).min(self.draws);
            let copies = CopiedRows {
                rows: samples.clone().flat_map(|_| 0..rows).collect(),
                samples: samples.flat_map(|sample| std::iter::repeat_n(sample, rows)).collect(),
            };
            let original = input.select(&copies.rows);
            let drawn = draws.draw(&original, &copies)?;
            let perturbed = original.zip(&drawn, |x, drawn| x + drawn).with_fixed_of(&original);
            let found = explain(&copies, perturbed)?;
            for (&row, found) in copies.rows.iter().zip(found) {
                results[row].push(compared(&whole[row], &found));
            }
        }
        Ok(results)
    }
}

/// Returns the outputs of the model for each row, some rows at a time.
fn outputs(question: &Question<'_>, batch: &Batch) -> Result<Vec<Vec<f64>>> {
    let mut outputs = Vec::with_capacity(batch.rows());
    for start in (0..batch.rows()).step_by(COPIES_AT_ONCE) {
        let count = COPIES_AT_ONCE.min(batch.rows() - start);
        outputs.extend(question.evaluator.outputs_at(batch.narrow(start, count))?);
    }
    Ok(outputs)
}
