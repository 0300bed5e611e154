//! The transforms along one axis of a tile.
//!
//! A kernel of 3 values and a tile are polynomials. Their product is known by its values at as many
//! points as it has coefficients. The points of 2 results are 0, 1, -1 and infinity. Those of 4
//! results are 0, a, -a, 1/a, -1/a and infinity, with a equal to the root of 2. They are chosen so
//! that 1/p is a point for each point p: a rotated kernel, divided by p, has at p the value of the
//! kernel at 1/p, divided by 1/p. Points of about the same size also keep the rounding errors low:
//! these are the usual points 0, 1, -1, 2, -2 and infinity divided by the root of 2, and have half
//! the error of those.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use pulp::Simd;

/// The most values along the side of a tile.
pub(super) const MOST: usize = 6;

/// The size of a tile of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tile {
    /// 2 x 2 results of 4 x 4 values.
    Two,
    /// 4 x 4 results of 6 x 6 values.
    Four,
}

impl Tile {
    /// Returns the tile for pictures of this height and width.
    ///
    /// The larger tile has more than twice as many transformed kernels to read, and a small picture
    /// has too few tiles to make up for it.
    pub(crate) fn of(height: usize, width: usize) -> Self {
        if height.div_ceil(4) * width.div_ceil(4) < 9 { Self::Two } else { Self::Four }
    }

    /// Returns the tile with so many places.
    pub(super) fn of_places(places: usize) -> Self {
        if places == 16 { Self::Two } else { Self::Four }
    }

    /// Returns the number of results along a side.
    pub(super) fn results(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Returns the number of values along a side.
    pub(super) fn side(self) -> usize {
        self.results() + 2
    }

    /// Returns the factors of a kernel's three values in its transformed value: a row of `G`.
    pub(super) fn kernel_row(self, at: usize) -> [f64; 3] {
        let (a, b) = (SQRT_2 / 2.0, FRAC_1_SQRT_2 / 2.0);
        match (self, at) {
            (_, 0) => [1.0, 0.0, 0.0],
            (Self::Two, 1) => [0.5, 0.5, 0.5],
            (Self::Two, 2) => [0.5, -0.5, 0.5],
            (Self::Four, 1) => [b, 0.5, a],
            (Self::Four, 2) => [b, -0.5, a],
            (Self::Four, 3) => [a, 0.5, b],
            (Self::Four, 4) => [a, -0.5, b],
            _ => [0.0, 0.0, 1.0],
        }
    }

    /// Returns the place whose transformed value a rotated kernel has at `at`.
    pub(super) fn rotated(self, at: usize) -> usize {
        match self {
            Self::Two => [3, 1, 2, 0][at],
            Self::Four => [5, 3, 4, 1, 2, 0][at],
        }
    }
}

/// Transforms the values of a tile along one axis: a product with `B'`.
#[inline(always)]
pub(super) fn values<S: Simd, const FOUR: bool>(simd: S, d: [S::f32s; MOST]) -> [S::f32s; MOST] {
    let sub = |a, b| simd.sub_f32s(a, b);
    let add = |a, b| simd.add_f32s(a, b);
    let zero = simd.splat_f32s(0.0);
    if !FOUR {
        return [sub(d[0], d[2]), add(d[1], d[2]), sub(d[2], d[1]), sub(d[1], d[3]), zero, zero];
    }
    let number = |value: f64| simd.splat_f32s(value as f32);
    let times = |factor, a| simd.mul_f32s(factor, a);
    let times_add = |factor, a, b| simd.mul_add_e_f32s(factor, a, b);
    let (minus_half, minus_two, minus_five_halves) = (number(-0.5), number(-2.0), number(-2.5));
    let third = number(1.0 / 3.0);
    // At a and -a.
    let even = times(number(SQRT_2 / 3.0), times_add(minus_half, d[2], d[4]));
    let odd = times(third, times_add(number(2.0), d[3], sub(zero, d[1])));
    // At 1/a and -1/a.
    let even_small = times(number(-2.0 * SQRT_2 / 3.0), times_add(minus_two, d[2], d[4]));
    let odd_small = times(number(-2.0 / 3.0), times_add(minus_two, d[1], d[3]));
    [
        times_add(minus_five_halves, d[2], add(d[0], d[4])),
        add(even, odd),
        sub(even, odd),
        add(even_small, odd_small),
        sub(even_small, odd_small),
        times_add(minus_five_halves, d[3], add(d[1], d[5])),
    ]
}

/// Computes results from the products of a tile along one axis: a product with `A'`.
#[inline(always)]
pub(super) fn results<S: Simd, const FOUR: bool>(simd: S, m: [S::f32s; MOST]) -> [S::f32s; 4] {
    let sub = |a, b| simd.sub_f32s(a, b);
    let add = |a, b| simd.add_f32s(a, b);
    let (sum, difference) = (add(m[1], m[2]), sub(m[1], m[2]));
    if !FOUR {
        let zero = simd.splat_f32s(0.0);
        return [add(m[0], sum), sub(difference, m[3]), zero, zero];
    }
    let number = |value: f64| simd.splat_f32s(value as f32);
    let times = |factor, a| simd.mul_f32s(factor, a);
    let times_add = |factor, a, b| simd.mul_add_e_f32s(factor, a, b);
    let (sum_small, difference_small) = (add(m[3], m[4]), sub(m[3], m[4]));
    let (a, b) = (SQRT_2, FRAC_1_SQRT_2);
    [
        add(m[0], add(sum, sum_small)),
        times_add(number(a), difference, times(number(b), difference_small)),
        times_add(number(2.0), sum, times(number(0.5), sum_small)),
        times_add(number(2.0 * a), difference, times_add(number(0.5 * b), difference_small, m[5])),
    ]
}
