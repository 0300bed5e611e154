//! What flows through a graph: tensors of up to eight dimensions, and numbers that are known on the
//! host, such as shapes.

mod array;
mod constant;
mod known;

pub(crate) use array::{Array, Booleans, Floats, Integers, RANK, check_rank, full_dims, resolve};
pub(crate) use constant::{Constant, Numbers};
pub(crate) use known::{Kind, Known, broadcast};

use std::sync::Arc;

/// One value in a graph.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Floats(Floats),
    Integers(Integers),
    Booleans(Booleans),
    /// Numbers of the host: shapes, and what is computed from them.
    Known(Arc<Known>),
}

impl Value {
    pub(crate) fn known(known: Known) -> Self {
        Self::Known(Arc::new(known))
    }

    /// Returns the shape.
    pub(crate) fn dims(&self) -> Vec<usize> {
        match self {
            Self::Floats(array) => array.dims(),
            Self::Integers(array) => array.dims(),
            Self::Booleans(array) => array.dims(),
            Self::Known(known) => known.dims.clone(),
        }
    }

    /// Returns what kind of value it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Floats(_) => "numbers",
            Self::Integers(_) => "integers",
            Self::Booleans(_) => "booleans",
            Self::Known(_) => "constants",
        }
    }
}

impl From<Floats> for Value {
    fn from(array: Floats) -> Self {
        Self::Floats(array)
    }
}

impl From<Integers> for Value {
    fn from(array: Integers) -> Self {
        Self::Integers(array)
    }
}

impl From<Booleans> for Value {
    fn from(array: Booleans) -> Self {
        Self::Booleans(array)
    }
}

impl From<Known> for Value {
    fn from(known: Known) -> Self {
        Self::known(known)
    }
}
