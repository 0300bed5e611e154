//! Blur IG: the path from a blurred input to the sharp one.

use burn::tensor::{DType, Tensor};

use crate::error::{Error, Result};
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::path::along_path::AlongPath;
use crate::methods::path::laid::{Laid, Path};
use crate::path::scale_space::{BlurKernel, Blurred, Border, ScaleSpace};
use crate::path::shape::{PathPoints, PathShape};

/// Which details made the score change while the input came into focus?
///
/// ```text
///           1
/// A(x)  =   ∫  ∂f/∂x (x_σ) · ∂x_σ/∂σ · σ'(α) dα,      x_σ = the input blurred by a Gaussian of width σ(α)
///           0
/// ```
///
/// The path starts at the input blurred by the largest width, and ends at the input. It needs no
/// baseline, and passes through no inputs that are darker than the input. The values sum to the score
/// of the input minus the score of the most blurred input (completeness), up to the error of the
/// quadrature.
///
/// The axes that are blurred are all but the first two: the length of `[rows, channels, time]`,
/// height and width of `[rows, channels, height, width]`, three axes of a volume. Every channel is
/// blurred by itself. [`Fixed`](crate::Fixed) tensors are not.
///
/// The blur is a product with one matrix for each axis. Its derivative with respect to σ is that of
/// the matrices, so that it is exact.
///
/// # Shapes and units
/// Values have the input's shape. Their unit is that of the score, and they have signs.
///
/// # Parameters and defaults
/// - largest width: 50/224 of the longest blurred axis, as PAIR's 50 for photos of 224 values
/// - border: [`Border::Reflected`], so that a constant input does not change and gets zeros
/// - spacing: [`BlurSpacing::Logarithmic`]
/// - kernel: [`BlurKernel::Whole`]
/// - steps: 50 points on the path, or as many as a tolerance needs: see
///   [`IntegratedGradients`](crate::IntegratedGradients), whose options are the same
///
/// # Cost
/// A gradient and a blur for each point of each row, and two forward passes. A blur of n x n values
/// takes 10 n³ multiplications for each channel.
///
/// # Errors
/// Those of [`IntegratedGradients`](crate::IntegratedGradients);
/// [`Error::NoSpatialAxis`](crate::Error::NoSpatialAxis) for an input of rows and values;
/// [`Error::InvalidOption`](crate::Error::InvalidOption) for a width that is larger than the input,
/// and for an axis of more than 4,096 values, for which the matrices are too large.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{BlurIg, Explainer, pure_function};
///
/// // The contrast of a line of values.
/// let contrast = pure_function(|x: Tensor<3>| x.powi_scalar(2).sum_dim(2).flatten::<2>(1, 2));
/// let device = Device::flex();
/// let line = Tensor::<3>::from_data([[[1.0, 1.0, 1.0, 5.0, 1.0, 1.0, 1.0, 1.0]]], &device);
/// let map = BlurIg::new().with_max_sigma(4.0).attribute(&contrast, line)?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!(values[3] > 10.0 && values[3] > 5.0 * values[7].abs());
///
/// // Without details there is nothing to explain.
/// let map = BlurIg::new().attribute(&contrast, Tensor::<3>::ones([1, 1, 8], &device))?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [0.0; 8]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// The values of PAIR's library (`max_sigma=50, steps=100`) are those of
/// ```
/// use saliency_core::methods::{BlurKernel, BlurSpacing, Border};
/// use saliency_core::{BlurIg, Rule};
///
/// let explainer = BlurIg::new()
///     .with_max_sigma(50.0)
///     .with_border(Border::Zeros)
///     .with_spacing(BlurSpacing::Linear)
///     .with_kernel(BlurKernel::Truncated { difference: 0.01 })
///     .with_rule(Rule::Right)
///     .with_steps(100);
/// ```
///
/// # Source
/// Xu, Venugopalan and Sundararajan, *Attribution in Scale and Space*, 2020,
/// <https://arxiv.org/abs/2004.03383>.
pub type BlurIg = AlongPath<Blur>;

/// The path from a blurred input to the sharp one: the path of [`BlurIg`].
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Blur {
    max_sigma: Option<f64>,
    border: Border,
    spacing: BlurSpacing,
    kernel: BlurKernel,
}

/// The width of the blur at each position of the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum BlurSpacing {
    /// Equal steps of log(σ + 1/2): small widths, at which details appear, get more of the path. On
    /// the CIFAR network 20 points have three quarters of the error of equal steps of σ.
    #[default]
    Logarithmic,
    /// Equal steps of σ.
    Linear,
}

/// The width at which logarithmic steps are half as wide as at the end of the path.
const HALF: f64 = 0.5;

/// The largest width by default, as a share of the longest axis.
const DEFAULT_SHARE: f64 = 50.0 / 224.0;

/// The longest axis that is blurred.
const LONGEST: usize = 4096;

impl<C> AlongPath<Blur, C> {
    /// Sets the width of the Gaussian at the start of the path, in values; above 0, and at most the
    /// longest axis.
    pub fn with_max_sigma(self, sigma: f64) -> Self {
        self.with_path(|path| path.max_sigma = Some(sigma))
    }

    /// Sets the values beyond the borders of the input.
    pub fn with_border(self, border: Border) -> Self {
        self.with_path(|path| path.border = border)
    }

    /// Sets the width of the blur at each position of the path.
    pub fn with_spacing(self, spacing: BlurSpacing) -> Self {
        self.with_path(|path| path.spacing = spacing)
    }

    /// Sets the kernel of the blur.
    pub fn with_kernel(self, kernel: BlurKernel) -> Self {
        self.with_path(|path| path.kernel = kernel)
    }
}

impl Path for Blur {
    fn lay<'a>(&self, question: &'a Question, _: &Scored, _: &Schedule) -> Result<Laid<'a>> {
        let input = &question.input;
        let mut axes = Vec::new();
        for (tensor, (shape, fixed)) in input.shapes.iter().zip(&input.fixed).enumerate() {
            let blurred = if *fixed { None } else { Some(self.axes(tensor, shape)?) };
            axes.push(blurred);
        }
        // Deviations from a value of each channel: reflected borders leave that value as it is.
        let mut deviations = input.clone();
        for (part, axes) in deviations.parts.iter_mut().zip(&axes) {
            if let (Some(axes), Border::Reflected) = (axes, self.border) {
                *part = deviation(part, axes.iter().product());
            }
        }
        Ok(Laid::new(BlurredPath {
            blur: self.clone(),
            input,
            deviations: deviations.widened(),
            axes,
        }))
    }

    fn check(&self) -> Result<()> {
        let positive = |option, size: f64| {
            if size > 0.0 && size.is_finite() {
                return Ok(());
            }
            Err(Error::invalid_option(option, "above 0", size))
        };
        self.max_sigma.map_or(Ok(()), |sigma| positive("the largest sigma", sigma))?;
        match self.kernel {
            BlurKernel::Truncated { difference } => positive("the difference of sigma", difference),
            BlurKernel::Whole => Ok(()),
        }
    }
}

impl Blur {
    /// Returns the axes of a tensor that are blurred.
    fn axes(&self, tensor: usize, shape: &[usize]) -> Result<Vec<usize>> {
        let axes = shape.get(2..).unwrap_or_default();
        let Some(&longest) = axes.iter().max() else {
            return Err(Error::NoSpatialAxis { tensor, shape: shape.to_vec() });
        };
        if longest > LONGEST {
            let expected = format!("of at most {LONGEST} values; pool or cut the input");
            return Err(Error::invalid_option("the axes to blur", expected, longest));
        }
        if let Some(sigma) = self.max_sigma.filter(|sigma| *sigma > longest as f64) {
            let expected = format!("at most {longest}, the longest axis of the input");
            return Err(Error::invalid_option("the largest sigma", expected, sigma));
        }
        Ok(axes.to_vec())
    }

    /// Returns the width at a position of the path, and its derivative with respect to the position.
    fn width(&self, largest: f64, position: f64) -> Width {
        let back = (1.0 - position).max(0.0);
        match self.spacing {
            BlurSpacing::Linear => Width { sigma: largest * back, slope: -largest },
            BlurSpacing::Logarithmic => {
                let steps = (largest / HALF).ln_1p();
                let sigma = HALF * (steps * back).exp_m1();
                Width { sigma, slope: -steps * (sigma + HALF) }
            }
        }
    }
}

/// The width of the blur at a position of the path.
struct Width {
    sigma: f64,
    /// The derivative of the width with respect to the position.
    slope: f64,
}

/// The blurred inputs of all rows.
struct BlurredPath<'a> {
    blur: Blur,
    input: &'a Batch,
    /// The values that are blurred. The rest of the input stays as it is.
    deviations: Batch,
    /// For each tensor, the sizes of the axes that are blurred; `None` if it is fixed.
    axes: Vec<Option<Vec<usize>>>,
}

impl PathShape for BlurredPath<'_> {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let mut points = self.input.select(rows);
        let deviations = self.deviations.select(rows);
        let mut tangents = deviations.clone();
        for (tensor, axes) in self.axes.iter().enumerate() {
            let part = &deviations.parts[tensor];
            let Some(axes) = axes else {
                tangents.parts[tensor] = part.zeros_like();
                continue;
            };
            let longest = axes.iter().copied().max().unwrap_or(1) as f64;
            let largest = self.blur.max_sigma.unwrap_or(DEFAULT_SHARE * longest);
            let widths: Vec<Width> =
                positions.iter().map(|&at| self.blur.width(largest, at)).collect();
            let sigmas: Vec<f64> = widths.iter().map(|width| width.sigma).collect();
            let slopes: Vec<f64> = widths.iter().map(|width| width.slope).collect();
            let Blur { border, kernel, .. } = self.blur;
            let Blurred { values, slopes: derivatives } =
                ScaleSpace { axes, border, kernel }.blur(part, &sigmas);
            let point = &mut points.parts[tensor];
            // Where nothing is blurred, this is the input to the last bit.
            let change = (values - part.clone()).cast(point.dtype());
            *point = point.clone() + change;
            let column = Tensor::<1>::from_data(&slopes[..], (&part.device(), part.dtype()));
            tangents.parts[tensor] = derivatives * column.reshape([-1, 1]);
        }
        Ok(PathPoints { points, tangents })
    }
}

/// Subtracts from each channel of `size` values its first value.
fn deviation(part: &Tensor<2>, size: usize) -> Tensor<2> {
    let [rows, width] = part.dims();
    let part = match part.dtype() {
        DType::F16 | DType::BF16 => part.clone().cast(DType::F32),
        _ => part.clone(),
    };
    let channels = part.reshape([rows * width / size, size]);
    let first = channels.clone().narrow(1, 0, 1);
    (channels - first).reshape([rows, width])
}
