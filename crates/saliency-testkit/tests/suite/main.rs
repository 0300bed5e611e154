//! The tests that every backend must pass.

mod activations;
mod backends;
mod bad_input;
mod closed_forms;
mod cost;
mod coverage;
mod data;
mod distributions_and_measures;
mod draws;
mod drop_in;
mod embeddings;
mod golden;
mod golden_metrics;
mod golden_photos;
mod golden_randomisation;
mod layers;
mod models;
mod outputs;
mod paths_adversarial;
mod paths_blur_guided;
mod perturbation;
mod pool;
mod properties;
mod ready_targets;
#[cfg(feature = "remote-server")]
mod remote;
mod rules;
mod saved;
mod schedules;
mod timing;
mod transformers;
mod uncertainty;
mod valid_noise;
