//! Random target: is the map of another class the same?

use saliency_core::kit::{Key, Question, Stream};
use saliency_core::{Explainer, Inputs, Model, Schedule, Target};

use super::maps_of;
use super::similarity::similarities;
use crate::error::{Error, Result};
use crate::estimate::RowValues;
use crate::maps::Signs;

/// Explains another class, drawn at random for each row, and compares its map with that of the
/// class itself (random logit test).
///
/// ```text
/// value = Spearman's rank correlation of φ(class) and φ(other class)
/// ```
///
/// Small is good: a map that is the same for all classes can not say why the model chose this one.
/// An edge filter has 1. Classes that look at the same things, such as two breeds of cats, have maps
/// that are rightly alike, so that even a true method is far from -1. Rows drawn from many classes
/// say more.
///
/// The value is that of Quantus 0.6.0 for the same maps, if that is told to use rank correlation
/// instead of structural similarity. The kind of score (logits, probabilities)
/// stays that of the target.
///
/// # Shapes
/// Any explainer, any input, and a model with two outputs or more.
///
/// # Defaults
/// - with signs
/// - seed: 0
///
/// # Cost
/// Two attributions, and two forward passes.
///
/// # Errors
/// [`Error::NoOtherClass`] if the target is a function or the model has a single output, and those
/// of the explainer. A row has no value if all values of a map are equal.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Gradient, Target, pure_function};
/// use saliency_metrics::RandomTarget;
///
/// // The second output is the first, turned around.
/// let pair = pure_function(|x: Tensor<2>| {
///     let weights = Tensor::<2>::from_data([[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]], &x.device());
///     x.matmul(weights)
/// });
/// let x = Tensor::<2>::ones([1, 3], &Device::flex());
/// let found = RandomTarget::new().values(&Gradient::new(), &pair, x, Target::Predicted)?;
/// assert_eq!(found.values(), [Some(-1.0)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// L. Sixt, M. Granz, T. Landgraf, "When Explanations Lie: Why Many Modified BP Attributions Fail",
/// 2020.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomTarget {
    signs: Signs,
    seed: u64,
}

impl Default for RandomTarget {
    fn default() -> Self {
        Self { signs: Signs::Kept, seed: 0 }
    }
}

impl RandomTarget {
    /// Tests with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Compares absolute values.
    #[must_use]
    pub fn with_absolute_values(mut self) -> Self {
        self.signs = Signs::Dropped;
        self
    }

    /// Draws classes from another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the similarity of each row.
    ///
    /// # Errors
    /// See [`RandomTarget`].
    pub fn values<M: Model<I>, I: Inputs>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<RowValues> {
        let question = Question::new(model, input.clone(), target.clone(), None)?;
        let resolved = question.resolve(&Schedule::new())?.target;
        let rows = question.input.rows();
        let no_other = |found: String| Error::NoOtherClass { found };
        if resolved.reads_layout() {
            return Err(no_other("boxes, pixels or an embedding".to_owned()));
        }
        let classes: Option<Vec<usize>> = resolved.classes(rows).into_iter().collect();
        let classes = classes.ok_or_else(|| no_other("a function of them".to_owned()))?;
        let outputs = question.evaluator.outputs_at(question.input.narrow(0, 1))?[0].len();
        if outputs < 2 {
            return Err(no_other(format!("{outputs} output")));
        }
        let other = |(row, &class): (usize, &usize)| {
            let key = Key { seed: self.seed, row: row as u64, sample: 0 };
            let draw = key.uniform(Stream::Own(21), 1)[0] * (outputs - 1) as f64;
            // A step further around, so that it is never the class itself.
            (class + 1 + (draw as usize).min(outputs - 2)) % outputs
        };
        let others: Vec<usize> = classes.iter().enumerate().map(other).collect();
        let of = |classes: Vec<usize>| {
            let classes = Target::Classes(classes);
            let target = match &target {
                Target::Scored(score, _) => classes.with_score(*score),
                _ => classes,
            };
            maps_of(explainer, model, input.clone(), target)
        };
        similarities(&of(classes)?, &of(others)?, self.signs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge_filter::EdgeFilter;
    use crate::fixtures::{Net, photos};
    use burn::tensor::{Device, Tensor};
    use saliency_core::{Gradient, Score, pure_function};

    #[test]
    fn an_edge_filter_is_the_same_for_all_classes_and_a_gradient_is_not() {
        let (net, photos) = (Net::random(0), photos(8));
        let test = RandomTarget::new();
        let edges = test.values(&EdgeFilter::new(), &net, photos.clone(), Target::Predicted);
        assert_eq!(edges.unwrap().values(), [Some(1.0); 8]);
        let gradient = |test: RandomTarget, target| {
            test.values(&Gradient::new(), &net, photos.clone(), target).unwrap()
        };
        let found = gradient(test, Target::Predicted);
        assert!(found.mean().unwrap() < 0.7, "{found:?}");
        assert_ne!(found, gradient(test.with_seed(1), Target::Predicted));
        assert_ne!(found, gradient(test.with_absolute_values(), Target::Predicted));
        // Probabilities stay probabilities: all gradients of two classes add up to zero.
        let two = pure_function(|x: Tensor<4>| {
            let [rows, ..] = x.dims();
            let x = x.reshape([rows as i32, -1]);
            Tensor::cat(vec![x.clone().sum_dim(1), x.powi_scalar(2).sum_dim(1)], 1)
        });
        let target = Target::Class(0).with_score(Score::Probability);
        let small = photos.clone() * 0.01;
        let found = test.values(&Gradient::new(), &two, small, target).unwrap();
        assert!(found.values().iter().all(|it| it.is_some_and(|it| it < -0.99)), "{found:?}");
    }

    #[test]
    fn another_class_is_drawn_for_each_row() {
        // The map of class k prefers value k.
        let each = pure_function(|x: Tensor<2>| x);
        let x = Tensor::<2>::ones([40, 3], &Device::flex());
        let found = RandomTarget::new().values(&Gradient::new(), &each, x, Target::Class(1));
        assert_eq!(found.unwrap().values().iter().flatten().count(), 40);
    }

    #[test]
    fn a_function_and_a_single_output_have_no_other_class() {
        let run = |outputs: usize, target| {
            let model = pure_function(move |x: Tensor<2>| x.narrow(1, 0, outputs));
            let x = Tensor::<2>::ones([1, 3], &Device::flex());
            RandomTarget::new().values(&Gradient::new(), &model, x, target).unwrap_err()
        };
        let function = Target::function(|y: Tensor<2>| y.sum_dim(1).squeeze_dim(1));
        let error = run(2, function).to_string();
        assert!(error.ends_with("found a function of them"), "{error}");
        let error = run(1, Target::Class(0)).to_string();
        assert!(error.ends_with("found 1 output"), "{error}");
    }
}
