//! Occlusion: a window slides over the input and covers what is inside.

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::masks::copies::Copies;
use crate::masks::windows::{Window, Windows};

/// The change of score if the inside of a window is replaced by the baseline, averaged over all
/// windows that a value is inside of.
///
/// ```text
///             1
/// A_i(x) = -------   Σ    f(x) - f(x with x'_w in place of x_w)
///          |W(i)|  w ∈ W(i)
/// ```
///
/// `W(i)` are the windows that value `i` is inside of. The windows slide over input dimensions of
/// any number: pixels, points in time, slices of a volume.
///
/// # Shapes and units
/// Values have the input's shape; score, signed. They are not shares: their sum has no meaning.
///
/// # Parameters and defaults
/// - window: its size in the last dimensions of a row, and its [stride](Window::with_stride); by
///   default a seventh of each dimension after the channels, in steps of half of it
/// - baseline: zeros
///
/// A window that is smaller than the thing that matters misses it, because the rest is still there.
///
/// # Cost
/// A forward pass for each window, and one for the input. A photo of 224 x 224 pixels has 196 windows
/// of 16 x 16, and 729 if their stride is 8.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to), except that a model without
/// gradients is no error; [`Error::InvalidOption`] if the window does not fit the input, or if its
/// stride leaves values out; [`Error::BaselineShape`] and [`Error::BaselineCount`].
/// A map of zeros comes with a warning:
/// [`Warning::NoCoverChangesTheScore`](crate::Warning::NoCoverChangesTheScore).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Occlusion, Window, pure_function};
///
/// // The score is the third point of a series.
/// let model = pure_function(|x: Tensor<2>| x.narrow(1, 2, 1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0]], &Device::flex());
/// let window = Window::new([2]).with_stride([1]);
/// let map = Occlusion::new(window).attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [0.0, 1.5, 3.0, 3.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Zeiler and Fergus, *Visualizing and understanding convolutional networks*, 2013,
/// <https://arxiv.org/abs/1311.2901>. The mean over windows is that of Captum.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Occlusion {
    windows: Vec<Window>,
    baseline: Baseline,
    schedule: Schedule,
}

impl Default for Occlusion {
    fn default() -> Self {
        Self::new(Window::default())
    }
}

impl Occlusion {
    /// Slides this window over each tensor of the input.
    pub fn new(window: Window) -> Self {
        Self::each([window])
    }

    /// Slides a window of its own over each tensor of a tuple. The window of a
    /// [`Fixed`](crate::Fixed) tensor is not used.
    pub fn each(windows: impl IntoIterator<Item = Window>) -> Self {
        let windows = windows.into_iter().collect();
        Self { windows, baseline: Baseline::default(), schedule: Schedule::default() }
    }

    /// Sets the values that covered values are replaced by.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in forward passes.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        if self.windows.is_empty() {
            return Err(Error::invalid_option("windows", "for each tensor of the input", 0));
        }
        self.windows.iter().try_for_each(Window::check)
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = question;
        let windows = Windows::new(&self.windows, input)?;
        let baseline = self.baseline.like(input, rows)?;
        let count = windows.count();
        let mut scored = question.resolve_for(&self.schedule, count)?;
        let copies = Copies { question, target: &scored.target, baseline: &baseline };
        let masks = |numbers: &[usize]| windows.masks(numbers);
        let falls = copies.falls(&self.schedule, &scored.scores, count, masks)?;
        let warnings = copies.warnings()?;
        warnings.into_iter().for_each(|it| it.add_to(&mut scored.warnings));
        let values = windows.means(&falls, input);
        Attribution::of(values, scored).with_evaluations(count).warned_of_zeros()
    }
}

answers_questions!(Occlusion);
