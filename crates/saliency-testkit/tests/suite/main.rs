//! The tests that every backend must pass.

mod bad_input;
mod closed_forms;
mod cost;
mod golden;
mod models;
mod schedules;
mod uncertainty;
