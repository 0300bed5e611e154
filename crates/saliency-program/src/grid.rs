//! The number of regions that a photo is divided into.

use burn::tensor::Tensor;
use saliency::photo::Size;

/// An activation with more places down or across than this has not one region for each of them, but
/// [`REGIONS`].
const MOST_PLACES: usize = 32;

/// So many regions are along a side, if there is not one for each place.
pub(crate) const REGIONS: usize = 14;

/// Returns the number of switches of an activation, down and across: one for each place, but not
/// more than people can look at.
pub(crate) fn grid_of_places(size: [usize; 2]) -> [usize; 2] {
    size.map(|side| if side > MOST_PLACES { REGIONS } else { side })
}

/// Returns the number of regions of a photo that is explained at the input.
pub(crate) fn grid_of_input(input: &Tensor<4>) -> Size {
    let [.., height, width] = input.dims();
    let [height, width] = grid_of_places([height, width]);
    Size { width: width as u32, height: height as u32 }
}
