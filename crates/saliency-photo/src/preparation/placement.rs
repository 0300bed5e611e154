//! Where a photo is on an input, and where an input is on its photo.

use burn::tensor::Tensor;

use super::fit::{Centring, Fit, centred};
use super::values::Layout;
use crate::error::Result;
use crate::map::Map;
use crate::reduce::Reduce;
use crate::region::{Region, Size};
use crate::view::Frame;

/// The part of a photo that an input shows, and the part of the input that shows it.
///
/// The rest of the photo was cut off. The rest of the input is padding: it shows no photo, and maps
/// of the photo leave it out.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use image::RgbImage;
/// use saliency_photo::{Preparation, Reduce, Region};
///
/// let photo = RgbImage::new(600, 300);
/// let placement = Preparation::yolo().placement(&photo);
/// // The whole photo is in the middle of the input, between two bars.
/// assert_eq!(placement.region(), Region::whole(&photo));
/// assert_eq!(placement.content(), Region { x: 0, y: 160, width: 640, height: 320 });
/// // So its map leaves the bars out.
/// let attributions = Tensor::<4>::ones([1, 3, 640, 640], &Device::flex());
/// let map = placement.map(&attributions, 0, Reduce::Sum)?;
/// assert_eq!(map.size(), (640, 320).into());
/// # Ok::<(), saliency_photo::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    frame: Frame,
    input: Size,
    content: Region,
    layout: Layout,
}

impl Placement {
    /// Places a photo with pixels on an input with pixels.
    pub(super) fn new(
        photo: Size,
        input: Size,
        fit: Fit,
        centring: Centring,
        layout: Layout,
    ) -> Self {
        if fit == Fit::CropFirst {
            let frame = Frame { photo, region: centred(photo, input) };
            return Self { frame, input, content: at_origin(input), layout };
        }
        let scaled = fit.scaled(photo, input, centring);
        let content = scaled.content(input);
        let window = scaled.window(content);
        let (x, width) = part(photo.width, scaled.width, window.x, window.width);
        let (y, height) = part(photo.height, scaled.height, window.y, window.height);
        let frame = Frame { photo, region: Region { x, y, width, height } };
        Self { frame, input, content, layout }
    }

    /// Returns the part of the photo that the input shows, in whole pixels. Each edge is right to
    /// one pixel of the photo.
    pub fn region(&self) -> Region {
        self.frame.region
    }

    /// Returns the size of the photo and the part of it that the input shows.
    pub fn frame(&self) -> Frame {
        self.frame
    }

    /// Returns the part of the input that shows the photo, in pixels of the input.
    pub fn content(&self) -> Region {
        self.content
    }

    /// Returns whether the photo fills the input, so that the input has no padding.
    pub fn fills_input(&self) -> bool {
        self.content == at_origin(self.input)
    }

    /// Returns the map of one row of attributions, over the [region](Self::region) of the photo.
    ///
    /// The attributions have the layout of the input. Their height and width may be smaller, as those
    /// of a layer are. Padding is cut away. If the photo was stretched, the map is too, and
    /// [`Map::is_stretched`] says so.
    ///
    /// # Errors
    /// Those of [`Map::of_row`].
    pub fn map(&self, attributions: &Tensor<4>, row: usize, reduction: Reduce) -> Result<Map> {
        let map = match self.layout {
            Layout::ChannelsFirst => Map::of_row(attributions, row, reduction)?,
            Layout::ChannelsLast => {
                let channels_first = attributions.clone().permute([0, 3, 1, 2]);
                Map::of_row(&channels_first, row, reduction)?
            }
        };
        let map = if self.fills_input() { map } else { map.part(self.input, self.content) };
        // The region and the map belong together, whatever their aspect ratios.
        Ok(if self.frame.check_map(&map).is_ok() { map } else { map.stretched() })
    }
}

fn at_origin(size: Size) -> Region {
    Region { x: 0, y: 0, width: size.width, height: size.height }
}

/// Returns the first pixel of the photo and the number of its pixels that a window shows, along one
/// side.
fn part(photo: u32, scaled: u64, first: u64, shown: u32) -> (u32, u32) {
    let scale = f64::from(photo) / scaled as f64;
    let exact = f64::from(shown) * scale;
    let length = (exact.round() as u32).clamp(1, photo);
    let middle = first as f64 * scale + exact / 2.0;
    let start = (middle - f64::from(length) / 2.0).round().max(0.0) as u32;
    (start.min(photo - length), length)
}
