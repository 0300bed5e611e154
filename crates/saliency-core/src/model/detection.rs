//! The target of a detector: the score of one box and class.

use burn::tensor::{Int, Tensor};

use crate::error::{Error, Result, Stage};
use crate::model::box_layout::{BoxLayout, BoxesOfRow};
use crate::model::output::Output;
use crate::model::per_row::PerRow;
use crate::model::rectangle::Rectangle;
use crate::model::score::{Score, is_distribution};

/// Why did a detector find this? The score of one box and one class, out of all boxes that a
/// detector returns for a photo. Used by [`Target::detection`](crate::Target::detection).
///
/// ```text
/// f(x) = s(b, c)       or, for a detector with an objectness, o(b) · s(b, c)
/// ```
///
/// Box and class are chosen once for each row, on the unchanged input, and then stay the same along
/// paths and under noise. The choice depends on nothing but the row. If scores are equal, the first
/// box and the first class count.
///
/// # Shapes and units
/// A model's output is `[rows, scores]`, so a detector's output must be flattened. Each row holds
/// the boxes as `[boxes, 4 + classes]`, or as one of these:
///
/// | network | row | setters |
/// |---|---|---|
/// | YOLOv8 and later | `[4 + classes, boxes]` | [`with_boxes_last`](Self::with_boxes_last) |
/// | YOLOv5, YOLOX | `[boxes, 5 + classes]` | [`with_objectness`](Self::with_objectness) |
/// | boxes and logits apart, as DETR's | join them: `Tensor::cat(vec![boxes, logits], 2)` | |
///
/// The coordinates of a box are its middle, its width and its height, or its corners:
/// [`with_corners`](Self::with_corners). They are read only if a rectangle is given, and then the
/// rectangle must have the same units.
///
/// The map explains the raw output, before non-maximum suppression: that step only drops boxes.
///
/// # Parameters and defaults
/// - box: the one with the highest score; or the best of those that overlap a rectangle by at least
///   half ([`with_rectangle`](Self::with_rectangle)); or one by its number
///   ([`with_box`](Self::with_box))
/// - class: the one with the highest score in the box; or a given one
///   ([`with_class`](Self::with_class))
///
/// [`Target::with_score`](crate::Target::with_score) takes a probability among the class scores of
/// the box, for detectors that return logits.
///
/// # Cost
/// Reading the output back once. No call of the model.
///
/// # Errors
/// [`Error::OutputLayout`] if a row does not hold whole boxes; [`Error::NotFound`] if no box overlaps
/// the rectangle; [`Error::ClassOutOfRange`]; [`Error::TargetCount`]; [`Error::InvalidOption`].
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Detection, Explainer, Gradient, Rectangle, Target, pure_function};
///
/// // A detector with two boxes and two classes, `[rows, boxes, 4 + classes]`: the second class of
/// // the second box has three times the input as its score.
/// let detector = |x: Tensor<2>| {
///     let boxes = [[2.0, 2.0, 4.0, 4.0, 0.0, 0.0], [7.0, 2.0, 2.0, 2.0, 0.0, 0.0]];
///     let scores = [[0.0, 0.0, 0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0, -1.0, 3.0]];
///     let rows = x.dims()[0];
///     let boxes = Tensor::<2>::from_data(boxes, &x.device()).unsqueeze::<3>();
///     let scores = Tensor::<2>::from_data(scores, &x.device()).unsqueeze::<3>();
///     boxes.expand([rows, 2, 6]) + scores * x.reshape([rows, 1, 1])
/// };
/// let model = pure_function(move |x: Tensor<2>| detector(x).flatten::<2>(1, 2));
/// let x = Tensor::<2>::ones([1, 1], &Device::flex());
///
/// // The best box of all, and the box near a rectangle.
/// let best = Detection::new(2);
/// let left = best.clone().with_rectangle(Rectangle::new(0.0, 0.0, 4.0, 3.0));
/// for (detection, class, slope) in [(best, 1, 3.0), (left.with_class(0), 0, 1.0)] {
///     let target = Target::detection(detection);
///     let map = Gradient::new().attribute_to(&model, x.clone(), target)?;
///     assert_eq!(map.targets, [Some(class)]);
///     assert_eq!(map.values.into_scalar::<f32>(), slope);
/// }
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// The targets of class activation maps for detectors, as in Gildenblat and contributors,
/// *PyTorch library for CAM methods*, 2021, <https://github.com/jacobgil/pytorch-grad-cam>.
#[derive(Clone, Debug)]
pub struct Detection {
    layout: BoxLayout,
    boxes: WhichBox,
    class: Option<PerRow<usize>>,
    overlap: f64,
}

/// The boxes that may be explained.
#[derive(Clone, Debug)]
enum WhichBox {
    All,
    Near(PerRow<Rectangle>),
    Number(PerRow<usize>),
}

/// A box and a class that a [`Detection`] chose.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FoundBox {
    /// The position of the box among the boxes of its row, from 0.
    pub number: usize,
    /// The class.
    pub class: usize,
    /// The score of the class in this box, times the objectness if there is one.
    pub score: f64,
    /// The place of the box.
    pub rectangle: Rectangle,
}

impl Detection {
    /// Explains the best class of the best box of a detector that knows this many classes.
    pub fn new(classes: usize) -> Self {
        let layout = BoxLayout { classes, objectness: false, boxes_last: false, corners: false };
        Self { layout, boxes: WhichBox::All, class: None, overlap: 0.5 }
    }

    /// Reads rows as `[numbers of a box, boxes]` instead of `[boxes, numbers of a box]`.
    #[must_use]
    pub fn with_boxes_last(mut self) -> Self {
        self.layout.boxes_last = true;
        self
    }

    /// Reads an objectness after the four coordinates. The scores of a box are multiplied by it.
    #[must_use]
    pub fn with_objectness(mut self) -> Self {
        self.layout.objectness = true;
        self
    }

    /// Reads coordinates as the left, upper, right and lower edge of a box.
    #[must_use]
    pub fn with_corners(mut self) -> Self {
        self.layout.corners = true;
        self
    }

    /// Explains this class, in every row.
    #[must_use]
    pub fn with_class(mut self, class: usize) -> Self {
        self.class = Some(PerRow::All(class));
        self
    }

    /// Explains one class for each row.
    #[must_use]
    pub fn with_classes(mut self, classes: Vec<usize>) -> Self {
        self.class = Some(PerRow::Each(classes));
        self
    }

    /// Explains the box with this number, from 0, in every row. Replaces rectangles.
    #[must_use]
    pub fn with_box(mut self, number: usize) -> Self {
        self.boxes = WhichBox::Number(PerRow::All(number));
        self
    }

    /// Explains one box for each row. Replaces rectangles.
    #[must_use]
    pub fn with_boxes(mut self, numbers: Vec<usize>) -> Self {
        self.boxes = WhichBox::Number(PerRow::Each(numbers));
        self
    }

    /// Explains, in every row, the best of the boxes that overlap this rectangle. A detector returns
    /// many boxes for one thing, so the box that overlaps it most often has a low score. Replaces
    /// numbers of boxes.
    #[must_use]
    pub fn with_rectangle(mut self, rectangle: Rectangle) -> Self {
        self.boxes = WhichBox::Near(PerRow::All(rectangle));
        self
    }

    /// Explains the best of the boxes that overlap a rectangle, one rectangle for each row. Replaces
    /// numbers of boxes.
    #[must_use]
    pub fn with_rectangles(mut self, rectangles: Vec<Rectangle>) -> Self {
        self.boxes = WhichBox::Near(PerRow::Each(rectangles));
        self
    }

    /// Sets how much a box must [overlap](Rectangle::overlap) the rectangle, above 0 and at most 1:
    /// 0.5 if this is not called.
    #[must_use]
    pub fn with_least_overlap(mut self, overlap: f64) -> Self {
        self.overlap = overlap;
        self
    }

    /// Finds the box and the class that are explained, in each row of a model's output: to draw them
    /// beside a map.
    ///
    /// # Errors
    /// Those of the type, and [`Error::NotFinite`] if a score that counts is not finite.
    pub fn find(&self, output: &Tensor<2>) -> Result<Vec<FoundBox>> {
        self.check_rows(output.dims()[0])?;
        self.found(&Output::new(output))
    }

    /// Refuses options outside their range, and lists that are not as long as the batch.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<()> {
        let classes = self.layout.classes;
        if classes == 0 {
            return Err(Error::invalid_option("classes of a detection", "at least 1", classes));
        }
        if !(self.overlap > 0.0 && self.overlap <= 1.0) {
            let expected = "above 0 and at most 1";
            return Err(Error::invalid_option("least overlap", expected, self.overlap));
        }
        if let Some(class) = &self.class {
            class.check_rows(rows)?;
            if let Some(&class) = class.values().iter().find(|class| **class >= classes) {
                return Err(Error::ClassOutOfRange { class, scores: classes });
            }
        }
        match &self.boxes {
            WhichBox::All => Ok(()),
            WhichBox::Near(rectangles) => {
                rectangles.check_rows(rows)?;
                rectangles.values().iter().try_for_each(Rectangle::check)
            }
            WhichBox::Number(numbers) => numbers.check_rows(rows),
        }
    }

    /// Refuses kinds of scores that mean nothing for this detector.
    pub(crate) fn check_score(&self, score: Score) -> Result<()> {
        let is_product = self.layout.objectness;
        if is_product && matches!(score, Score::Probability | Score::LogProbability) {
            let expected = "`Output` or `LogOutput` for a detector with an objectness";
            return Err(Error::invalid_option("score", expected, format!("{score:?}")));
        }
        Ok(())
    }

    /// Chooses a box and a class for each row.
    pub(crate) fn resolve(&self, output: &Output<'_>) -> Result<Self> {
        let [rows, scores] = output.dims();
        let count = self.layout.count(scores)?;
        if let (WhichBox::Number(numbers), Some(_)) = (&self.boxes, &self.class) {
            // Chosen already. Nothing has to be read back.
            check_numbers(numbers, count)?;
            return Ok(self.clone());
        }
        let found = self.found(output)?;
        debug_assert_eq!(found.len(), rows);
        let numbers = found.iter().map(|it| it.number).collect();
        let classes = found.iter().map(|it| it.class).collect();
        Ok(self.clone().with_boxes(numbers).with_classes(classes))
    }

    fn found(&self, output: &Output<'_>) -> Result<Vec<FoundBox>> {
        let count = self.layout.count(output.dims()[1])?;
        if let WhichBox::Number(numbers) = &self.boxes {
            check_numbers(numbers, count)?;
        }
        let (mut found, mut without, mut not_finite) = (Vec::new(), Vec::new(), Vec::new());
        for (row, numbers) in output.rows()?.enumerate() {
            let boxes = BoxesOfRow { layout: self.layout, numbers, count };
            match self.best_of_row(row, &boxes) {
                Some(best) if best.score.is_finite() => found.push(best),
                Some(_) => not_finite.push(row),
                None => without.push(row),
            }
        }
        if let Some(error) = Error::not_finite_rows(Stage::Score, not_finite) {
            return Err(error);
        }
        let expected =
            || format!("a box that overlaps the given rectangle by at least {}", self.overlap);
        Error::not_found_rows(expected, without).map_or(Ok(found), Err)
    }

    /// Returns the best box and class of a row, or the first whose score is not a number. `None` if
    /// no box is near the rectangle.
    fn best_of_row(&self, row: usize, boxes: &BoxesOfRow<'_>) -> Option<FoundBox> {
        let numbers = match &self.boxes {
            WhichBox::Number(numbers) => *numbers.of(row)..numbers.of(row) + 1,
            WhichBox::All | WhichBox::Near(_) => 0..boxes.count,
        };
        let classes = match &self.class {
            Some(class) => *class.of(row)..class.of(row) + 1,
            None => 0..self.layout.classes,
        };
        let mut best: Option<FoundBox> = None;
        for number in numbers {
            let rectangle = boxes.rectangle(number);
            if let WhichBox::Near(wanted) = &self.boxes
                && rectangle.overlap(wanted.of(row)) < self.overlap
            {
                continue;
            }
            for class in classes.clone() {
                let score = boxes.score(number, class);
                let found = FoundBox { number, class, score, rectangle };
                if score.is_nan() {
                    return Some(found);
                }
                if best.is_none_or(|best| score > best.score) {
                    best = Some(found);
                }
            }
        }
        best
    }

    /// Returns the scores of all classes in the box of each row: `[rows, classes]`. Box and class
    /// must be chosen.
    pub(crate) fn class_scores(&self, output: Tensor<2>) -> Result<Tensor<2>> {
        let [rows, scores] = output.dims();
        let count = self.layout.count(scores)?;
        let WhichBox::Number(numbers) = &self.boxes else {
            unreachable!("`resolve` chose a box");
        };
        let (first, device) = (self.layout.first_class(), output.device().inner());
        let gather = |places: std::ops::Range<usize>| {
            let width = places.len();
            let of_row = |row: usize| {
                let number = *numbers.of(row);
                places.clone().map(move |place| self.layout.position(number, place, count) as i64)
            };
            let positions: Vec<i64> = (0..rows).flat_map(of_row).collect();
            let positions = Tensor::<1, Int>::from_data(&positions[..], &device);
            output.clone().gather(1, positions.reshape([rows, width]))
        };
        let classes = gather(first..first + self.layout.classes);
        Ok(if self.layout.objectness { classes * gather(first - 1..first) } else { classes })
    }

    /// Returns the class of each row, which must be chosen.
    pub(crate) fn classes(&self, rows: usize) -> Vec<usize> {
        let class = self.class.as_ref().expect("`resolve` chose a class");
        (0..rows).map(|row| *class.of(row)).collect()
    }

    /// Returns whether the class scores of the chosen boxes sum to 1.
    pub(crate) fn are_probabilities(&self, output: &Output<'_>) -> Result<bool> {
        let count = self.layout.count(output.dims()[1])?;
        let WhichBox::Number(chosen) = &self.boxes else { return Ok(false) };
        let of_row = |(row, numbers): (usize, &[f64])| {
            let boxes = BoxesOfRow { layout: self.layout, numbers, count };
            let scores = (0..self.layout.classes).map(|class| boxes.score(*chosen.of(row), class));
            is_distribution(&scores.collect::<Vec<_>>())
        };
        Ok(output.rows()?.enumerate().all(of_row))
    }

    /// Returns the target of the given rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let boxes = match &self.boxes {
            WhichBox::All => WhichBox::All,
            WhichBox::Near(rectangles) => WhichBox::Near(rectangles.select(rows)),
            WhichBox::Number(numbers) => WhichBox::Number(numbers.select(rows)),
        };
        let class = self.class.as_ref().map(|class| class.select(rows));
        Self { boxes, class, ..*self }
    }

    /// Appends the target of the rows in `more`. Both must be chosen from the same target.
    pub(crate) fn followed_by(self, more: Self) -> Self {
        let boxes = match (self.boxes, more.boxes) {
            (WhichBox::Number(numbers), WhichBox::Number(more)) => {
                WhichBox::Number(numbers.followed_by(more))
            }
            (same, _) => same,
        };
        let class = self.class.zip(more.class).map(|(class, more)| class.followed_by(more));
        Self { layout: self.layout, boxes, class, overlap: self.overlap }
    }

    /// Returns whether every row has the same target.
    pub(crate) fn is_the_same_for_all(&self) -> bool {
        let number = matches!(&self.boxes, WhichBox::Number(it) if it.is_the_same_for_all());
        number && self.class.as_ref().is_some_and(PerRow::is_the_same_for_all)
    }
}

/// Refuses numbers of boxes that do not exist.
fn check_numbers(numbers: &PerRow<usize>, count: usize) -> Result<()> {
    match numbers.values().iter().find(|number| **number >= count) {
        Some(number) => {
            let expected = format!("below {count}, the number of boxes in a row");
            Err(Error::invalid_option("box", expected, number))
        }
        None => Ok(()),
    }
}
