//! The shared parts of the programs that explain photos: options, devices, words about how sure a
//! map is, pictures and pages of a photo.
//!
//! The data flow of `explain`, in order: [`args`] and [`boxes`] (the options), [`explain`] (from
//! options to attributions), [`method`] (a method of the library, or [`regions`]), [`cover`] (covers
//! what a map calls important), [`certainty`] (how sure they are), [`pictures`] (from attributions to
//! files), [`report`] (the answers as JSON).
//!
//! For any network: [`network`] (the seam), and [`lite0`], the
//! network that is explained if no other is given.
//!
//! For every program: [`program`] (its start, its end and its exit code), [`output`] (lines on
//! stdout and stderr), [`progress`] (how far it is), [`photo_files`] (photos of a list of files),
//! [`file_names`] (names of files that every system accepts).

pub mod args;
pub mod boxes;
pub mod certainty;
pub mod cover;
pub mod devices;
pub mod explain;
pub mod file_names;
mod grid;
pub mod layer;
pub mod lite0;
pub mod method;
pub mod network;
pub mod output;
pub mod photo_files;
pub mod pictures;
pub mod program;
pub mod progress;
pub mod regions;
pub mod report;

use std::error::Error;

/// The result of a step of a program, which ends with the error's own words.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Writes a share in percent with one digit after the point.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
