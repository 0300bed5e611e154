//! Pictures of attributions, for people to look at.
//!
//! The items, in the order in which data flow through them:
//!
//! 1. A [`ScaledMap`] of the attributions and the [`View`] of the photo that the model was shown,
//!    both from [`saliency_photo`]
//! 2. [`ColorMap`]: from values to colours
//! 3. [`Picture`]: heat map, overlay, masked photo, contour lines and the few regions that hold most
//!    of a map, at the photo's own resolution
//! 4. [`Figure`]: several pictures with titles and [legends](Legend); `Page`: a file for the
//!    browser
//! 5. [`write_picture`] and [`write_file`]: to files; `Export`: the values for Python
//!
//! For attributions that are not of photos, `Chart` draws features and series, `Tokens` colours
//! text, and `SlicePage` shows volumes and videos.
//!
//! # Features
//! All are on by default.
//!
//! - `pages`: `Page`, `SlicePage`, and `Tokens` with its `Token`s
//! - `charts`: `Chart`
//! - `export`: `Export` and `Record`
//!
//! # Example
//! ```
//! use burn::tensor::{Device, Tensor};
//! use image::{Rgb, RgbImage};
//! use saliency_photo::{Map, Reduce, Region, View};
//! use saliency_viz::Picture;
//!
//! let values = Tensor::<4>::from_data([[[[0.0, 1.0], [2.0, -4.0]]]], &Device::flex());
//! let map = Map::of_row(&values, 0, Reduce::default())?.clip_beyond(0.9)?;
//!
//! let photo = RgbImage::from_pixel(60, 40, Rgb([90, 120, 150]));
//! let seen = Region { x: 10, y: 0, width: 40, height: 40 };
//! let picture = Picture::new(View::new(&photo, seen), &map)?;
//! assert_eq!(picture.overlay().dimensions(), (60, 40));
//! # Ok::<(), saliency_viz::Error>(())
//! ```
//!
//! [`ScaledMap`]: saliency_photo::ScaledMap
//! [`View`]: saliency_photo::View

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "charts")]
mod chart;
mod color;
mod contours;
mod drawing;
mod encoded;
mod error;
#[cfg(feature = "export")]
mod export;
mod figure;
mod files;
mod fonts;
mod grid;
mod layout;
mod legend;
mod outline;
#[cfg(feature = "pages")]
mod page;
mod picture;
mod places;
mod resize;
#[cfg(feature = "pages")]
mod slices;
mod text;
mod tile;
#[cfg(feature = "pages")]
mod tokens;

#[cfg(feature = "charts")]
pub use chart::Chart;
pub use color::ColorMap;
pub use error::{Error, Result};
#[cfg(feature = "export")]
pub use export::{Export, Record};
pub use figure::Figure;
pub use files::{remove_unfinished, write_file, write_picture};
pub use legend::Legend;
#[cfg(feature = "pages")]
pub use page::{Outcome, Page, PageMap, PageTest, Trial, Trials};
pub use picture::Picture;
/// The values of a [`Record`].
#[cfg(feature = "export")]
pub use serde_json;
#[cfg(feature = "pages")]
pub use slices::SlicePage;
pub use tile::Tile;
#[cfg(feature = "pages")]
pub use tokens::{Token, Tokens};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
