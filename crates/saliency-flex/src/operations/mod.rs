//! Operations that Burn does not have: its extension of a backend, for Flex, with and without
//! autodiff.

mod autodiff;
mod flex;

pub(crate) use flex::FlexOps;
