//! Operations that Burn does not have. They extend the Flex backend, with and without autodiff.

mod autodiff;
mod flex;

pub(crate) use flex::FlexOps;
