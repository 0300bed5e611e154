//! Lines around pixels of a map.

use std::fmt::Write as _;

use saliency_photo::{Region, Size};

/// Returns the border of some pixels of a map, which lies over a region, as commands of an SVG path.
pub(crate) fn border(pixels: &[usize], map: Size, region: Region) -> String {
    let [width, height] = [map.width as usize, map.height as usize];
    let mut is_inside = vec![false; width * height];
    pixels.iter().for_each(|&pixel| is_inside[pixel] = true);
    let wide = f64::from(region.width) / width as f64;
    let high = f64::from(region.height) / height as f64;
    let mut path = String::new();
    let mut line = |[x0, y0, x1, y1]: [usize; 4]| {
        let [x0, x1] = [x0, x1].map(|x| f64::from(region.x) + x as f64 * wide);
        let [y0, y1] = [y0, y1].map(|y| f64::from(region.y) + y as f64 * high);
        write!(path, "M{x0:.2} {y0:.2}L{x1:.2} {y1:.2}").expect("a string takes all");
    };
    for &pixel in pixels {
        let (x, y) = (pixel % width, pixel / width);
        // The four neighbours, and the edge in between. Outside of the map nothing is inside.
        if x == 0 || !is_inside[pixel - 1] {
            line([x, y, x, y + 1]);
        }
        if x + 1 == width || !is_inside[pixel + 1] {
            line([x + 1, y, x + 1, y + 1]);
        }
        if y == 0 || !is_inside[pixel - width] {
            line([x, y, x + 1, y]);
        }
        if y + 1 == height || !is_inside[pixel + width] {
            line([x, y + 1, x + 1, y + 1]);
        }
    }
    path
}

/// Returns the upper left corner of some pixels of a map: the left edge of the leftmost pixel in the
/// highest row. `pixels` are in ascending order.
pub(crate) fn corner(pixels: &[usize], map: Size) -> [u32; 2] {
    let first = pixels.first().map_or(0, |&pixel| pixel as u32);
    [first % map.width, first / map.width]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_has_the_edges_between_inside_and_outside() {
        let (map, region) =
            (Size { width: 3, height: 2 }, Region { x: 10, y: 0, width: 30, height: 10 });
        assert_eq!(
            border(&[5], map, region),
            "M30.00 5.00L30.00 10.00M40.00 5.00L40.00 10.00M30.00 5.00L40.00 5.00M30.00 10.00L40.00 10.00"
        );
        // Two neighbours have no line between them.
        assert_eq!(border(&[4, 5], map, region).matches('M').count(), 6);
        assert_eq!(border(&[0, 1, 2, 3, 4, 5], map, region).matches('M').count(), 10);
        assert_eq!(border(&[], map, region), "");
        assert_eq!(corner(&[1, 3], map), [1, 0]);
    }
}
