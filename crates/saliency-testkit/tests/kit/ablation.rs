//! A method of forward passes alone: how much does the score fall if a value is set to zero?

use burn::tensor::{Device, Tensor};
use saliency_core::kit::{Batch, Question, Work};
use saliency_core::{Attribution, Explainer, Inputs, Model, Result, Schedule, Target};
use saliency_testkit::linear;

/// Sets one value after the other to zero, and takes the fall of the score.
pub struct Ablation {
    schedule: Schedule,
}

impl Ablation {
    pub fn new() -> Self {
        Self { schedule: Schedule::new() }
    }

    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}

/// Sets the given value of each row to zero; values are counted over all tensors.
fn without(batch: &Batch, values: &[usize]) -> Batch {
    let mut before = 0;
    batch.map(|part| {
        let [rows, width] = part.dims();
        let mut keep = vec![1.0f32; rows * width];
        for (row, value) in values.iter().enumerate() {
            if (before..before + width).contains(value) {
                keep[row * width + value - before] = 0.0;
            }
        }
        before += width;
        let keep = Tensor::<1>::from_data(&keep[..], &part.device());
        part * keep.reshape([rows, width])
    })
}

impl<M: Model<I>, I: Inputs> Explainer<M, I> for Ablation {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        let question = Question::new(model, input, target, None)?;
        let (evaluator, input) = (&question.evaluator, &question.input);
        let scored = question.resolve(&self.schedule)?;
        let (rows, width) = (input.rows(), input.width());
        // Every row once for each of its values.
        let work = Work::start(&self.schedule, input, rows * width)?;
        let mut falls = vec![0.0f32; rows * width];
        work.run(
            &work.chunks(rows, 0..width),
            |chunk| {
                let of = chunk.row_of_each();
                let values = chunk.repeat_of_each(|value| value);
                let ablated = without(&input.select(&of), &values);
                let scores = evaluator.scores_at(ablated, &scored.target.select(&of))?;
                Ok((of, values, scores))
            },
            |_, (of, values, scores)| {
                for ((row, value), score) in of.into_iter().zip(values).zip(scores) {
                    falls[row * width + value] = (scored.scores[row] - score) as f32;
                }
                Ok(())
            },
        )?;
        // The falls of all values of a row, cut into tensors as the input is.
        let falls = Tensor::<1>::from_data(&falls[..], &input.device()).reshape([rows, width]);
        let mut before = 0;
        let values = input.map(|part| {
            let width = part.dims()[1];
            before += width;
            falls.clone().narrow(1, before - width, width)
        });
        Ok(Attribution::of(values, scored).with_evaluations(width).into_inputs())
    }
}

#[test]
fn the_fall_of_a_linear_score_is_weight_times_value() {
    let device = Device::flex();
    let model = linear(&[2.0, -1.0, 0.5], 3.0, &device);
    let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0], [0.0, -4.0, 8.0]], &device);
    let map = Ablation::new().attribute(&model, x).unwrap();
    let values: Vec<f32> = map.values.into_data().iter().collect();
    assert_eq!(values, [2.0, -2.0, 1.5, 0.0, 4.0, 4.0]);
    assert_eq!(map.evaluations, [3, 3]);
}
