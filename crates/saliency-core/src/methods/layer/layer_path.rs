//! A path through input space, followed at a layer.

use std::collections::HashMap;

use burn::tensor::DType;

use crate::error::Result;
use crate::input::batch::Batch;
use crate::path::quadrature::WeightedPosition;
use crate::path::shape::{PathPoints, PathShape, StraightPath};

/// The change of the units that [`Conductance`](crate::Conductance) multiplies gradients by, if there is a fixed number
/// of points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum UnitChange {
    /// The change over the part of the path that a point stands for, with the point inside.
    #[default]
    Around,
    /// The change from each point to the next one, as in Captum: one more point of the rule is
    /// placed, which gets no gradient. Changes before the first point and after the last are left
    /// out. On a network of two convolutions the error is one and a half times as large, and it is
    /// not estimated. For comparisons.
    ToNext,
}

/// The activations of the points of a path through input space.
pub(super) struct LayerPath<'a> {
    /// Computes the activation of inputs.
    pub activation: &'a (dyn Fn(Batch) -> Result<Batch> + Sync),
    pub path: &'a StraightPath,
    pub tangent: Tangent,
}

/// The number that gradients are multiplied by.
pub(super) enum Tangent {
    /// One: gradients are averaged.
    One,
    /// The mean change of the activation over the part of the path around each point. The rule of
    /// each row, or of all rows, says how long the part is.
    Around(Vec<Vec<Span>>),
    /// The change of the activation over a short part of the path around each point, with this
    /// length.
    Near(f64),
}

/// The part of the path that a point stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// The point.
    pub position: f64,
    pub from: f64,
    pub to: f64,
}

impl Span {
    /// Returns, for each point of a rule, the part of the path as long as its weight. The parts are
    /// joined end to end, so that their changes sum to that of the whole path. Every point is in
    /// its part: this holds for the rules here.
    pub fn around(rule: &[WeightedPosition]) -> Vec<Self> {
        let mut from = 0.0;
        let part = |at: &WeightedPosition| {
            let span = Self { position: at.position, from, to: from + at.weight };
            from = span.to;
            span
        };
        rule.iter().map(part).collect()
    }

    /// Returns the part of a path around a position. At the ends of the path it is on one side
    /// only.
    fn near(position: f64, length: f64) -> Self {
        let from = (position - 0.5 * length).clamp(0.0, 1.0 - length);
        Self { position, from, to: from + length }
    }
}

/// Returns the length over which a derivative is best taken as a difference, in a precision: a
/// shorter one would lose more to rounding, a longer one more to bends of the path.
pub(super) fn short_length(precision: DType) -> f64 {
    match precision {
        DType::F64 => 2f64.powi(-16),
        DType::F16 => 2f64.powi(-4),
        DType::BF16 => 2f64.powi(-3),
        _ => 2f64.powi(-8),
    }
}

impl LayerPath<'_> {
    /// Returns the part of the path that the tangent at a point is taken over; `None` if it is one.
    fn span(&self, row: usize, position: f64) -> Option<Span> {
        match &self.tangent {
            Tangent::One => None,
            Tangent::Near(length) => Some(Span::near(position, *length)),
            Tangent::Around(spans) => {
                let spans = &spans[row.min(spans.len() - 1)];
                let at = spans.partition_point(|span| span.position < position);
                Some(spans[at.min(spans.len() - 1)])
            }
        }
    }

    fn activation_at(&self, rows: &[usize], positions: &[f64]) -> Result<Batch> {
        (self.activation)(self.path.at(rows, positions)?.points)
    }

    /// Returns the activations at both ends of each span. An end that two spans share is computed
    /// once.
    fn at_ends(&self, rows: &[usize], spans: &[Span]) -> Result<[Batch; 2]> {
        let mut known = HashMap::new();
        let (mut of, mut at) = (Vec::new(), Vec::new());
        let mut index = |row: usize, position: f64| {
            *known.entry((row, position.to_bits())).or_insert_with(|| {
                of.push(row);
                at.push(position);
                of.len() - 1
            })
        };
        let from: Vec<usize> =
            rows.iter().zip(spans).map(|(&row, span)| index(row, span.from)).collect();
        let to: Vec<usize> =
            rows.iter().zip(spans).map(|(&row, span)| index(row, span.to)).collect();
        // No more at once than the points of the chunk.
        let parts = of.chunks(rows.len()).zip(at.chunks(rows.len()));
        let ends = parts.map(|(of, at)| self.activation_at(of, at)).collect::<Result<Vec<_>>>()?;
        let ends = Batch::stack(&ends);
        Ok([ends.select(&from), ends.select(&to)])
    }
}

impl PathShape for LayerPath<'_> {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let points = self.activation_at(rows, positions)?;
        let spans = rows.iter().zip(positions).map(|(&row, &at)| self.span(row, at));
        let tangents = match spans.collect::<Option<Vec<Span>>>() {
            None => points.widened().map(|part| part.ones_like()),
            Some(spans) => {
                let [from, to] = self.at_ends(rows, &spans)?.map(|ends| ends.widened());
                let change = to.zip(&from, |to, from| to - from);
                let lengths: Vec<f64> =
                    spans.iter().map(|span| 1.0 / (span.to - span.from)).collect();
                change.scale_rows(&lengths)
            }
        };
        Ok(PathPoints { points, tangents: tangents.without_fixed() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::quadrature::Rule;

    #[test]
    fn every_point_of_a_rule_is_in_its_span_and_spans_join() {
        for rule in [Rule::GaussLegendre, Rule::Midpoint] {
            for count in [1, 2, 7, 50] {
                let spans = Span::around(&rule.positions(count));
                assert!(spans.iter().all(|it| it.from < it.position && it.position < it.to));
                assert!(spans.windows(2).all(|pair| pair[0].to == pair[1].from));
                let [first, last] = [spans[0], spans[count - 1]];
                assert!(first.from == 0.0 && (last.to - 1.0).abs() < 1e-12, "{rule:?} {count}");
            }
        }
    }

    #[test]
    fn a_short_span_stays_on_the_path() {
        for (position, from) in [(0.0, 0.0), (0.5, 0.375), (0.99, 0.75)] {
            let span = Span::near(position, 0.25);
            assert_eq!((span.from, span.to), (from, from + 0.25));
        }
    }
}
