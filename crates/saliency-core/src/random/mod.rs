//! Random numbers that depend on nothing but their key, and the noise made of them.

pub(crate) mod key;
pub(crate) mod noise;
