//! The tests that every backend must pass.

mod backends;
mod bad_input;
mod closed_forms;
mod cost;
mod coverage;
mod data;
mod embeddings;
mod golden;
mod golden_metrics;
mod golden_photos;
mod golden_randomisation;
mod models;
mod outputs;
mod perturbation;
mod pool;
mod properties;
mod ready_targets;
#[cfg(feature = "remote-server")]
mod remote;
mod saved;
mod schedules;
mod uncertainty;
