//! The order of computation: which nodes are needed, where their values lie, and when they may be
//! forgotten.

mod build;
mod gates;
mod run;
mod weights;

pub(crate) use build::{Missing, Request};
pub(crate) use run::{Run, Watch};
pub(crate) use weights::{Layout, Weights};

use std::sync::Arc;

use crate::graph::Node;
use crate::operators::{Layer, Operator};
use crate::values::Known;

/// A part of a graph, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    steps: Vec<Step>,
    /// The number of places for values.
    places: usize,
    /// Where the inputs go, in order.
    inputs: Vec<usize>,
    /// Numbers of the host that depend on the number of rows alone.
    counted: Vec<Counted>,
    outputs: Vec<Source>,
}

/// One node of a plan.
#[derive(Clone, Debug)]
struct Step {
    node: Arc<Node>,
    kind: Kind,
    inputs: Vec<Option<Source>>,
    outputs: Vec<Option<usize>>,
    /// Values that no later step needs.
    last: Vec<usize>,
    /// The convolution that computes the node.
    layer: Option<Layer>,
    /// The factor of a product that is a function of the other one.
    gate: Option<usize>,
}

#[derive(Clone, Debug)]
enum Kind {
    Operator(Operator),
    /// `If`: the plans for true and for false, and what they read from around them.
    Choice(Box<[Branch; 2]>),
}

#[derive(Clone, Debug)]
struct Branch {
    plan: Plan,
    reads: Vec<Source>,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
enum Source {
    Place(usize),
    /// A weight, by its name.
    Weight(Arc<str>),
}

/// Known numbers that grow evenly with the number of rows.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) name: String,
    pub(crate) one_row: Arc<Known>,
    pub(crate) two_rows: Arc<Known>,
    place: usize,
}

impl Counted {
    /// Describes a value by its numbers for one row and for two.
    pub(crate) fn new(name: &str, one_row: Arc<Known>, two_rows: Arc<Known>) -> Self {
        Self { name: name.to_owned(), one_row, two_rows, place: 0 }
    }

    fn at(&self, rows: usize) -> Known {
        let mut known = (*self.one_row).clone();
        for (number, two) in known.numbers.iter_mut().zip(&self.two_rows.numbers) {
            *number += (rows as f64 - 1.0) * (two - *number);
        }
        known
    }
}
