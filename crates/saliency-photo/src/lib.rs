//! Attributions of photos, as numbers: all steps between an explanation and a picture.
//!
//! The items, in the order in which data flow through them:
//!
//! 1. [`read_photo`]: from a file to a photo
//! 2. [`Preparation`]: from a photo to the input of a network, and the [`View`] of the photo that
//!    the network is shown; [`blurred`] makes a baseline of the input. Presets, files of Hugging Face
//!    and timm, and a [`Guess`] say how a network's photos are prepared; [`ClassNames`] its classes
//! 3. [`Map`]: the attributions of one row, [reduced](Reduce) over channels
//! 4. [`ScaledMap`]: the map scaled to 0..1, or to -1..1 if its values have signs, with outliers
//!    clipped; several maps may [share a scale](Map::shared_scale); [`Map::places`] finds the few
//!    [places](Place) that hold most of a map
//! 5. [`MarkedArea`]: measures how much of a map is inside a marked part of the photo
//!
//! [`Slic`] cuts a photo into superpixels: regions over which a map can be added up.
//!
//! This crate draws nothing. The crate `saliency-viz` draws.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use saliency_photo::{Map, Reduce};
//!
//! let values = Tensor::<4>::from_data([[[[0.0, 1.0], [2.0, -4.0]]]], &Device::flex());
//! let map = Map::of_row(&values, 0, Reduce::default())?;
//! assert_eq!(map.values(), [0.0, 1.0, 2.0, 4.0]);
//! assert_eq!(map.clip_beyond(1.0)?.values(), [0.0, 0.25, 0.5, 1.0]);
//! # Ok::<(), saliency_photo::Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod blur;
mod class_names;
mod coverage;
mod error;
mod foreign;
mod jpeg;
mod map;
mod marked_area;
mod percent;
mod places;
mod preparation;
mod profile;
mod read;
mod reduce;
mod region;
mod scaled;
mod slices;
mod superpixels;
mod view;

pub use blur::blurred;
pub use class_names::{ClassNames, UnknownClass};
pub use coverage::{Coverage, Footprint};
pub use error::{Cause, Error, Result};
pub use map::{Area, Map};
pub use marked_area::MarkedArea;
pub use percent::percent;
pub use places::Place;
pub use preparation::{
    Channel, ChannelOrder, Channels, Fit, Guess, Interpolation, Layout, ModelFacts, Placement,
    Preparation, Prepared, ValueRange,
};
pub use read::read_photo;
pub use reduce::Reduce;
pub use region::{Region, Size};
pub use scaled::ScaledMap;
pub use slices::slice_pictures;
pub use superpixels::{Slic, Superpixels};
pub use view::{Frame, View};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
