//! Scores while more and more units are covered or uncovered, and the area below them.

use super::equal_scores;
use crate::bootstrap::mean;
use crate::error::{Error, Result};
use crate::estimate::{Note, Reason, RowValues};
use crate::experiment::{Cover, Experiment, Followed};
use crate::fill::Fill;
use crate::maps::{check_maps, flaws};
use crate::units::ranking;

/// The order in which units are covered or uncovered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Largest values of the map first (MoRF).
    #[default]
    MostRelevantFirst,
    /// Smallest values of the map first (LeRF).
    LeastRelevantFirst,
}

/// The scale of the scores on a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scale {
    /// The scores as the model gives them.
    #[default]
    Scores,
    /// 1 is the score of the input, and 0 that of the fully covered input, so that rows can be
    /// compared. A row has no curve if both are equal.
    Relative,
}

/// A curve for each row: the score for each share of the units.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    shares: Vec<f64>,
    rows: Vec<Option<Vec<f64>>>,
    notes: Vec<Note>,
}

impl Curves {
    /// Returns the share of the units that is covered (or uncovered, for an insertion) at each
    /// point; the share of the information, for an [`InformationCurve`](crate::InformationCurve).
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Returns the scores of each row at these points; `None` for a row without a curve.
    pub fn rows(&self) -> &[Option<Vec<f64>>] {
        &self.rows
    }

    /// Returns remarks about rows, in the order of the rows.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns the area below each curve over the shares, by trapezoids.
    pub fn area(&self) -> RowValues {
        self.areas(|at| self.shares[at + 1] - self.shares[at])
    }

    /// Returns the area below each curve over the number of the step, by trapezoids: the area of
    /// Quantus.
    pub fn area_over_steps(&self) -> RowValues {
        self.areas(|_| 1.0)
    }

    /// Returns the mean of the points of each curve.
    pub fn means(&self) -> RowValues {
        self.values(|scores| mean(scores))
    }

    fn areas(&self, width: impl Fn(usize) -> f64) -> RowValues {
        let area = |scores: &Vec<f64>| -> f64 {
            let pairs = scores.windows(2).enumerate();
            pairs.map(|(at, pair)| width(at) * (pair[0] + pair[1]) / 2.0).sum()
        };
        self.values(area)
    }

    /// Returns a value for each curve. Notes say why a row has no curve.
    pub(super) fn values(&self, of: impl Fn(&Vec<f64>) -> f64) -> RowValues {
        let reason = |row| self.notes.iter().rev().find(|note| note.row == row);
        let value = |(row, scores): (usize, &Option<Vec<f64>>)| match scores {
            Some(scores) => Ok(of(scores)),
            None => Err(reason(row).map_or(Reason::NotFinite, |note| note.reason)),
        };
        RowValues::new(self.rows.iter().enumerate().map(value))
            .with_notes(self.notes.iter().copied())
    }
}

/// Returns the area of `upper` minus that of `lower`, row by row.
pub(super) fn area_between(upper: &Curves, lower: &Curves) -> RowValues {
    difference(&upper.area(), &lower.area())
}

/// Returns the values of `upper` minus those of `lower`, row by row. Both have the same notes.
pub(super) fn difference(upper: &RowValues, lower: &RowValues) -> RowValues {
    let pairs = upper.values().iter().zip(lower.values());
    let difference = |(row, pair): (usize, (&Option<f64>, &Option<f64>))| match pair {
        (Some(upper), Some(lower)) => Ok(upper - lower),
        _ => {
            let reason = upper.notes().iter().rev().find(|note| note.row == row);
            Err(reason.map_or(Reason::NotFinite, |note| note.reason))
        }
    };
    RowValues::new(pairs.enumerate().map(difference)).with_notes(upper.notes().iter().copied())
}

/// The options of deletion and insertion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CurveOptions {
    pub order: Order,
    pub scale: Scale,
    pub block: Option<usize>,
}

/// Which units are covered in a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Covered {
    /// Those that come first in the order.
    First,
    /// Those that come later.
    Later,
}

/// The number of steps of a curve by default.
const STEPS: usize = 50;

impl CurveOptions {
    /// Returns the number of units in each step.
    pub fn block(&self, units: usize) -> Result<usize> {
        match self.block {
            Some(0) => {
                let (expected, found) = ("at least 1", "0".to_owned());
                Err(Error::InvalidOption { option: "block", expected, found })
            }
            Some(block) => Ok(block.min(units)),
            None => Ok(units.div_ceil(STEPS)),
        }
    }

    /// Scores copies of each row with none of the units taken, with one block of them, with two,
    /// and so on, to all units.
    pub fn curves(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
        covered: Covered,
    ) -> Result<Curves> {
        let units = experiment.units().count();
        let block = self.block(units)?;
        let points = units.div_ceil(block) + 1;
        let steps = Steps {
            taken: (0..points).map(|point| (point * block).min(units)).collect(),
            covered,
            order: self.order,
            scale: self.scale,
            followed: Followed::Score,
        };
        steps.curves(experiment, fill, maps)
    }
}

/// The points of a curve.
pub(super) struct Steps {
    /// The number of units that are taken at each point.
    pub taken: Vec<usize>,
    pub covered: Covered,
    pub order: Order,
    pub scale: Scale,
    pub followed: Followed,
}

impl Steps {
    /// Asks about copies of each row in which the given numbers of units are taken.
    pub fn curves(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<Curves> {
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        check_maps(maps, rows, units)?;
        experiment.check_followed(self.followed)?;
        let points = self.taken.len();
        let places: Vec<Vec<usize>> = maps.iter().map(|map| self.places(map)).collect();
        let mut scores = Vec::with_capacity(rows * points);
        experiment.run(
            fill,
            rows * points,
            |at| {
                let (row, taken) = (at / points, self.taken[at % points]);
                let is_covered =
                    |place: &usize| (*place < taken) == (self.covered == Covered::First);
                Cover { row, covered: places[row].iter().map(is_covered).collect() }
            },
            |copies, rows| experiment.followed_at(copies, rows, self.followed),
            |found| scores.extend(found),
        )?;
        let shares = self.taken.iter().map(|&taken| taken as f64 / units as f64).collect();
        Ok(Curves::new(shares, maps, |row| self.scaled(&scores[row * points..][..points])))
    }

    /// Returns the place of each unit in the order.
    fn places(&self, map: &[f64]) -> Vec<usize> {
        let order = match self.order {
            Order::MostRelevantFirst => ranking(map),
            Order::LeastRelevantFirst => {
                ranking(&map.iter().map(|value| -value).collect::<Vec<_>>())
            }
        };
        let mut places = vec![0; map.len()];
        order.into_iter().enumerate().for_each(|(place, unit)| places[unit] = place);
        places
    }

    fn scaled(&self, scores: &[f64]) -> Result<Vec<f64>, Reason> {
        if !scores.iter().all(|score| score.is_finite()) {
            return Err(Reason::NotFinite);
        }
        let (first, last) = (scores[0], scores[scores.len() - 1]);
        let (whole, nothing) =
            if self.covered == Covered::First { (first, last) } else { (last, first) };
        match self.scale {
            Scale::Scores => Ok(scores.to_vec()),
            Scale::Relative if equal_scores(&[whole, nothing], whole.abs().max(nothing.abs())) => {
                Err(Reason::ScoresAllEqual)
            }
            Scale::Relative => {
                Ok(scores.iter().map(|score| (score - nothing) / (whole - nothing)).collect())
            }
        }
    }
}

impl Curves {
    /// Makes the curve of each row that has a map, and notes flaws of maps.
    pub(super) fn new(
        shares: Vec<f64>,
        maps: &[Vec<f64>],
        curve: impl Fn(usize) -> Result<Vec<f64>, Reason>,
    ) -> Self {
        let mut curves = Self { shares, rows: Vec::with_capacity(maps.len()), notes: flaws(maps) };
        for (row, map) in maps.iter().enumerate() {
            let has_map = map.iter().all(|value| value.is_finite());
            let curve = if has_map { curve(row) } else { Err(Reason::NotFinite) };
            if let Err(reason) = curve {
                let note = Note { row, reason };
                curves.notes.retain(|known| known != &note);
                curves.notes.push(note);
            }
            curves.rows.push(curve.ok());
        }
        curves.notes.sort_by_key(|note| note.row);
        curves
    }

    /// Leaves out the first point.
    pub(super) fn without_start(mut self) -> Self {
        self.shares.remove(0);
        for scores in self.rows.iter_mut().flatten() {
            scores.remove(0);
        }
        self
    }
}
