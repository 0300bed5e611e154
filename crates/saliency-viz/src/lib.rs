//! Pictures of attributions: what a person looks at.
//!
//! The data flow, and the items that hold it, in order:
//!
//! 1. [`Map`]: the values of one row, reduced over channels
//! 2. [`Map::clip`]: scaled to 0..1, or to -1..1 where values have signs, with outliers clipped; the
//!    scale is kept, and may be [shared](Map::shared_scale) by several maps
//! 3. [`ColorMap`]: from there to a colour
//! 4. [`Picture`]: heat map, overlay, masked photo and contour lines at the photo's own resolution
//! 5. [`Figure`]: several of them with titles and scales; [`Page`]: a file for the browser
//! 6. [`read_photo`] and [`write_picture`]: from and to files; [`export`]: the values for Python
//!
//! And beside it: [`Place`] measures how much of a map lies in a marked part of the photo, [`Chart`]
//! draws features and series, [`Tokens`] colours text, and [`blurred`] makes a baseline of a photo.
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
pub use files::{read_photo, remove_unfinished, write_file, write_picture};
pub use map::{Map, Reduce, Scaled};
pub use page::{Layer, Page};
pub use picture::{Picture, Region};
pub use place::{Found, Place};
#[doc(hidden)]
pub use text::percent;
pub use tokens::Tokens;
