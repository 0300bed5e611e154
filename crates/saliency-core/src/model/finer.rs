//! The target of Finer-CAM: a class against the classes that are most like it.

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, TensorData};

use crate::error::{Error, Result, Stage};
use crate::model::output::Output;
use crate::model::per_row::PerRow;

/// What speaks for a class rather than for those that the model takes for most similar? Used by
/// [`Target::finer`](crate::Target::finer). With a method of the CAM family this is Finer-CAM;
/// every other method can explain it too.
///
/// ```text
/// f(x) = Σ w_d (y_c(x) - α y_d(x)) = y_c(x) - α Σ w_d y_d(x),     w = softmax over d of y_d(x)
///        d                                      d
/// ```
///
/// The classes d are those whose outputs for the unchanged input are closest to that of class c.
/// They are chosen once for each row, and stay the same along paths and under noise; their weights
/// w follow the input.
///
/// # Parameters and defaults
/// - class c: the one with the highest output
/// - classes d: the three whose outputs are closest to y_c, or as many as there are; if two are
///   equally close, the one with the lower number comes first
/// - strength α: 1. With 0 this is the class alone
///
/// # Errors
/// [`Error::ClassOutOfRange`]; [`Error::TargetCount`]; [`Error::NotFinite`] if outputs are not
/// finite; [`Error::InvalidOption`] for a strength that is negative or not finite, for no classes
/// to compare with, and for a model that gives a single score.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Finer, Gradient, Target, pure_function};
///
/// // Classes 0 and 1 both see the first value; only class 0 sees the second.
/// let model = pure_function(|x: Tensor<2>| {
///     let (shared, own) = (x.clone().narrow(1, 0, 1), x.narrow(1, 1, 1));
///     Tensor::cat(vec![shared.clone() + own.clone(), shared, own * -1], 1)
/// });
/// let x = Tensor::<2>::from_data([[3.0, 1.0]], &Device::flex());
/// let target = Target::finer(Finer::new().with_count(1));
/// let map = Gradient::new().attribute_to(&model, x, target)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [0.0, 1.0]);
/// assert_eq!(map.targets, [Some(0)]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Zhang, Gu, Chowdhury, Mai, Carlyn, Berger-Wolf, Su and Chao, *Finer-CAM: Spotting the Difference
/// Reveals Finer Details for Visual Explanation*, 2025, <https://arxiv.org/abs/2501.11309>. The
/// weights are those of the authors' code.
#[derive(Clone, Debug)]
pub struct Finer {
    class: Option<PerRow<usize>>,
    count: usize,
    strength: f64,
    /// The classes to compare with, once they are chosen or if they were given.
    others: Option<PerRow<Vec<usize>>>,
}

impl Default for Finer {
    fn default() -> Self {
        Self { class: None, count: 3, strength: 1.0, others: None }
    }
}

impl Finer {
    /// Compares the predicted class of each row with the three that are most similar.
    pub fn new() -> Self {
        Self::default()
    }

    /// Explains this class, in every row.
    #[must_use]
    pub fn with_class(mut self, class: usize) -> Self {
        self.class = Some(PerRow::All(class));
        self
    }

    /// Explains these classes, one for each row.
    #[must_use]
    pub fn with_classes(mut self, classes: Vec<usize>) -> Self {
        self.class = Some(PerRow::Each(classes));
        self
    }

    /// Compares with this many of the most similar classes; at least 1.
    #[must_use]
    pub fn with_count(mut self, count: usize) -> Self {
        self.count = count;
        self.others = None;
        self
    }

    /// Compares with these classes, in every row, instead of the most similar ones.
    #[must_use]
    pub fn with_others(mut self, others: Vec<usize>) -> Self {
        self.others = Some(PerRow::All(others));
        self
    }

    /// Sets how strongly the other classes count; not negative.
    #[must_use]
    pub fn with_strength(mut self, strength: f64) -> Self {
        self.strength = strength;
        self
    }

    /// Returns whether the class with the highest score is to be explained.
    pub(crate) fn is_predicted(&self) -> bool {
        self.class.is_none()
    }

    /// Refuses options outside their range, and lists that are not as long as the batch.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<()> {
        if !(self.strength >= 0.0 && self.strength.is_finite()) {
            let expected = "finite and not negative";
            return Err(Error::invalid_option("strength of a comparison", expected, self.strength));
        }
        let none = |others: &PerRow<Vec<usize>>| others.values().iter().any(Vec::is_empty);
        if self.count == 0 || self.others.as_ref().is_some_and(none) {
            return Err(Error::invalid_option("classes to compare with", "at least 1", 0));
        }
        self.class.as_ref().map_or(Ok(()), |class| class.check_rows(rows))
    }

    /// Chooses the class of each row, and the classes to compare it with.
    pub(crate) fn resolve(&self, output: &Output<'_>) -> Result<Self> {
        let [rows, scores] = output.dims();
        if scores < 2 {
            return Err(Error::invalid_option(
                "scores of the model",
                "at least 2 to compare",
                scores,
            ));
        }
        let given = self.others.iter().flat_map(|others| others.values().iter().flatten());
        let named = self.class.iter().flat_map(PerRow::values);
        if let Some(&class) = named.chain(given).find(|class| **class >= scores) {
            return Err(Error::ClassOutOfRange { class, scores });
        }
        let (mut classes, mut chosen) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let mut bad = Vec::new();
        for (row, outputs) in output.rows()?.enumerate() {
            if !outputs.iter().all(|output| output.is_finite()) {
                bad.push(row);
            }
            let class =
                match &self.class {
                    Some(class) => *class.of(row),
                    None => (1..scores).fold(0, |best, class| {
                        if outputs[class] > outputs[best] { class } else { best }
                    }),
                };
            classes.push(class);
            chosen.push(self.most_similar(outputs, class));
        }
        if let Some(error) = Error::not_finite_rows(Stage::Score, bad) {
            return Err(error);
        }
        let others = self.others.clone().unwrap_or(PerRow::Each(chosen));
        Ok(Self { class: Some(PerRow::Each(classes)), others: Some(others), ..*self })
    }

    /// Returns the classes whose outputs are closest to that of a class.
    fn most_similar(&self, outputs: &[f64], class: usize) -> Vec<usize> {
        let mut others: Vec<usize> = (0..outputs.len()).filter(|&other| other != class).collect();
        let distance = |other: &usize| (outputs[*other] - outputs[class]).abs();
        others.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        others.truncate(self.count);
        others
    }

    /// Returns the class of each row. Classes must be chosen.
    pub(crate) fn classes(&self, rows: usize) -> Vec<usize> {
        let class = self.class.as_ref().expect("`resolve` chose the classes");
        (0..rows).map(|row| *class.of(row)).collect()
    }

    /// Returns the difference of each row: from `[rows, scores]` to `[rows]`.
    pub(crate) fn score(&self, scores: Tensor<2>) -> Tensor<1> {
        let rows = scores.dims()[0];
        let others = self.others.as_ref().expect("`resolve` chose the classes");
        let own = of_each(&scores, &self.classes(rows), 1);
        let others: Vec<usize> = (0..rows).flat_map(|row| others.of(row).clone()).collect();
        let others = of_each(&scores, &others, others.len() / rows);
        let weights = softmax(others.clone(), 1);
        (own - (weights * others).sum_dim(1) * self.strength).reshape([rows])
    }

    /// Returns the target of the given rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let class = self.class.as_ref().map(|class| class.select(rows));
        let others = self.others.as_ref().map(|others| others.select(rows));
        Self { class, others, ..*self }
    }

    /// Appends the target of the rows in `more`. Both must be chosen from the same target.
    pub(crate) fn followed_by(self, more: Self) -> Self {
        let class = self.class.zip(more.class).map(|(class, more)| class.followed_by(more));
        let others = self.others.zip(more.others).map(|(others, more)| others.followed_by(more));
        Self { class, others, count: self.count, strength: self.strength }
    }
}

/// Returns the same number of scores from each row: those of the given classes, row after row.
fn of_each(scores: &Tensor<2>, classes: &[usize], count: usize) -> Tensor<2> {
    let index: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
    let data = TensorData::new(index, [classes.len() / count, count]);
    scores.clone().gather(1, Tensor::<2, Int>::from_data(data, &scores.device().inner()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn resolved(finer: &Finer, outputs: [[f32; 4]; 2]) -> Finer {
        let outputs = Tensor::<2>::from_data(outputs, &Device::flex());
        finer.resolve(&Output::new(&outputs)).unwrap()
    }

    #[test]
    fn the_closest_classes_are_chosen_in_each_row_whichever_side_they_are_on() {
        let outputs = [[5.0, 1.0, 4.0, 4.5], [0.0, 9.0, 10.0, 8.0]];
        let finer = resolved(&Finer::new().with_count(2), outputs);
        assert_eq!(finer.classes(2), [0, 2]);
        assert_eq!(finer.others, Some(PerRow::Each(vec![vec![3, 2], vec![1, 3]])));
        let named = resolved(&Finer::new().with_class(2).with_count(9), outputs);
        assert_eq!(named.others, Some(PerRow::Each(vec![vec![3, 0, 1], vec![1, 3, 0]])));
        // Selected rows and joined rows are the same target.
        assert_eq!(named.select(&[1]).others, Some(PerRow::Each(vec![vec![1, 3, 0]])));
        let joined = named.select(&[0]).followed_by(named.select(&[1]));
        assert_eq!(joined.others, named.others);
    }

    #[test]
    fn the_score_is_the_class_minus_the_weighed_mean_of_the_others() {
        let outputs = [[5.0, 1.0, 4.0, 4.5], [0.0, 9.0, 10.0, 8.0]];
        let finer = resolved(&Finer::new().with_count(2).with_strength(0.5), outputs);
        let scores = finer.score(Tensor::<2>::from_data(outputs, &Device::flex()));
        let found: Vec<f64> = scores.into_data().iter().collect();
        let mean = |a: f64, b: f64| (a.exp() * a + b.exp() * b) / (a.exp() + b.exp());
        for (found, right) in
            found.iter().zip([5.0 - 0.5 * mean(4.5, 4.0), 10.0 - 0.5 * mean(9.0, 8.0)])
        {
            assert!((found - right).abs() < 1e-5, "{found} {right}");
        }
    }

    #[test]
    fn bad_options_are_refused_one_by_one() {
        let output = |width| Tensor::<2>::ones([1, width], &Device::flex());
        let resolve =
            |finer: &Finer, width| finer.resolve(&Output::new(&output(width))).unwrap_err();
        let said = |error: Error| error.to_string();
        assert!(said(resolve(&Finer::new(), 1)).contains("at least 2"));
        let error = resolve(&Finer::new().with_class(7), 3);
        assert_eq!(error, Error::ClassOutOfRange { class: 7, scores: 3 });
        let error = resolve(&Finer::new().with_others(vec![3]), 3);
        assert_eq!(error, Error::ClassOutOfRange { class: 3, scores: 3 });
        for strength in [-1.0, f64::NAN] {
            let error = Finer::new().with_strength(strength).check_rows(1).unwrap_err();
            assert!(said(error).contains("not negative"));
        }
        for none in [Finer::new().with_count(0), Finer::new().with_others(vec![])] {
            assert!(said(none.check_rows(1).unwrap_err()).contains("at least 1"));
        }
        let error = Finer::new().with_classes(vec![0]).check_rows(2).unwrap_err();
        assert_eq!(error, Error::TargetCount { expected: 2, found: 1 });
        let nan = Tensor::<2>::from_data([[f32::NAN, 1.0]], &Device::flex());
        let error = Finer::new().resolve(&Output::new(&nan)).unwrap_err();
        assert_eq!(error, Error::not_finite(Stage::Score, 0));
    }
}
