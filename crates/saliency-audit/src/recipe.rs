//! The way in which every photo is explained.

use std::fmt;

use burn::tensor::Tensor;
use saliency_core::{Explainer, Schedule};
use saliency_photo::{Reduce, Size};
use serde::Serialize;

/// An explainer of photos, with any method.
pub type PhotoExplainer<M> = Box<dyn Explainer<M, Tensor<4>>>;

/// The number of gradients that each photo may take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Effort {
    /// The same number of gradients for every photo.
    Steps(usize),
    /// As many gradients as each photo needs.
    Tolerance {
        /// The relative error at which a photo is finished.
        tolerance: f64,
        /// The most gradients for one photo.
        limit: usize,
    },
    /// As many gradients as the shares need that the audit states: that of the border, and that of
    /// the boxes.
    Shares {
        /// The error of a share at which a photo is finished; 0.01 is one point of a percent.
        tolerance: f64,
        /// The most gradients for one photo.
        limit: usize,
    },
}

/// The way in which every photo is explained: a method with its name, and its effort.
///
/// # Defaults
/// - reduction: [`Reduce::default`], the sum of absolute values
/// - map size: the size of the input
///
/// # Example
/// ```
/// use burn::tensor::Tensor;
/// use saliency_audit::{Effort, Recipe};
/// use saliency_core::{IntegratedGradients, Model};
///
/// fn recipe<M: Model<Tensor<4>>>() -> Recipe<M> {
///     let effort = Effort::Tolerance { tolerance: 0.1, limit: 200 };
///     Recipe::new("integrated-gradients", "Integrated Gradients", effort, |effort, schedule| {
///         let explainer = IntegratedGradients::new().with_schedule(schedule);
///         match effort {
///             Effort::Steps(steps) => Box::new(explainer.with_steps(steps)),
///             Effort::Tolerance { tolerance, limit } => {
///                 Box::new(explainer.with_tolerance(tolerance).with_max_gradients(limit))
///             }
///             _ => Box::new(explainer),
///         }
///     })
/// }
/// ```
pub struct Recipe<M> {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) effort: Effort,
    pub(crate) reduction: Reduce,
    pub(crate) map_size: Option<Size>,
    explainer: Box<dyn Fn(Effort, Schedule) -> PhotoExplainer<M>>,
}

impl<M> Recipe<M> {
    /// Creates a recipe from the method's name in tables ("integrated-gradients"), its title on the
    /// page ("Integrated Gradients"), the effort, and a function that makes the explainer for a
    /// device's schedule.
    ///
    /// Except for the effort, the name must identify everything that the explainer depends on:
    /// photos are explained again if the name differs from that of an earlier audit.
    pub fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        effort: Effort,
        explainer: impl Fn(Effort, Schedule) -> PhotoExplainer<M> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            effort,
            reduction: Reduce::default(),
            map_size: None,
            explainer: Box::new(explainer),
        }
    }

    /// Sets how the channels of a place become one value. Photos are explained again if it differs
    /// from that of an earlier audit.
    #[must_use]
    pub fn with_reduction(mut self, reduction: Reduce) -> Self {
        self.reduction = reduction;
        self
    }

    /// Sets the size of the maps, for a method whose maps have one channel and another size than the
    /// input: one value for each region.
    #[must_use]
    pub fn with_map_size(mut self, size: impl Into<Size>) -> Self {
        self.map_size = Some(size.into());
        self
    }

    /// Makes the explainer for a schedule.
    pub(crate) fn explainer(&self, schedule: Schedule) -> PhotoExplainer<M> {
        (self.explainer)(self.effort, schedule)
    }

    /// Returns how many photos each device explains together: enough to keep its workers busy, and
    /// few enough to lose only seconds if the program is stopped.
    pub(crate) fn photos_at_once(&self) -> usize {
        match self.effort {
            Effort::Steps(1) => 8,
            _ => 2,
        }
    }

    /// Returns the part of the recipe that is in the fingerprint of a photo.
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            method: capitalised(&self.name),
            effort: self.effort,
            reduction: (self.reduction != Reduce::default())
                .then(|| format!("{:?}", self.reduction)),
        }
    }
}

impl<M> fmt::Debug for Recipe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe")
            .field("name", &self.name)
            .field("title", &self.title)
            .field("effort", &self.effort)
            .field("reduction", &self.reduction)
            .finish_non_exhaustive()
    }
}

/// The part of a [`Recipe`] that is in the fingerprint of a photo. Its form in JSON must not
/// change. Otherwise audits that were begun by an earlier version would start again.
#[derive(Serialize)]
pub(crate) struct Plan {
    method: String,
    effort: Effort,
    /// The reduction, unless it is that of the first audits.
    #[serde(skip_serializing_if = "Option::is_none")]
    reduction: Option<String>,
}

/// Turns `integrated-gradients` into `IntegratedGradients`.
fn capitalised(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.collect::<String>() + letters.as_str()
    };
    name.split('-').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_reduction_is_another_plan() {
        let recipe = Recipe::<()>::new("regions", "Regions", Effort::Steps(1), |_, _| todo!());
        let json = |recipe: &Recipe<()>| serde_json::to_string(&recipe.plan()).unwrap();
        assert_eq!(json(&recipe), r#"{"method":"Regions","effort":{"Steps":1}}"#);
        let positive = recipe.with_reduction(Reduce::Positive);
        assert!(json(&positive).ends_with(r#","reduction":"Positive"}"#), "{}", json(&positive));
    }

    #[test]
    fn plans_have_the_form_that_earlier_audits_were_written_with() {
        let json = |name: &str, effort| {
            let (method, reduction) = (capitalised(name), None);
            serde_json::to_string(&Plan { method, effort, reduction }).unwrap()
        };
        assert_eq!(
            json("input-x-gradient", Effort::Steps(1)),
            r#"{"method":"InputXGradient","effort":{"Steps":1}}"#
        );
        assert_eq!(
            json("integrated-gradients", Effort::Tolerance { tolerance: 0.1, limit: 200 }),
            r#"{"method":"IntegratedGradients","effort":{"Tolerance":{"tolerance":0.1,"limit":200}}}"#
        );
    }
}
