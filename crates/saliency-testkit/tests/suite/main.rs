//! The tests that every backend must pass.

mod bad_input;
mod closed_forms;
mod cost;
mod data;
mod golden;
mod models;
mod properties;
mod schedules;
mod uncertainty;
