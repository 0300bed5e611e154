//! Pictures of attributions: what a person looks at.
//!
//! The data flow, and the items that hold it, in order:
//!
//! 1. [`Map`]: the values of one row, reduced over channels
//! 2. [`Map::clip`]: scaled to 0..1, with outliers clipped; the scale is kept
//! 3. [`ColorMap`]: from 0..1 to a colour
//! 4. [`Picture`]: heat map, overlay and panel at the photo's own resolution
//! 5. [`read_photo`] and [`write_picture`]: from and to files
//!
//! And for the input: [`blurred`] makes a baseline of a photo.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use image::{Rgb, RgbImage};
//! use saliency_viz::{Map, Picture, Reduce, Region};
//!
//! let values = Tensor::<4>::from_data([[[[0.0, 1.0], [2.0, -4.0]]]], &Device::flex());
//! let map = Map::of_row(&values, 0, Reduce::default())?;
//! assert_eq!(map.values(), [0.0, 1.0, 2.0, 4.0]);
//!
//! let photo = RgbImage::from_pixel(60, 40, Rgb([90, 120, 150]));
//! let seen = Region { x: 10, y: 0, width: 40, height: 40 };
//! let map = map.clip(99.0)?;
//! let picture = Picture::new(&photo, seen, &map)?;
//! assert_eq!(picture.overlay().dimensions(), (60, 40));
//! # Ok::<(), saliency_viz::Error>(())
//! ```

mod blur;
mod chart;
mod color;
mod error;
mod export;
mod figure;
mod files;
mod map;
mod page;
mod picture;
mod place;
mod text;
mod tokens;

pub use blur::blurred;
pub use chart::Chart;
pub use color::ColorMap;
pub use error::{Error, Result};
pub use export::{Record, export};
pub use figure::{Figure, Tile};
pub use files::{read_photo, write_file, write_picture};
pub use map::{Map, Reduce, Scaled};
pub use page::{Layer, Page};
pub use picture::{Picture, Region};
pub use place::{Found, Place};
pub use tokens::Tokens;
