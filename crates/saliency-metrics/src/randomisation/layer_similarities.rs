//! The similarities of maps, layer by layer, and what they say.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::bootstrap::mean;
use crate::estimate::{Reason, RowValues};

/// The order in which layers are replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerOrder {
    /// From the output to the input, each layer in addition to those before: cascading.
    #[default]
    TopDown,
    /// From the input to the output, each layer in addition to those before.
    BottomUp,
    /// Each layer alone, from the input to the output.
    Independent,
}

/// How similar the maps are to those of the model as it is, for each step of a
/// [`ModelRandomisation`](crate::ModelRandomisation).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerSimilarities {
    /// The order in which the layers were replaced.
    pub order: LayerOrder,
    /// The steps, in this order.
    pub steps: Vec<LayerSimilarity>,
}

/// One step of a [`ModelRandomisation`](crate::ModelRandomisation).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerSimilarity {
    /// The layer whose parameters were replaced in this step.
    pub layer: String,
    /// The rank correlation of each row's map with that of the model as it is.
    pub similarity: RowValues,
}

/// Whether maps depend on the parameters of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dependence {
    /// Most of the order of the map comes from the parameters.
    Depends,
    /// Most of the order of the map is there without the parameters, so that it can not explain
    /// what the model has learned.
    DoesNotDepend,
    /// The rows are too few or too different to say.
    Unclear,
}

/// The rank correlation at which half of the variance of the ranks is left.
const HALF: f64 = FRAC_1_SQRT_2;

impl LayerSimilarities {
    /// Returns the step that says the most: the last one if the layers are replaced one after the
    /// other, because then all of them are; the one with the smallest similarity if each is
    /// replaced alone.
    pub fn decisive(&self) -> &LayerSimilarity {
        let last = self.steps.last().expect("a model without layers is refused");
        if self.order != LayerOrder::Independent {
            return last;
        }
        let similarity = |step: &LayerSimilarity| step.similarity.mean().unwrap_or(f64::INFINITY);
        let of_least =
            |a: &&LayerSimilarity, b: &&LayerSimilarity| similarity(a).total_cmp(&similarity(b));
        self.steps.iter().min_by(of_least).unwrap_or(last)
    }

    /// Returns whether the maps depend on the parameters.
    ///
    /// The square of a rank correlation is the share of the variance of the ranks that both maps
    /// have in common. If it is above one half in the [decisive](Self::decisive) step, most of the
    /// map was not made by the parameters that were replaced. The maps depend on the parameters if
    /// the whole interval of the mean similarity is below √½, and do not if it is above. A single
    /// row has no interval; then its value decides, about this row alone.
    pub fn dependence(&self) -> Dependence {
        let similarity = &self.decisive().similarity;
        let Some(mean) = similarity.mean() else { return Dependence::Unclear };
        let (low, high) = similarity.interval().map_or((mean, mean), |it| (it.low, it.high));
        if high < HALF {
            Dependence::Depends
        } else if low > HALF {
            Dependence::DoesNotDepend
        } else {
            Dependence::Unclear
        }
    }

    /// Returns the mean over all steps for each row. A row without a value in one of them has none.
    pub fn average(&self) -> RowValues {
        let rows = self.steps.iter().map(|step| step.similarity.values().len()).max().unwrap_or(0);
        let of_row = |row: usize| {
            let values = self.steps.iter().map(|step| step.similarity.values()[row]);
            if let Some(values) = values.collect::<Option<Vec<f64>>>() {
                return Ok(mean(&values));
            }
            let mut notes = self.steps.iter().flat_map(|step| step.similarity.notes());
            let note = notes.find(|note| note.row == row);
            Err(note.map_or(Reason::NotFinite, |note| note.reason))
        };
        RowValues::new((0..rows).map(of_row))
    }

    /// Says in words whether the maps depend on the parameters.
    pub fn sentence(&self) -> String {
        let decisive = self.decisive();
        let replaced = match self.order {
            LayerOrder::Independent => format!("with {} replaced", decisive.layer),
            _ => "with all of them replaced".to_owned(),
        };
        let Some(mean) = decisive.similarity.mean() else {
            return format!("Unclear: {replaced}, no map has a rank correlation.");
        };
        let between = decisive.similarity.interval().map_or_else(String::new, |it| {
            format!(" (95 % interval {:.2} to {:.2})", it.low, it.high)
        });
        let what = match self.dependence() {
            Dependence::Depends => "The maps depend on the parameters",
            Dependence::DoesNotDepend => "The maps hardly depend on the parameters",
            Dependence::Unclear => "It is unclear whether the maps depend on the parameters",
        };
        format!(
            "{what}: {replaced}, the rank correlation with the original maps is {mean:.2}{between}."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(order: LayerOrder, layers: &[&[f64]]) -> LayerSimilarities {
        let step = |(at, values): (usize, &&[f64])| LayerSimilarity {
            layer: format!("layer {at}"),
            similarity: RowValues::new(values.iter().copied().map(Ok)),
        };
        LayerSimilarities { order, steps: layers.iter().enumerate().map(step).collect() }
    }

    #[test]
    fn the_last_step_or_the_lowest_decides() {
        let layers: [&[f64]; 3] = [&[0.9, 0.8, 0.85], &[0.1, 0.2, 0.0], &[0.9, 0.95, 1.0]];
        let found = steps(LayerOrder::TopDown, &layers);
        assert_eq!(found.dependence(), Dependence::DoesNotDepend);
        assert!(found.sentence().starts_with(
            "The maps hardly depend on the parameters: with all of them replaced, the rank \
             correlation with the original maps is 0.95 (95 % interval "
        ));
        let found = steps(LayerOrder::Independent, &layers);
        assert_eq!(found.dependence(), Dependence::Depends);
        assert!(found.sentence().contains("with layer 1 replaced"), "{}", found.sentence());
        assert_eq!(steps(LayerOrder::BottomUp, &layers[1..2]).dependence(), Dependence::Depends);
    }

    #[test]
    fn rows_that_disagree_or_have_no_value_leave_it_unclear() {
        let unclear = steps(LayerOrder::TopDown, &[&[0.1, 0.99, 0.99, 0.1]]);
        assert_eq!(unclear.dependence(), Dependence::Unclear);
        assert!(unclear.sentence().starts_with("It is unclear whether"));
        let none = steps(LayerOrder::TopDown, &[&[f64::NAN]]);
        assert_eq!(none.dependence(), Dependence::Unclear);
        assert!(none.sentence().starts_with("Unclear: with all of them replaced, no map"));
        // One row has no interval.
        let one = steps(LayerOrder::TopDown, &[&[0.3]]);
        assert_eq!(one.dependence(), Dependence::Depends);
        assert!(one.sentence().ends_with("the original maps is 0.30."));
    }

    #[test]
    fn layers_are_averaged_for_each_row() {
        let found = steps(LayerOrder::TopDown, &[&[0.5, 1.0], &[0.0, f64::NAN]]).average();
        assert_eq!(found.values(), [Some(0.25), None]);
        assert_eq!(found.notes()[0].reason, Reason::NotFinite);
    }
}
