//! Scores while more and more units are covered or uncovered, and the area below them.

use saliency_core::kit::Batch;

use super::equal_scores;
use crate::error::{Error, Result};
use crate::estimate::{Note, Reason, RowValues};
use crate::experiment::{Cover, Experiment};
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
    /// point.
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

    fn areas(&self, width: impl Fn(usize) -> f64) -> RowValues {
        let area = |scores: &Vec<f64>| -> f64 {
            let pairs = scores.windows(2).enumerate();
            pairs.map(|(at, pair)| width(at) * (pair[0] + pair[1]) / 2.0).sum()
        };
        // Notes say why a row has no curve.
        self.values(|scores| area(scores))
    }

    fn values(&self, of: impl Fn(&Vec<f64>) -> f64) -> RowValues {
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
    let (upper_areas, lower_areas) = (upper.area(), lower.area());
    let pairs = upper_areas.values().iter().zip(lower_areas.values());
    // Both have the same notes.
    let difference = |(row, pair): (usize, (&Option<f64>, &Option<f64>))| match pair {
        (Some(upper), Some(lower)) => Ok(upper - lower),
        _ => {
            let reason = upper_areas.notes().iter().rev().find(|note| note.row == row);
            Err(reason.map_or(Reason::NotFinite, |note| note.reason))
        }
    };
    RowValues::new(pairs.enumerate().map(difference)).with_notes(upper.notes.iter().copied())
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
        fill: &Batch,
        maps: &[Vec<f64>],
        covered: Covered,
    ) -> Result<Curves> {
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        check_maps(maps, rows, units)?;
        let block = self.block(units)?;
        let points = units.div_ceil(block) + 1;
        let taken = |point: usize| (point * block).min(units);
        let places: Vec<Vec<usize>> = maps.iter().map(|map| self.places(map)).collect();
        let scores = experiment.covered_scores_by(fill, rows * points, |at| {
            let (row, taken) = (at / points, taken(at % points));
            let is_first = |place: &usize| *place < taken;
            let covered = places[row].iter().map(|it| is_first(it) == (covered == Covered::First));
            Cover { row, covered: covered.collect() }
        })?;

        let shares = (0..points).map(|point| taken(point) as f64 / units as f64).collect();
        let mut curves = Curves { shares, rows: Vec::with_capacity(rows), notes: flaws(maps) };
        for (row, scores) in scores.chunks(points).enumerate() {
            let has_map = maps[row].iter().all(|value| value.is_finite());
            let curve = if has_map { self.scaled(scores, covered) } else { Err(Reason::NotFinite) };
            if let Err(reason) = curve {
                let note = Note { row, reason };
                curves.notes.retain(|known| known != &note);
                curves.notes.push(note);
            }
            curves.rows.push(curve.ok());
        }
        curves.notes.sort_by_key(|note| note.row);
        Ok(curves)
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

    fn scaled(&self, scores: &[f64], covered: Covered) -> Result<Vec<f64>, Reason> {
        if !scores.iter().all(|score| score.is_finite()) {
            return Err(Reason::NotFinite);
        }
        let (first, last) = (scores[0], scores[scores.len() - 1]);
        let (whole, nothing) =
            if covered == Covered::First { (first, last) } else { (last, first) };
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
    /// Leaves out the first point.
    pub(super) fn without_start(mut self) -> Self {
        self.shares.remove(0);
        for scores in self.rows.iter_mut().flatten() {
            scores.remove(0);
        }
        self
    }
}
