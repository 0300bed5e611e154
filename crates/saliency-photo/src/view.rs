//! The part of a photo that a model was shown.

use image::RgbImage;

use crate::error::{Error, Result};
use crate::map::Map;
use crate::region::{Region, Size};

/// A photo with the region of it that the model was shown.
///
/// [`Preparation::view`](crate::Preparation::view) makes the view of a network. [`View::whole`] is
/// for models that are shown the whole photo.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The photo.
    pub photo: &'a RgbImage,
    /// The region that the model was shown.
    pub region: Region,
}

/// The geometry of a [`View`]. It is enough for measuring maps after the photo was removed from
/// memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The size of the photo.
    pub photo: Size,
    /// The region that the model was shown.
    pub region: Region,
}

impl<'a> View<'a> {
    /// Creates a view of a region of a photo.
    pub fn new(photo: &'a RgbImage, region: Region) -> Self {
        Self { photo, region }
    }

    /// Creates a view of a whole photo.
    pub fn whole(photo: &'a RgbImage) -> Self {
        Self { photo, region: Region::whole(photo) }
    }

    /// Returns whether the region is the whole photo.
    pub fn is_whole(&self) -> bool {
        self.region == Region::whole(self.photo)
    }

    /// Returns the geometry.
    pub fn frame(&self) -> Frame {
        Frame { photo: Size::of(self.photo), region: self.region }
    }
}

impl From<View<'_>> for Frame {
    fn from(view: View<'_>) -> Self {
        view.frame()
    }
}

impl Frame {
    /// Checks that the region has pixels and all of them are in the photo.
    ///
    /// # Errors
    /// [`Error::Region`] if they are not.
    pub fn check(&self) -> Result<()> {
        check_inside(self.region, self.photo)
    }

    /// Checks that a map has the aspect ratio of the region, so that it is not distorted when laid
    /// over it. A difference is allowed if rounding to whole pixels explains it: half a pixel on
    /// each side of the region and of the map. A [stretched](Map::stretched) map fits any region.
    ///
    /// # Errors
    /// [`Error::Aspect`] if the difference is larger.
    pub fn check_map(&self, map: &Map) -> Result<()> {
        if map.is_stretched() {
            return Ok(());
        }
        let (region, map) = (self.region.size(), map.size());
        let [width, height] = [region.width, region.height].map(f64::from);
        let [map_width, map_height] = [map.width, map.height].map(f64::from);
        let rounding = 0.5 * (width + height + map_width + map_height) + 0.5;
        if (width * map_height - height * map_width).abs() > rounding {
            return Err(Error::Aspect { region, map });
        }
        Ok(())
    }

    /// Returns the region's area as a share of the photo's.
    pub fn region_share(&self) -> f64 {
        let area = |size: Size| f64::from(size.width) * f64::from(size.height);
        area(self.region.size()) / area(self.photo)
    }
}

/// Checks that a region has pixels and all of them are in a photo.
pub(crate) fn check_inside(region: Region, photo: Size) -> Result<()> {
    if region.is_inside(photo) { Ok(()) } else { Err(Error::Region { photo, region }) }
}
