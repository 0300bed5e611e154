//! The shares of a map whose errors are estimated while a photo is explained.

use saliency_core::{Counted, EstimatedShare, Share};
use saliency_photo::{Reduce, Size};

use crate::border;
use crate::error::Result;
use crate::shown::Shown;

/// The form of the maps of all photos.
#[derive(Clone, Copy)]
pub(crate) struct MapForm {
    pub size: Size,
    pub channels: usize,
    pub reduction: Reduce,
}

/// The estimated errors of the shares of a photo's map; `None` if the method has no estimate.
#[derive(Clone, Copy, Default)]
pub(crate) struct ShareErrors {
    pub border: Option<f64>,
    pub inside: Option<f64>,
}

impl MapForm {
    /// Returns which values of a map count, or `None` if channels are reduced in a way that makes a
    /// share no sum over values.
    fn counted(self) -> Option<Counted> {
        match self.reduction {
            Reduce::AbsoluteSum => Some(Counted::Absolute),
            Reduce::Sum | Reduce::Positive if self.channels == 1 => Some(Counted::Positive),
            _ => None,
        }
    }

    /// Asks for the share of a photo's map at the border, and for that in its boxes, if there are
    /// any.
    ///
    /// # Errors
    /// Those of the footprints.
    pub fn shares(self, photo: &Shown) -> Result<Vec<Share>> {
        let Some(counted) = self.counted() else { return Ok(Vec::new()) };
        let border = border::footprint(self.size, photo.frame)?;
        let boxes = if photo.boxes.is_empty() {
            None
        } else {
            Some(photo.marked.footprint(self.size, photo.frame)?)
        };
        let share = |footprint| {
            let weights = saliency_photo::Footprint::shares(footprint).repeat(self.channels);
            Ok(Share::new(weights, counted)?)
        };
        std::iter::once(&border).chain(&boxes).map(share).collect()
    }
}

impl ShareErrors {
    /// Takes the errors of the shares that were asked for by [`MapForm::shares`].
    pub fn of(estimated: &[EstimatedShare]) -> Self {
        let error = |at: usize| estimated.get(at).and_then(|share| share.error);
        Self { border: error(0), inside: error(1) }
    }
}
