//! The target of a segmentation network: a class's score in some pixels.

use std::sync::Arc;

use burn::tensor::{Bool, Tensor, TensorData};

use crate::error::{Error, Result, Stage};
use crate::model::output::Output;
use crate::model::per_row::PerRow;
use crate::model::score::{Score, is_distribution};

/// Why are these pixels of this class? The score of a class, averaged over some pixels of what a
/// segmentation network returns. Used by [`Target::pixels`](crate::Target::pixels).
///
/// ```text
///         1
/// f(x) = ---  Σ  s(c, p)
///        |M| p∈M
/// ```
///
/// The pixels M are chosen once for each row, on the unchanged input, and then stay the same along
/// paths and under noise. The choice depends on nothing but the row. Other tools explain the sum
/// over the pixels. It is the mean times the number of pixels, and so are its maps. The mean has the
/// size of a single score, and fits into half precision.
///
/// # Shapes and units
/// A model's output is `[rows, scores]`, so a network's output must be flattened. Each row holds
/// `[classes, height, width]`, or `[height, width, classes]`:
/// [`with_classes_last`](Self::with_classes_last). A mask has `height x width` values, row by row.
///
/// # Parameters and defaults
/// - mask: the pixels in which the class has the highest score. If the network has a single class,
///   the pixels whose score is above 0, as logits are. Or a given one
///   ([`with_mask`](Self::with_mask))
///
/// [`Target::with_score`](crate::Target::with_score) takes a probability among the classes of each
/// pixel, before the average.
///
/// # Cost
/// Reading the output back once, if there is no mask. No call of the model.
///
/// # Errors
/// [`Error::OutputLayout`] if a row does not have the given classes and pixels; [`Error::NotFound`]
/// if no pixel is of the class, or a mask is empty; [`Error::ClassOutOfRange`];
/// [`Error::TargetCount`]; [`Error::InvalidOption`].
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, Pixels, Target, pure_function};
///
/// // Two classes for each of four pixels: the pixel's value, and its negative.
/// let model = pure_function(|x: Tensor<2>| Tensor::cat(vec![x.clone(), x * -1], 1));
/// let x = Tensor::<2>::from_data([[3.0, -1.0, 2.0, -5.0]], &Device::flex());
///
/// // The pixels that are of the first class: the first and the third.
/// let target = Target::pixels(Pixels::new(2, 0));
/// let map = Gradient::new().attribute_to(&model, x.clone(), target)?;
/// assert_eq!(map.scores, [2.5]);
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [0.5, 0.0, 0.5, 0.0]);
///
/// // Other pixels.
/// let target = Target::pixels(Pixels::new(2, 1).with_mask(vec![false, true, false, false]));
/// let map = Gradient::new().attribute_to(&model, x, target)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [0.0, -1.0, 0.0, 0.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Vinogradova, Dibrov and Myers, *Towards Interpretable Semantic Segmentation via
/// Gradient-Weighted Class Activation Mapping*, 2020, <https://arxiv.org/abs/2002.11434>.
#[derive(Clone, Debug)]
pub struct Pixels {
    classes: usize,
    class: usize,
    mask: Option<PerRow<Arc<[bool]>>>,
    classes_last: bool,
}

impl Pixels {
    /// Explains a class of a network that knows this many classes, in the pixels that are of this
    /// class.
    pub fn new(classes: usize, class: usize) -> Self {
        Self { classes, class, mask: None, classes_last: false }
    }

    /// Reads rows as `[height, width, classes]` instead of `[classes, height, width]`.
    #[must_use]
    pub fn with_classes_last(mut self) -> Self {
        self.classes_last = true;
        self
    }

    /// Explains the pixels in which this mask is true, in every row.
    #[must_use]
    pub fn with_mask(mut self, mask: Vec<bool>) -> Self {
        self.mask = Some(PerRow::All(mask.into()));
        self
    }

    /// Explains the pixels of a mask, one mask for each row.
    #[must_use]
    pub fn with_masks(mut self, masks: Vec<Vec<bool>>) -> Self {
        self.mask = Some(PerRow::Each(masks.into_iter().map(Into::into).collect()));
        self
    }

    /// Refuses options outside their range, and lists that are not as long as the batch.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<()> {
        let (class, classes) = (self.class, self.classes);
        if classes == 0 {
            return Err(Error::invalid_option("classes of pixels", "at least 1", classes));
        }
        if class >= classes {
            return Err(Error::ClassOutOfRange { class, scores: classes });
        }
        self.mask.as_ref().map_or(Ok(()), |mask| mask.check_rows(rows))
    }

    /// Chooses the pixels of each row.
    pub(crate) fn resolve(&self, output: &Output<'_>) -> Result<Self> {
        let pixels = self.count(output.dims()[1])?;
        let mask = match &self.mask {
            Some(mask) => mask.clone(),
            None => self.of_class(output, pixels)?,
        };
        for mask in mask.values() {
            if mask.len() != pixels {
                let expected = format!("of {pixels} pixels, as many as the model returns");
                return Err(Error::invalid_option("mask", expected, mask.len()));
            }
        }
        let rows = output.dims()[0];
        let empty = (0..rows).filter(|&row| !mask.of(row).contains(&true));
        let expected = || match &self.mask {
            Some(_) => "a pixel in the mask".to_owned(),
            None => format!("a pixel of class {}", self.class),
        };
        match Error::not_found_rows(expected, empty) {
            Some(error) => Err(error),
            None => Ok(Self { mask: Some(mask), ..self.clone() }),
        }
    }

    /// Returns the number of pixels.
    fn count(&self, scores: usize) -> Result<usize> {
        if scores > 0 && scores.is_multiple_of(self.classes) {
            return Ok(scores / self.classes);
        }
        let expected =
            format!("a multiple of {} numbers (one for each class and pixel)", self.classes);
        Err(Error::OutputLayout { expected, found: scores })
    }

    /// Returns the position in a row of a class's score in a pixel.
    fn position(&self, class: usize, pixel: usize, pixels: usize) -> usize {
        if self.classes_last { pixel * self.classes + class } else { class * pixels + pixel }
    }

    /// Returns, for each row, in which pixels the class has the highest score.
    fn of_class(&self, output: &Output<'_>, pixels: usize) -> Result<PerRow<Arc<[bool]>>> {
        let (mut masks, mut bad) = (Vec::new(), Vec::new());
        for (row, numbers) in output.rows()?.enumerate() {
            if numbers.iter().any(|number| number.is_nan() || *number == f64::INFINITY) {
                bad.push(row);
            }
            let is_of_class = |pixel: usize| {
                let score = |class| numbers[self.position(class, pixel, pixels)];
                let own = score(self.class);
                if self.classes == 1 {
                    return own > 0.0;
                }
                // Of equal scores the first counts.
                (0..self.class).all(|class| score(class) < own)
                    && (self.class + 1..self.classes).all(|class| score(class) <= own)
            };
            masks.push((0..pixels).map(is_of_class).collect());
        }
        Error::not_finite_rows(Stage::Score, bad).map_or(Ok(PerRow::Each(masks)), Err)
    }

    /// Returns the scores of all classes, averaged over the pixels of each row: `[rows, classes]`.
    /// The pixels must be chosen.
    pub(crate) fn class_scores(&self, output: Tensor<2>, kind: Score) -> Result<Tensor<2>> {
        let [rows, scores] = output.dims();
        let pixels = self.count(scores)?;
        let planes = if self.classes_last {
            output.reshape([rows, pixels, self.classes]).swap_dims(1, 2)
        } else {
            output.reshape([rows, self.classes, pixels])
        };
        self.mean_of(kind.of(planes))
    }

    /// Returns the score of the class, averaged over the pixels of each row: `[rows]`.
    pub(crate) fn score(&self, output: Tensor<2>, kind: Score) -> Result<Tensor<1>> {
        let [rows, scores] = output.dims();
        let pixels = self.count(scores)?;
        if kind == Score::Output && !self.classes_last {
            // The other classes are not needed.
            let plane = output.narrow(1, self.class * pixels, pixels);
            return Ok(self.mean_of(plane.reshape([rows, 1, pixels]))?.reshape([rows]));
        }
        let scores = self.class_scores(output, kind)?;
        Ok(scores.narrow(1, self.class, 1).reshape([rows]))
    }

    /// Averages planes `[rows, planes, pixels]` over the pixels of each row.
    fn mean_of(&self, planes: Tensor<3>) -> Result<Tensor<2>> {
        let [rows, count, pixels] = planes.dims();
        let device = planes.device().inner();
        let mask = self.mask.as_ref().expect("`resolve` chose the pixels");
        let others: Vec<bool> =
            (0..rows).flat_map(|row| mask.of(row).iter().map(|inside| !inside)).collect();
        let others = TensorData::new(others, [rows, 1, pixels]);
        let others = Tensor::<3, Bool>::from_data(others, &device);
        let share = |row: usize| 1.0 / mask.of(row).iter().filter(|inside| **inside).count() as f64;
        let shares = TensorData::new((0..rows).map(share).collect::<Vec<f64>>(), [rows, 1, 1]);
        let shares = Tensor::<3>::from_data(shares, (&device, planes.dtype()));
        // Not a product with the mask: scores outside may be infinite. Divided before they are
        // added up, because the sum may be too large for half precision.
        let inside = planes.mask_fill(others.expand([rows, count, pixels]), 0.0) * shares;
        Ok(inside.sum_dim(2).reshape([rows, count]))
    }

    /// Returns the class, for each row.
    pub(crate) fn classes(&self, rows: usize) -> Vec<usize> {
        vec![self.class; rows]
    }

    /// Returns whether the class scores of every pixel sum to 1.
    pub(crate) fn are_probabilities(&self, output: &Output<'_>) -> Result<bool> {
        let pixels = self.count(output.dims()[1])?;
        let mut of_pixel = vec![0.0; self.classes];
        for numbers in output.rows()? {
            for pixel in 0..pixels {
                for (class, score) in of_pixel.iter_mut().enumerate() {
                    *score = numbers[self.position(class, pixel, pixels)];
                }
                if !is_distribution(&of_pixel) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Returns the target of the given rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let mask = self.mask.as_ref().map(|mask| mask.select(rows));
        Self { mask, ..*self }
    }

    /// Appends the target of the rows in `more`. Both must be chosen from the same target.
    pub(crate) fn followed_by(self, more: Self) -> Self {
        let mask = self.mask.zip(more.mask).map(|(mask, more)| mask.followed_by(more));
        Self { mask, classes: self.classes, class: self.class, classes_last: self.classes_last }
    }

    /// Returns whether every row has the same target.
    pub(crate) fn is_the_same_for_all(&self) -> bool {
        self.mask.as_ref().is_some_and(PerRow::is_the_same_for_all)
    }
}
