//! The engine: options, chunks of work, worker threads, memory, and the model's scores and
//! gradients.

pub(crate) mod chunks;
pub(crate) mod device;
pub(crate) mod evaluator;
pub(crate) mod look;
pub(crate) mod memory;
pub(crate) mod ordered;
pub(crate) mod outer;
pub(crate) mod panics;
pub(crate) mod question;
pub(crate) mod schedule;
#[cfg(all(feature = "rayon", target_os = "linux"))]
mod spread;
pub(crate) mod work;
pub(crate) mod workers;
