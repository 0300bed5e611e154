//! Maps of another size, by linear interpolation along each dimension.

use burn::tensor::{Tensor, TensorData};

/// How the first and the last place of a map lie on the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Corners {
    /// Each place stands for an area: the map and the input share their outer edges (PyTorch's
    /// `align_corners=False`). Pictures of this library are enlarged like this.
    #[default]
    Edges,
    /// Each place stands for a point: the first and the last are the middles of the first and the
    /// last pixel of the input (PyTorch's `align_corners=True`).
    Middles,
}

/// The change from one size to another.
#[derive(Clone, Debug)]
pub(super) struct Resize<'a> {
    /// The length of each dimension now.
    pub from: &'a [usize],
    /// The length of each dimension afterwards.
    pub to: &'a [usize],
    pub corners: Corners,
}

impl Resize<'_> {
    /// Resizes flattened maps: from `[maps, places]` to `[maps, places]`.
    ///
    /// # Panics
    /// Panics if `from` and `to` have different numbers of dimensions, or if the maps do not have
    /// as many places as `from` says.
    pub fn apply(&self, maps: Tensor<2>) -> Tensor<2> {
        assert_eq!(self.from.len(), self.to.len(), "dimensions");
        let count = maps.dims()[0];
        let mut values = maps;
        for (at, (&from, &to)) in self.from.iter().zip(self.to).enumerate() {
            if from == to {
                continue;
            }
            // Dimensions before this one have their new length already.
            let outer = count * self.to[..at].iter().product::<usize>();
            let inner: usize = self.from[at + 1..].iter().product();
            let last = values.reshape([outer, from, inner]).swap_dims(1, 2);
            let weights = self.weights(&last, from, to);
            let resized = last.reshape([outer * inner, from]).matmul(weights);
            let resized = resized.reshape([outer, inner, to]).swap_dims(1, 2);
            values = resized.reshape([count, outer / count * to * inner]);
        }
        values
    }

    /// Returns how much of each old place is in each new one: `[from, to]`.
    fn weights(&self, like: &Tensor<3>, from: usize, to: usize) -> Tensor<2> {
        let mut weights = vec![0.0; from * to];
        for new in 0..to {
            let at = self.position(new, from, to);
            let before = (at as usize).min(from - 1);
            let after = (before + 1).min(from - 1);
            let share = at - before as f64;
            weights[before * to + new] += 1.0 - share;
            weights[after * to + new] += share;
        }
        let data = TensorData::new(weights, [from, to]);
        Tensor::from_data(data, (&like.device(), like.dtype()))
    }

    /// Returns where a new place is among the old ones.
    fn position(&self, new: usize, from: usize, to: usize) -> f64 {
        let at = match self.corners {
            Corners::Edges => (new as f64 + 0.5) * from as f64 / to as f64 - 0.5,
            Corners::Middles if to == 1 => 0.0,
            Corners::Middles => new as f64 * (from - 1) as f64 / (to - 1) as f64,
        };
        at.clamp(0.0, (from - 1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn resized(values: &[f32], from: &[usize], to: &[usize], corners: Corners) -> Vec<f32> {
        let maps = Tensor::<1>::from_data(values, &Device::flex()).reshape([1, values.len()]);
        let found = Resize { from, to, corners }.apply(maps);
        found.try_into_vec_as::<f32>().unwrap()
    }

    #[test]
    fn a_line_is_interpolated_between_its_places() {
        let found = resized(&[0.0, 4.0], &[2], &[4], Corners::Edges);
        assert_eq!(found, [0.0, 1.0, 3.0, 4.0]);
        let found = resized(&[0.0, 3.0], &[2], &[4], Corners::Middles);
        assert_eq!(found, [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(resized(&[5.0], &[1], &[3], Corners::Edges), [5.0; 3]);
        assert_eq!(resized(&[1.0, 2.0], &[2], &[1], Corners::Middles), [1.0]);
    }

    #[test]
    fn dimensions_are_independent_and_keep_their_order() {
        // The value is 10 y + x.
        let values = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0];
        let found = resized(&values, &[2, 3], &[3, 5], Corners::Middles);
        let expected: Vec<f32> =
            (0..3).flat_map(|y| (0..5).map(move |x| 5.0 * y as f32 + 0.5 * x as f32)).collect();
        assert_eq!(found, expected);
        let cube: Vec<f32> = (0..8).map(|at| at as f32).collect();
        assert_eq!(resized(&cube, &[2, 2, 2], &[2, 2, 2], Corners::Edges), cube);
        let found = resized(&cube, &[2, 2, 2], &[3, 2, 1], Corners::Edges);
        assert_eq!(found, [0.5, 2.5, 2.5, 4.5, 4.5, 6.5]);
    }
}
