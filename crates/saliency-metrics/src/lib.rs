//! Is an explanation true of the model? An attribution is a claim. This crate tests it by
//! intervention: it covers parts of an input and asks the model again.
//!
//! The data flow: [`Units`] (which values belong together) -> [`Experiment`] (covers units of an
//! input, and scores the covered copies) -> [`CoverTest`] (covers what a map calls important, and as
//! much elsewhere) -> [`Verdict`].
//!
//! Units are covered with a [`Fill`]: values of yours, or, in a picture, values that are imputed from
//! the [`Neighbours`] of what is covered.
//!
//! Metrics, one a file, return [`RowValues`]: a value for each row, with a standard error and an
//! interval of their mean.
//!
//! - faithfulness: [`Deletion`], [`Insertion`], [`PixelFlipping`], [`Road`], [`InformationCurve`],
//!   [`Infidelity`], [`SensitivityN`], [`Monotonicity`], [`MonotonicityCorrelation`], [`SaCo`],
//!   [`RandomChoices`]
//! - robustness: [`MaxSensitivity`], [`AvgSensitivity`], [`RelativeInputStability`],
//!   [`RelativeOutputStability`]
//! - localisation: [`PointingGame`], [`MassAccuracy`], [`RankAccuracy`], [`RocArea`],
//!   [`TopKIntersection`]
//! - complexity: [`Sparseness`], [`Entropy`], [`EffectiveComplexity`]
//! - randomisation: [`ModelRandomisation`], [`SmoothRandomisation`], [`EfficientRandomisation`],
//!   [`RandomTarget`]
//! - axioms: [`Completeness`], [`NullSensitivity`], [`InputInvariance`]
//!
//! [`Controls`] are the values of the same metric for random maps and for an edge filter.
//! [`Comparison`] compares explainers by several metrics, and names the differences that are sure.
//!
//! Every metric works for any model and any kind of input, runs in chunks on the model's device,
//! and can be cancelled.

mod axioms;
mod bootstrap;
#[cfg(test)]
mod calibration;
mod comparison;
mod complexity;
mod controls;
mod correlation;
mod cover_test;
mod edge_filter;
mod error;
mod estimate;
mod experiment;
mod faithfulness;
mod fill;
#[cfg(test)]
mod fixtures;
mod holes;
mod localisation;
mod maps;
mod neighbours;
mod perturbation;
mod randomisation;
mod robustness;
mod units;

pub use axioms::{Completeness, InputInvariance, NullSensitivity, ShiftedModel};
pub use bootstrap::{Bootstrap, Interval};
pub use comparison::{
    Better, Comparison, ComparisonTable, Entry, Kind, MetricTable, PairedDifference,
};
pub use complexity::{EffectiveComplexity, Entropy, Sparseness};
pub use controls::{ControlValues, Controls};
pub use cover_test::{CoverTest, CoveredAnswer, Finding, SizeTested, Verdict};
pub use edge_filter::EdgeFilter;
pub use error::{Error, Result};
pub use estimate::{Note, Reason, RowValues};
pub use experiment::{Cover, Experiment};
pub use faithfulness::{
    Curves, Deletion, Infidelity, InformationCurve, Insertion, Monotonicity,
    MonotonicityCorrelation, Order, PixelFlipping, RandomChoices, Road, SaCo, Scale, SensitivityN,
};
pub use fill::Fill;
pub use localisation::{MassAccuracy, PointingGame, RankAccuracy, RocArea, TopKIntersection};
pub use neighbours::Neighbours;
pub use perturbation::Perturbation;
pub use randomisation::{
    Dependence, EfficientRandomisation, LayerOrder, LayerSimilarities, LayerSimilarity,
    ModelRandomisation, RandomTarget, Replacement, SmoothRandomisation, layers,
};
pub use robustness::{
    AvgSensitivity, MaxSensitivity, RelativeInputStability, RelativeOutputStability,
};
pub use units::{Units, ranking};
