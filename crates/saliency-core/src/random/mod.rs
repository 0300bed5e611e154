//! Random numbers that depend on nothing but their key, and the noise and the segments made of them.

pub(crate) mod distribution;
pub(crate) mod key;
pub(crate) mod lattice;
mod limits;
pub(crate) mod noise;
pub(crate) mod noise_draw;
mod normal;
pub(crate) mod segments;
pub(crate) mod valid_range;
