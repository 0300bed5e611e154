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
mod golden_randomisation;
mod models;
mod pool;
mod properties;
#[cfg(feature = "remote-server")]
mod remote;
mod saved;
mod schedules;
mod uncertainty;
