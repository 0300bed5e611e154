//! Compares explainers: which differences are larger than chance?

mod groups;
mod paired;
mod table;

use std::fmt;

use saliency_core::{Explainer, Inputs, Model};

use crate::controls::Controls;
use crate::error::{Error, Result};
use crate::estimate::RowValues;
use crate::experiment::Experiment;
use crate::maps::check_maps;

pub use paired::PairedDifference;
pub use table::{Better, ComparisonTable, Entry, Kind, MetricTable};

/// Compares explainers by metrics, row by row, and says which of them can be told apart.
///
/// Every explainer explains the same rows for the same targets, and every metric judges every map.
/// The controls are in the same table: an explainer that can not be told apart from random maps or
/// from an edge filter has shown nothing.
///
/// Two explainers are compared by the differences of their values, row by row. If neither is better,
/// every difference might as well have the other sign:
///
/// ```text
/// p = the share of all choices of signs with |Σ ± difference| ≥ |Σ difference|
/// ```
///
/// With up to 14 rows that differ, all choices are counted; with more, they are drawn at random, p
/// is (1 + those as large) / (1 + draws), and there are 10,000 draws, or 40 for each test of the
/// table if this is more. All tests of the table are corrected together by Holm's method, so that in
/// 95 % of tables not one difference is named that is none. Explainers that can not be told apart
/// share a group; they are not ranked. Few rows tell nothing apart: [`ComparisonTable::rows_needed`]
/// says how many the table needs at least.
///
/// Rows should be independent: several crops of one photo count as one, and are not to be given as
/// several rows. Rows without a value in one of two explainers are left out of this pair, and
/// counted.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them.
///
/// # Defaults
/// - controls: those of [`Controls::new`]
/// - seed of the draws of signs: 0
///
/// # Cost
/// Each metric is computed for each explainer and for the controls (6 times by default). The tests
/// take pairs x draws x rows additions, which is seconds.
///
/// # Errors
/// [`Error::InvalidOption`] if two explainers or two metrics have the same name,
/// [`Error::MapUnits`], [`Error::Shape`] if an attribution has another shape than the input, and
/// those of explainers and metrics.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Gradient, InputTimesGradient, Schedule, Target, pure_function};
/// use saliency_metrics::{Better, Comparison, Deletion, Experiment, Units};
///
/// let model = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let rows: Vec<f32> = (0..80).map(|at| ((at * 37) % 23) as f32 - 9.0).collect();
/// let x = Tensor::<1>::from_data(&rows[..], &Device::flex()).reshape([16, 5]);
/// let (target, units) = (Target::Class(0), Units::values(5));
/// let experiment = Experiment::new(&model, x.clone(), target, units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let table = Comparison::new(&experiment)
///     .with_explainer("input x gradient", &InputTimesGradient::new(), &model, x.clone())?
///     .with_explainer("gradient", &Gradient::new(), &model, x)?
///     .with_metric("deletion", Better::Higher, |maps| {
///         Deletion::new().area_between(&experiment, &fill, maps)
///     })?
///     .table()?;
/// assert_eq!(table.metrics[0].entries[0].name, "input x gradient");
/// println!("{table}");
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// R. A. Fisher, "The Design of Experiments", 1935, for the test of signs; S. Holm, "A Simple
/// Sequentially Rejective Multiple Test Procedure", 1979; H.-P. Piepho, "An Algorithm for a
/// Letter-Based Representation of All-Pairwise Comparisons", 2004.
pub struct Comparison<'a> {
    experiment: &'a Experiment<'a>,
    explainers: Vec<Named<Vec<Vec<f64>>>>,
    metrics: Vec<Metric<'a>>,
    controls: Controls,
    seed: u64,
}

struct Named<T> {
    name: String,
    of: T,
}

struct Metric<'a> {
    name: String,
    better: Better,
    values: Box<Values<'a>>,
}

/// Returns the value of each row, given the maps.
type Values<'a> = dyn Fn(&[Vec<f64>]) -> Result<RowValues> + 'a;

impl<'a> Comparison<'a> {
    /// Compares explainers of the rows, targets and units of an experiment.
    pub fn new(experiment: &'a Experiment<'a>) -> Self {
        let (explainers, metrics) = (Vec::new(), Vec::new());
        Self { experiment, explainers, metrics, controls: Controls::new(), seed: 0 }
    }

    /// Explains the rows, for the targets of the experiment, and adds the maps: the sums over units
    /// of values with their signs. `model` and `input` are those of the experiment.
    ///
    /// # Errors
    /// See [`Comparison`].
    pub fn with_explainer<M: Model<I>, I: Inputs>(
        self,
        name: impl Into<String>,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
    ) -> Result<Self> {
        let target = self.experiment.scored().target.clone().into();
        let found = explainer.attribute_to(model, input, target)?;
        let maps = self.experiment.unit_sums(found.values)?;
        self.with_maps(name, maps)
    }

    /// Adds maps that were made elsewhere, with a value for each unit of each row.
    ///
    /// # Errors
    /// See [`Comparison`].
    pub fn with_maps(mut self, name: impl Into<String>, maps: Vec<Vec<f64>>) -> Result<Self> {
        let name = name.into();
        let (rows, units) = (self.experiment.input().rows(), self.experiment.units().count());
        check_maps(&maps, rows, units)?;
        check_name(&name, self.explainers.iter().map(|it| &it.name))?;
        self.explainers.push(Named { name, of: maps });
        Ok(self)
    }

    /// Adds a metric, given as a function of maps.
    ///
    /// # Errors
    /// See [`Comparison`].
    pub fn with_metric(
        mut self,
        name: impl Into<String>,
        better: Better,
        values: impl Fn(&[Vec<f64>]) -> Result<RowValues> + 'a,
    ) -> Result<Self> {
        let name = name.into();
        check_name(&name, self.metrics.iter().map(|it| &it.name))?;
        self.metrics.push(Metric { name, better, values: Box::new(values) });
        Ok(self)
    }

    /// Draws random maps in another way.
    #[must_use]
    pub fn with_controls(mut self, controls: Controls) -> Self {
        self.controls = controls;
        self
    }

    /// Draws signs from another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Computes all metrics of all explainers and controls, and compares them.
    ///
    /// # Errors
    /// See [`Comparison`].
    pub fn table(&self) -> Result<ComparisonTable> {
        let metrics = self.metrics.iter().map(|metric| {
            let mut entries = Vec::new();
            for explainer in &self.explainers {
                let values = (metric.values)(&explainer.of)?;
                entries.push(Entry::new(&explainer.name, Kind::Explainer, values));
            }
            let controls = self.controls.values(self.experiment, &metric.values)?;
            entries.push(Entry::new("random", Kind::Control, controls.random));
            let edges = controls.edges.map(|edges| Entry::new("edges", Kind::Control, edges));
            entries.extend(edges);
            Ok(MetricTable::new(&metric.name, metric.better, entries))
        });
        let metrics = metrics.collect::<Result<Vec<_>>>()?;
        Ok(ComparisonTable::new(metrics, self.experiment.input().rows(), self.seed))
    }
}

impl fmt::Debug for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let explainers: Vec<&str> = self.explainers.iter().map(|it| &*it.name).collect();
        let metrics: Vec<&str> = self.metrics.iter().map(|it| &*it.name).collect();
        f.debug_struct("Comparison")
            .field("explainers", &explainers)
            .field("metrics", &metrics)
            .finish_non_exhaustive()
    }
}

/// Returns whether two explainers differ, if they are the only ones and measured once.
#[cfg(test)]
pub(crate) fn is_told_apart(values: [&RowValues; 2]) -> bool {
    let test = paired::SignTest { tests: 1, seed: 0 };
    PairedDifference::new([0, 1], values, test).is_different()
}

/// Refuses a name that is taken, or that is a control's.
///
/// # Errors
/// [`Error::InvalidOption`].
fn check_name<'n>(name: &str, mut taken: impl Iterator<Item = &'n String>) -> Result<()> {
    if !["random", "edges"].contains(&name) && !taken.any(|taken| taken == name) {
        return Ok(());
    }
    let (option, expected) = ("name", "another one than those before and those of controls");
    Err(Error::InvalidOption { option, expected, found: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Reason;
    use crate::fixtures::linear;
    use saliency_core::kit::{Key, Stream};

    /// Measures the first value of each map.
    fn first(maps: &[Vec<f64>]) -> Result<RowValues> {
        let value = |map: &Vec<f64>| {
            if map[0] == -1.0 { Err(Reason::MapAllEqual) } else { Ok(map[0]) }
        };
        Ok(RowValues::new(maps.iter().map(value)))
    }

    /// Noise, and what is added to it.
    fn noisy(sample: u64, more: f64) -> Vec<Vec<f64>> {
        let noise = Key { seed: 1, row: 0, sample }.uniform(Stream::Own(33), 20);
        noise.into_iter().map(|noise| vec![noise + more, 0.0]).collect()
    }

    #[test]
    fn explainers_that_differ_are_told_apart_and_others_share_a_group() {
        let lab = linear([1.0, 1.0], [[1.0, 2.0]; 20]);
        let comparison = Comparison::new(&lab.experiment)
            .with_maps("low", noisy(0, 0.0))
            .and_then(|it| it.with_maps("high", noisy(1, 5.0)))
            .and_then(|it| it.with_maps("low too", noisy(2, 0.0)))
            .and_then(|it| it.with_metric("first", Better::Higher, first))
            .and_then(|it| it.with_metric("first, low is good", Better::Lower, first))
            .unwrap();
        assert!(format!("{comparison:?}").contains(r#"explainers: ["low", "high", "low too"]"#));
        let table = comparison.table().unwrap();
        let found = &table.metrics[0];
        assert_eq!(
            (found.entries[0].name.as_str(), &found.entries[0].groups[..]),
            ("high", &[0][..])
        );
        // Random maps are uniform from 0 to 1 as well; their mean over 5 draws is nearer to 0.5.
        assert!(found.entries[1..].iter().all(|entry| entry.groups == [1]), "{found:?}");
        let control = found.entries.iter().find(|entry| entry.kind == Kind::Control).unwrap();
        assert_eq!(control.name, "random");
        assert_eq!(table.metrics[1].entries[3].name, "high");
        assert_eq!(table.metrics[1].entries[0].groups, [0]);
        // Four entries: six pairs for each of two metrics.
        assert_eq!(table.tests, 12);
        let pair = found.pair("high", "low").unwrap();
        assert!(pair.is_different() && pair.mean.unwrap() > 4.0 && pair.rows == 20);
        assert!(pair.interval.unwrap().contains(5.0));
        let turned = found.pair("low", "high").unwrap();
        assert_eq!((turned.mean, turned.p), (pair.mean.map(|mean| -mean), pair.p));
        let same = found.pair("low", "low too").unwrap();
        assert!(!same.is_different() && same.corrected >= same.p);
        assert_eq!(found.pair("low", "none"), None);
    }

    #[test]
    fn rows_without_a_value_are_left_out_of_a_pair_and_counted() {
        let lab = linear([1.0, 1.0], [[1.0, 2.0]; 20]);
        let mut holes = noisy(0, 5.0);
        holes[3][0] = -1.0;
        holes[7][0] = f64::NAN;
        let table = Comparison::new(&lab.experiment)
            .with_maps("holes", holes)
            .and_then(|it| it.with_maps("none", vec![vec![-1.0, 0.0]; 20]))
            .and_then(|it| it.with_metric("first", Better::Higher, first))
            .and_then(|it| it.table())
            .unwrap();
        let found = &table.metrics[0];
        let pair = found.pair("holes", "random").unwrap();
        assert_eq!((pair.rows, pair.left_out), (18, 2));
        let nothing = found.pair("holes", "none").unwrap();
        assert_eq!((nothing.rows, nothing.left_out), (0, 20));
        assert_eq!((nothing.mean, nothing.interval, nothing.p), (None, None, 1.0));
        assert_eq!(found.entries[2].name, "none");
        // A comparison without rows is no test.
        assert_eq!(table.tests, 1);
        assert!(table.to_string().contains("Up to 20 rows without a value were left out"));
    }

    #[test]
    fn names_that_are_taken_and_maps_of_other_rows_are_refused() {
        let lab = linear([1.0, 1.0], [[1.0, 2.0]; 20]);
        let new = || Comparison::new(&lab.experiment);
        let maps = noisy(0, 0.0);
        let twice =
            new().with_maps("a", maps.clone()).and_then(|it| it.with_maps("a", maps.clone()));
        let error = twice.unwrap_err().to_string();
        assert!(error.starts_with("expected name to be another one than those"), "{error}");
        assert!(new().with_maps("edges", maps.clone()).is_err());
        let metric = new().with_metric("m", Better::Lower, first);
        assert!(metric.and_then(|it| it.with_metric("m", Better::Lower, first)).is_err());
        let error = new().with_maps("a", maps[1..].to_vec()).unwrap_err();
        assert!(matches!(error, Error::MapUnits { rows: 20, units: 2, .. }));
    }
}
