//! Finds the smallest boxes around other shapes that people draw with tools.

use super::drawing::Corners;

/// Returns the box around points, or `None` if there are fewer than two, which have no area.
pub(super) fn around(points: impl IntoIterator<Item = [f64; 2]>) -> Option<Corners> {
    let mut points = points.into_iter();
    let [x, y] = points.next()?;
    let first = Corners { left: x, top: y, right: x, bottom: y };
    let mut more = false;
    let all = points.fold(first, |it, [x, y]| {
        more = true;
        Corners {
            left: it.left.min(x),
            top: it.top.min(y),
            right: it.right.max(x),
            bottom: it.bottom.max(y),
        }
    });
    more.then_some(all)
}

/// Returns the box around an ellipse, given its centre and its half axes.
pub(super) fn around_ellipse(centre: [f64; 2], radii: [f64; 2]) -> Corners {
    let ([x, y], [across, down]) = (centre, radii);
    Corners { left: x - across, top: y - down, right: x + across, bottom: y + down }
}

/// Returns the box with the given left and top edges, width and height.
pub(super) fn sized([x, y, width, height]: [f64; 4]) -> Corners {
    Corners { left: x, top: y, right: x + width, bottom: y + height }
}

/// Takes numbers in pairs.
pub(super) fn pairs(numbers: &[f64]) -> impl Iterator<Item = [f64; 2]> {
    numbers.chunks_exact(2).map(|pair| [pair[0], pair[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_boxes_around_them() {
        let corners = Corners { left: 1.0, top: 2.0, right: 5.0, bottom: 9.0 };
        assert_eq!(around(pairs(&[5.0, 2.0, 1.0, 9.0, 3.0, 3.0])), Some(corners));
        assert_eq!(around(pairs(&[5.0, 2.0])), None);
        assert_eq!(around(pairs(&[])), None);
        assert_eq!(around_ellipse([3.0, 5.5], [2.0, 3.5]), corners);
        assert_eq!(sized([1.0, 2.0, 4.0, 7.0]), corners);
    }
}
