//! Where does an image classifier look in each photo of a folder?
//!
//! An [`Audit`] explains every photo. It measures how much of each map is in the boxes that a
//! person drew, and how much is at the border. It covers what a map calls important, and asks the
//! model again. It groups photos whose maps agree in place. It writes a page for people who do not program
//! (`audit.html`), and tables for programs (`audit.csv`, `audit.parquet`). It may be stopped at any
//! time, and resumes when it is started again.
//!
//! It audits any model that takes photos as `[rows, channels, height, width]`. A [`Subject`] holds
//! the model, a way to turn a photo into its input ([`PhotoInput`]) and the names of its classes
//! ([`ClassNames`]). A [`Recipe`] says how photos are explained.
//!
//! # Example
//! ```
//! use burn::tensor::{Device, Tensor, TensorData};
//! use image::RgbImage;
//! use saliency_audit::{Audit, ClassNames, Effort, Recipe, Subject, photo_input};
//! use saliency_core::{Gradient, pure_function};
//! use saliency_photo::Region;
//!
//! // Turns a photo into an input: 8 x 8 pixels, values from 0 to 1, of the whole photo.
//! let tensor = |photo: &RgbImage, device: &Device| {
//!     let small = image::imageops::thumbnail(photo, 8, 8);
//!     let channel = |at: usize| small.pixels().map(move |it| f32::from(it.0[at]) / 255.0);
//!     let values: Vec<f32> = (0..3).flat_map(channel).collect();
//!     Tensor::from_data(TensorData::new(values, [1, 3, 8, 8]), device)
//! };
//! let input = photo_input("8 x 8, from 0 to 1", tensor, Region::whole);
//!
//! // A model with a score for each colour: the mean of that colour.
//! let model = |_: &Device| {
//!     pure_function(|photos: Tensor<4>| photos.mean_dims(&[2, 3]).squeeze_dims::<2>(&[2, 3]))
//! };
//! let subject = Subject::new("A classifier of colours", "no weights", model, input)
//!     .with_classes(ClassNames::new(["red", "green", "blue"]));
//! let recipe = Recipe::new("gradient", "Gradient", Effort::Steps(1), |_, schedule| {
//!     Box::new(Gradient::new().with_schedule(schedule))
//! });
//!
//! # let folder = tempfile::tempdir()?;
//! # let photos = folder.path().join("photos");
//! # saliency_viz::write_picture(&photos.join("sea.png"), &RgbImage::from_pixel(9, 9, image::Rgb([0, 0, 99])))?;
//! # let out = folder.path().join("audit");
//! let findings = Audit::new(subject, recipe)
//!     .with_devices(["flex".parse()?])
//!     .with_output_folder(out)
//!     .run(photos)?;
//! for line in &findings.summary {
//!     println!("{line}");
//! }
//! # assert_eq!(findings.files.len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Data flow
//! The modules, in order: `subject` and `recipe` (the question), `folder` and `boxes` (the files
//! that are read), `sample` (which photos are covered), `explain` (from photos to maps), `grid`,
//! `border` and `row` (the measurements of a map), `cover` and `tested` (covered photos, and the
//! model's answers), `groups` (photos whose maps agree), `stages` (all of these in turn), `parts` (a
//! file for each photo). From the parts, `summary`, `remarks`, `findings`, `tables` and `page` are
//! made, in the words of `about_cover` and `about_groups`.

mod about_cover;
mod about_groups;
mod audit;
mod border;
mod boxes;
mod cover;
mod digest;
mod error;
mod event;
mod explain;
mod findings;
mod folder;
mod grid;
mod groups;
mod intervals;
mod link;
mod mean_map;
mod page;
mod parts;
mod recipe;
mod remarks;
mod row;
mod sample;
mod shares;
mod shown;
mod stages;
mod subject;
mod summary;
mod tables;
mod tested;
mod thumbnail;

pub use audit::Audit;
pub use boxes::{BoxesError, PhotoBox, write_boxes};
pub use digest::digest;
pub use error::{Error, Result};
pub use event::Event;
pub use findings::{BoxCounts, CoverCounts, Findings, GroupFound, PlaceCounts};
pub use recipe::{Effort, PhotoExplainer, Recipe};
pub use saliency_photo::ClassNames;
pub use sample::CoverSample;
pub use subject::{PhotoInput, Subject, photo_input};

/// The example of the front page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FrontPage;
