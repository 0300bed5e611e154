//! Gaussian blur over any number of axes, and its derivative with respect to the width of the blur.

use burn::tensor::{DType, Device, Tensor, TensorData};

/// Below this width nothing is blurred: neighbours have weights below exp(-100,000).
const NOTHING: f64 = 1e-3;

/// A kernel that is not cut off reaches this many widths, where its weight is below 1e-17 of the
/// largest.
const REACH: f64 = 9.0;

/// SciPy cuts its kernel off at this many widths.
const CUT: f64 = 4.0;

/// The most numbers of matrices that are made at once.
const MOST_NUMBERS: usize = 1 << 22;

/// The values beyond the borders of an input that is blurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Border {
    /// The input reflected at its border, so that a constant input stays constant.
    #[default]
    Reflected,
    /// Zeros, so that an input is darkened (or lightened) at its borders.
    Zeros,
}

/// The kernel of a blur.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum BlurKernel {
    /// A Gaussian that is not cut off, with its exact derivative.
    #[default]
    Whole,
    /// A Gaussian that is cut off at four widths. It jumps when its width grows, so that it has no
    /// derivative: a difference over this much more width takes its place. For comparison with other
    /// programs.
    Truncated {
        /// The difference of width, in values.
        difference: f64,
    },
}

/// Blurs the trailing axes of tensors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScaleSpace<'a> {
    /// The sizes of the axes that are blurred.
    pub axes: &'a [usize],
    pub border: Border,
    pub kernel: BlurKernel,
}

/// Blurred rows, and their derivatives with respect to the width of the blur.
pub(crate) struct Blurred {
    pub values: Tensor<2>,
    pub slopes: Tensor<2>,
}

impl ScaleSpace<'_> {
    /// Blurs each row with its own width, in values.
    pub fn blur(&self, rows: &Tensor<2>, widths: &[f64]) -> Blurred {
        // Matrices of a long axis are made for a few rows at a time.
        let largest = self.axes.iter().max().expect("at least one axis");
        let together = (MOST_NUMBERS / (largest * largest)).max(1);
        let (mut values, mut slopes) = (Vec::new(), Vec::new());
        for (at, widths) in widths.chunks(together).enumerate() {
            let part = rows.clone().narrow(0, at * together, widths.len());
            let blurred = self.blur_together(part, widths);
            values.push(blurred.values);
            slopes.push(blurred.slopes);
        }
        Blurred { values: joined(values), slopes: joined(slopes) }
    }

    fn blur_together(&self, rows: Tensor<2>, widths: &[f64]) -> Blurred {
        match self.kernel {
            BlurKernel::Whole => self.with_derivative(rows, widths),
            BlurKernel::Truncated { difference } => {
                let wider: Vec<f64> = widths.iter().map(|width| width + difference).collect();
                let values = self.values(rows.clone(), widths);
                let slopes = (self.values(rows, &wider) - values.clone()) / difference;
                Blurred { values, slopes }
            }
        }
    }

    /// Blurs axis by axis.
    fn values(&self, rows: Tensor<2>, widths: &[f64]) -> Tensor<2> {
        let mut values = rows;
        for (axis, &size) in self.axes.iter().enumerate() {
            let kernels = widths.iter().map(|&width| self.weights(width));
            let matrices = self.matrices(size, kernels, &values);
            values = self.multiply(values, &matrices, axis);
        }
        values
    }

    /// Blurs axis by axis, and follows the derivative by the rule of products.
    fn with_derivative(&self, rows: Tensor<2>, widths: &[f64]) -> Blurred {
        let (mut values, mut slopes) = (rows, None);
        for (axis, &size) in self.axes.iter().enumerate() {
            let kernels = widths.iter().map(|&width| self.weights(width));
            let matrices = self.matrices(size, kernels, &values);
            let kernels = widths.iter().map(|&width| derivative(width));
            let derivatives = self.matrices(size, kernels, &values);
            let own = self.multiply(values.clone(), &derivatives, axis);
            slopes = Some(match slopes.take() {
                Some(slopes) => self.multiply(slopes, &matrices, axis) + own,
                None => own,
            });
            values = self.multiply(values, &matrices, axis);
        }
        Blurred { values, slopes: slopes.expect("at least one axis") }
    }

    /// Multiplies one of the axes by the matrix of each row. The matrices are symmetric.
    fn multiply(&self, rows: Tensor<2>, matrices: &Tensor<3>, axis: usize) -> Tensor<2> {
        let [count, width] = rows.dims();
        let size = self.axes[axis];
        let inner: usize = self.axes[axis + 1..].iter().product();
        let outer = width / (size * inner);
        if inner == 1 {
            let rows = rows.reshape([count, outer, size]).matmul(matrices.clone());
            return rows.reshape([count, width]);
        }
        let matrices = matrices.clone().reshape([count, 1, size, size]);
        matrices.matmul(rows.reshape([count, outer, size, inner])).reshape([count, width])
    }

    /// Returns the matrices that blur an axis with the given kernels, of the type of `like`.
    fn matrices(
        &self,
        size: usize,
        kernels: impl ExactSizeIterator<Item = Vec<f64>>,
        like: &Tensor<2>,
    ) -> Tensor<3> {
        let count = kernels.len();
        let mut numbers = Vec::with_capacity(count * size * size);
        for kernel in kernels {
            self.push_matrix(size, &kernel, &mut numbers);
        }
        let options: (&Device, DType) = (&like.device(), like.dtype());
        Tensor::from_data(TensorData::new(numbers, [count, size, size]), options)
    }

    /// Appends the matrix of a kernel, given by its weights from the middle on.
    fn push_matrix(&self, size: usize, kernel: &[f64], numbers: &mut Vec<f64>) {
        if self.border == Border::Zeros {
            let weight = |distance: usize| kernel.get(distance).copied().unwrap_or(0.0);
            let rows = (0..size).flat_map(|i| (0..size).map(move |j| i.abs_diff(j)));
            numbers.extend(rows.map(weight));
            return;
        }
        // A reflected input repeats itself after twice its size, and so does the kernel.
        let period = 2 * size;
        let mut repeated = vec![0.0; period];
        for (distance, weight) in kernel.iter().enumerate() {
            repeated[distance % period] += weight;
            if distance > 0 {
                repeated[(period - distance % period) % period] += weight;
            }
        }
        for i in 0..size {
            numbers.extend((0..size).map(|j| repeated[i.abs_diff(j)] + repeated[i + j + 1]));
        }
    }

    /// Returns the weights of the kernel from the middle on. All of them sum to 1.
    fn weights(&self, width: f64) -> Vec<f64> {
        if width < NOTHING {
            return vec![1.0];
        }
        let reach = match self.kernel {
            BlurKernel::Whole => (REACH * width).ceil(),
            BlurKernel::Truncated { .. } => (CUT * width + 0.5).floor(),
        };
        let weight = |distance: usize| (-0.5 * (distance as f64 / width).powi(2)).exp();
        let mut weights: Vec<f64> = (0..=reach as usize).map(weight).collect();
        let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        weights
    }
}

/// Returns the derivatives of the weights of a whole kernel with respect to its width.
fn derivative(width: f64) -> Vec<f64> {
    let kernel = ScaleSpace { axes: &[], border: Border::Reflected, kernel: BlurKernel::Whole };
    let mut weights = kernel.weights(width);
    if width < NOTHING {
        return vec![0.0];
    }
    let square = |distance: usize| (distance as f64).powi(2);
    let spread = weights.iter().enumerate().map(|(at, weight)| 2.0 * weight * square(at));
    let spread: f64 = spread.sum();
    for (at, weight) in weights.iter_mut().enumerate() {
        *weight *= (square(at) - spread) / width.powi(3);
    }
    weights
}

fn joined(mut parts: Vec<Tensor<2>>) -> Tensor<2> {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blur(axes: &[usize], space: (Border, BlurKernel), row: &[f64], width: f64) -> [Vec<f64>; 2] {
        let device = Device::flex();
        let row = Tensor::<1>::from_data(row, (&device, DType::F64)).reshape([1, row.len()]);
        let space = ScaleSpace { axes, border: space.0, kernel: space.1 };
        let blurred = space.blur(&row, &[width]);
        [blurred.values, blurred.slopes].map(|it| it.try_into_vec_as::<f64>().unwrap())
    }

    fn close(found: &[f64], expected: &[f64], within: f64) {
        let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f64::max);
        assert!(largest <= within && found.len() == expected.len(), "{largest:.1e}");
    }

    const WHOLE: (Border, BlurKernel) = (Border::Reflected, BlurKernel::Whole);

    #[test]
    fn a_cosine_that_fits_the_borders_is_only_scaled() {
        // cos(πk (i + 1/2) / n) is reflected into itself. A sampled Gaussian is, for widths of some
        // values, the true one: it scales the cosine by exp(-(πkσ/n)²/2).
        let n = 24;
        for (k, width) in [(1, 1.5), (2, 3.0), (3, 20.0)] {
            let step = std::f64::consts::PI * f64::from(k) / n as f64;
            let wave: Vec<f64> = (0..n).map(|i| (step * (i as f64 + 0.5)).cos()).collect();
            let scale = (-0.5 * (step * width).powi(2)).exp();
            let [values, slopes] = blur(&[n], WHOLE, &wave, width);
            let times = |by: f64| wave.iter().map(|it| it * by).collect::<Vec<_>>();
            close(&values, &times(scale), 1e-8);
            close(&slopes, &times(-scale * step * step * width), 1e-8);
        }
    }

    #[test]
    fn slopes_are_the_derivative_on_any_number_of_axes() {
        let row: Vec<f64> = (0..2 * 3 * 4 * 5).map(|at| (f64::from(at) * 0.7).sin()).collect();
        for axes in [&[60][..], &[12, 5], &[3, 4, 5]] {
            for (width, small) in [(0.4, 1e-6), (1.0, 1e-6), (3.0, 1e-5)] {
                let [_, slopes] = blur(axes, WHOLE, &row, width);
                let [above, _] = blur(axes, WHOLE, &row, width + small);
                let [below, _] = blur(axes, WHOLE, &row, width - small);
                let pairs = above.iter().zip(&below);
                let expected: Vec<f64> = pairs.map(|(a, b)| (a - b) / (2.0 * small)).collect();
                close(&slopes, &expected, 1e-7);
            }
        }
    }

    #[test]
    fn axes_are_blurred_one_after_the_other() {
        // A single light in a picture spreads as the product of two kernels, in its own channel.
        let mut row = vec![0.0; 2 * 9 * 9];
        row[81 + 4 * 9 + 4] = 1.0;
        let [values, _] = blur(&[9, 9], WHOLE, &row, 0.8);
        let mut line = vec![0.0; 9];
        line[4] = 1.0;
        let [line, _] = blur(&[9], WHOLE, &line, 0.8);
        let product: Vec<f64> = line.iter().flat_map(|a| line.iter().map(move |b| a * b)).collect();
        close(&values[81..], &product, 1e-15);
        close(&values[..81], &[0.0; 81], 0.0);
    }

    #[test]
    fn zeros_beyond_the_border_and_a_kernel_that_is_cut_off() {
        // exp(-1/2) and exp(-2) at one and two values, up to four values away.
        let kernel: Vec<f64> = (0..5).map(|at| (-0.5 * f64::from(at * at)).exp()).collect();
        let sum = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
        let space = (Border::Zeros, BlurKernel::Truncated { difference: 0.01 });
        let [values, slopes] = blur(&[6], space, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0], 1.0);
        let mut expected: Vec<f64> = kernel.iter().map(|weight| weight / sum).collect();
        expected.push(0.0);
        close(&values, &expected, 1e-15);
        assert!(slopes[0] < 0.0 && slopes[2] > 0.0);
        // Without a width nothing is blurred.
        let [values, _] = blur(&[3], space, &[1.0, 2.0, 3.0], 0.0);
        assert_eq!(values, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn rows_have_their_own_widths() {
        let device = Device::flex();
        let rows = Tensor::<2>::from_data([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], &device);
        let (border, kernel) = WHOLE;
        let space = ScaleSpace { axes: &[3], border, kernel };
        let values = space.blur(&rows, &[0.0, 50.0]).values.try_into_vec_as::<f64>().unwrap();
        assert_eq!(values[..3], [1.0, 0.0, 0.0]);
        close(&values[3..], &[1.0 / 3.0; 3], 1e-6);
    }
}
