use std::ops::Range;

use image::{Rgb, RgbImage};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::color::{ColorMap, Table, step};
use crate::drawing::{draw_over, with_outlines};
use crate::error::{Error, Result};
use crate::text::{fitted, number};

/// A drawing of attributions of named features, or of the values of a series over time.
///
/// # Parameters and defaults
/// A feature that speaks for the class is red, one that speaks against it is blue, as on a signed
/// map.
#[derive(Clone, Debug)]
pub struct Chart {
    svg: String,
    width: u32,
    height: u32,
}

/// The width of every chart, in pixels.
const WIDTH: u32 = 800;
/// The height of the chart of a series, in pixels.
const SERIES_HEIGHT: u32 = 320;
/// The size of letters.
const SIZE: u32 = 15;
/// The largest number of parts in a ribbon. More parts would be narrower than a pixel.
const RIBBON: usize = 700;
/// The largest number that an axis is drawn for. Sums of larger numbers might not be finite.
const LARGEST: f64 = 1e300;

/// The result of drawing with plotters.
type DrawResult = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The bars of a chart. The weakest comes first and is at the bottom.
struct Bars {
    names: Vec<String>,
    values: Vec<f64>,
    /// The value at the left end of the axis, and at its right end.
    left: f64,
    right: f64,
}

/// A series with the attribution of each value.
struct Series<'a> {
    values: &'a [f64],
    attributions: &'a [f64],
    /// The values at the lower and the upper end of the axis.
    low: f64,
    high: f64,
    /// The largest absolute attribution.
    largest: f64,
}

impl Chart {
    /// Draws a bar for each named feature, with the strongest at the top. The bar points to the
    /// right if the feature speaks for the class, and to the left if it speaks against it.
    ///
    /// # Errors
    /// [`Error::Lengths`] without features, [`Error::NotFinite`] if a number is NaN, infinite or
    /// beyond 1e300.
    ///
    /// # Example
    /// ```
    /// use saliency_viz::Chart;
    ///
    /// let chart = Chart::bars("why was the loan refused?", &[("income", -0.4), ("age", 0.1)])?;
    /// assert_eq!(chart.to_picture().width(), 800);
    /// # Ok::<(), saliency_viz::Error>(())
    /// ```
    pub fn bars<N: AsRef<str>>(title: impl Into<String>, features: &[(N, f64)]) -> Result<Self> {
        let bars = Bars::new(features)?;
        let height = 90 + 30 * bars.values.len() as u32;
        let names: Vec<&str> = features.iter().map(|(name, _)| name.as_ref()).collect();
        Self::draw(&title.into(), &names, height, |title, area| bars.draw(title, area))
    }

    /// Draws a series as a line over a ribbon. The ribbon shows how much each moment spoke for the
    /// class (red) or against it (blue). The moment with the largest attribution has full colour.
    /// If several moments share a pixel of the ribbon, it shows the one with the largest
    /// attribution.
    ///
    /// # Errors
    /// [`Error::Lengths`] if there is not one attribution for each value, [`Error::NotFinite`] if a
    /// number is NaN, infinite or beyond 1e300.
    ///
    /// # Example
    /// ```
    /// use saliency_viz::Chart;
    ///
    /// let chart = Chart::series("a heartbeat", &[0.0, 1.0, 0.2], &[0.0, 0.7, -0.1])?;
    /// assert!(chart.as_svg().starts_with("<svg"));
    /// # Ok::<(), saliency_viz::Error>(())
    /// ```
    pub fn series(title: impl Into<String>, values: &[f64], attributions: &[f64]) -> Result<Self> {
        let series = Series::new(values, attributions)?;
        Self::draw(&title.into(), &[], SERIES_HEIGHT, |title, area| series.draw(title, area))
    }

    /// Returns the drawing as SVG. Its letters are outlines, so that it looks the same everywhere.
    /// Texts with characters that no font has become its description, as in a
    /// [figure](crate::Figure).
    pub fn as_svg(&self) -> &str {
        &self.svg
    }

    /// Draws the chart as pixels.
    pub fn to_picture(&self) -> RgbImage {
        let mut picture = RgbImage::from_pixel(self.width, self.height, Rgb([255; 3]));
        draw_over(&mut picture, &self.svg);
        picture
    }

    /// Draws a title and contents on white. `names` are the texts in the contents.
    fn draw(
        title: &str,
        names: &[&str],
        height: u32,
        contents: impl FnOnce(&str, &Area) -> DrawResult,
    ) -> Result<Self> {
        let texts = std::iter::once(title).chain(names.iter().copied());
        // Cut the title to the available width.
        let title = fitted(title, 1.3 * f64::from(SIZE), f64::from(WIDTH) - 24.0);
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(Error::encode)?;
        contents(&title, &area).map_err(Error::encode)?;
        area.present().map_err(Error::encode)?;
        drop(area);
        Ok(Self { svg: with_outlines(&svg, texts), width: WIDTH, height })
    }
}

/// The vertical axis of bars: rows of equal height, numbered from the bottom.
struct Rows(usize);

impl Ranged for Rows {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, row: &f64, (bottom, top): (i32, i32)) -> i32 {
        bottom + (f64::from(top - bottom) * row / self.0 as f64).round() as i32
    }

    /// The middle of each row.
    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        (0..self.0).map(|row| row as f64 + 0.5).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.0 as f64
    }
}

impl Bars {
    /// Sorts features and finds the ends of the axis.
    fn new<N: AsRef<str>>(features: &[(N, f64)]) -> Result<Self> {
        check(features.len(), features.len(), features.iter().map(|(_, value)| *value))?;
        let mut sorted: Vec<_> =
            features.iter().map(|(name, value)| (name.as_ref(), *value)).collect();
        // Sort equal values by name, so that the order is always the same.
        sorted.sort_by(|a, b| a.1.abs().total_cmp(&b.1.abs()).then(b.0.cmp(a.0)));
        let (names, values): (Vec<&str>, Vec<f64>) = sorted.into_iter().unzip();
        let largest = largest(&values);
        let right = if largest > 0.0 { 1.25 * largest } else { 1.0 };
        if right > LARGEST {
            return Err(Error::NotFinite);
        }
        let room = f64::from(WIDTH) * 0.35;
        let names = names.iter().map(|name| fitted(name, SIZE.into(), room)).collect();
        let left = if values.iter().any(|value| *value < 0.0) { -right } else { 0.0 };
        Ok(Self { names, values, left, right })
    }

    fn draw(&self, title: &str, area: &Area) -> DrawResult {
        // Each bar takes one unit of the vertical axis, and its name is at the middle.
        let count = self.values.len();
        let mut chart = ChartBuilder::on(area)
            .caption(title, font(1.3))
            .margin(12)
            .x_label_area_size(28)
            .y_label_area_size((f64::from(WIDTH) * 0.36) as u32)
            .build_cartesian_2d(self.left..self.right, Rows(count))?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .label_style(font(1.0))
            .x_label_formatter(&|value| number(round(*value, self.right)))
            .y_label_formatter(&|middle| self.names[*middle as usize].clone())
            .draw()?;
        for (at, &value) in self.values.iter().enumerate() {
            let at = at as f64;
            // Draw a bar from zero, and write its value beyond its end.
            let negative = value < 0.0;
            let Rgb([red, green, blue]) = ColorMap::RedBlue.color(if negative { 0.0 } else { 1.0 });
            let corners = [(0.0, at), (value, at + 1.0)];
            let mut bar = Rectangle::new(corners, RGBColor(red, green, blue).filled());
            bar.set_margin(4, 4, 0, 0);
            chart.draw_series([bar])?;
            let (anchor, gap) = if negative { (HPos::Right, -5) } else { (HPos::Left, 5) };
            let style = font(1.0).into_text_style(area).pos(Pos::new(anchor, VPos::Center));
            let label =
                EmptyElement::at((value, at + 0.5)) + Text::new(number(value), (gap, 0), style);
            chart.draw_series([label])?;
        }
        Ok(())
    }
}

impl<'a> Series<'a> {
    /// Finds the ends of the axis.
    fn new(values: &'a [f64], attributions: &'a [f64]) -> Result<Self> {
        check(values.len(), attributions.len(), values.iter().chain(attributions).copied())?;
        let largest = largest(attributions);
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let room = if high > low { 0.08 * (high - low) } else { 1.0 };
        let (low, high) = (low - room, high + room);
        if high.max(-low).max(largest) > LARGEST {
            return Err(Error::NotFinite);
        }
        Ok(Self { values, attributions, low, high, largest })
    }

    fn draw(&self, title: &str, area: &Area) -> DrawResult {
        let length = self.values.len() as f64;
        let mut chart = ChartBuilder::on(area)
            .caption(title, font(1.3))
            .margin(12)
            .x_label_area_size(28)
            .y_label_area_size(56)
            .build_cartesian_2d(-0.5..length - 0.5, self.low..self.high)?;
        // The ribbon, then the axes, then the line.
        let table = ColorMap::RedBlue.table(true);
        let moments = self.attributions.len().div_ceil(RIBBON);
        let parts = self.attributions.chunks(moments).enumerate();
        chart.draw_series(parts.map(|(part, attributions)| {
            let start = (part * moments) as f64 - 0.5;
            let end = (part * moments) as f64 + attributions.len() as f64 - 0.5;
            let corners = [(start, self.low), (end, self.high)];
            Rectangle::new(corners, self.color(attributions, &table).filled())
        }))?;
        chart
            .configure_mesh()
            .disable_mesh()
            .label_style(font(1.0))
            .x_label_formatter(&|value| number(round(*value, length)))
            .y_label_formatter(&|value| number(round(*value, self.high - self.low)))
            .draw()?;
        let points = self.values.iter().enumerate().map(|(at, value)| (at as f64, *value));
        chart.draw_series(LineSeries::new(points, BLACK.stroke_width(2)))?;
        Ok(())
    }

    /// Returns the colour of the strongest of some attributions.
    fn color(&self, attributions: &[f64], table: &Table) -> RGBColor {
        let stronger = |a: f64, b: &f64| if b.abs() > a.abs() { *b } else { a };
        let strongest = attributions.iter().fold(0.0, stronger);
        let share = if self.largest > 0.0 { (strongest / self.largest) as f32 } else { 0.0 };
        let [red, green, blue] = table[step(share, true)];
        RGBColor(red, green, blue)
    }
}

/// Returns the style of letters, relative to the usual size.
fn font(size: f64) -> TextStyle<'static> {
    ("sans-serif", f64::from(SIZE) * size).into_font().color(&RGBColor(34, 34, 34))
}

/// Rounds tiny values to zero. They arise at the middle of an axis when its steps are added up.
fn round(value: f64, length: f64) -> f64 {
    if value.abs() < 1e-12 * length { 0.0 } else { value }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()))
}

/// Checks that there is one finite attribution for each finite value.
fn check(values: usize, attributions: usize, mut all: impl Iterator<Item = f64>) -> Result<()> {
    if values == 0 || values != attributions {
        return Err(Error::Lengths { values, attributions });
    }
    if all.all(f64::is_finite) { Ok(()) } else { Err(Error::NotFinite) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(chart: &Chart, color: Rgb<u8>) -> usize {
        chart.to_picture().pixels().filter(|pixel| **pixel == color).count()
    }

    #[test]
    fn bars_point_to_the_side_of_their_sign() {
        let (red, blue) = (ColorMap::RedBlue.color(1.0), ColorMap::RedBlue.color(0.0));
        let chart = Chart::bars("", &[("for", 2.0), ("against", -1.0)]).unwrap();
        let picture = chart.to_picture();
        let length = |color| {
            let rows = picture.rows().map(|row| row.filter(|pixel| **pixel == color).count());
            rows.max().unwrap() as f64
        };
        let ratio = length(red) / length(blue);
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
        let alone = Chart::bars("", &[("zero", 0.0)]).unwrap();
        assert_eq!((count(&alone, red), count(&alone, blue)), (0, 0));
    }

    #[test]
    fn a_single_feature_has_its_bar_and_its_name() {
        for (value, place) in [(1.0, 1.0), (-0.5, 0.0)] {
            let color = ColorMap::RedBlue.color(place);
            let bar = count(&Chart::bars("", &[("", value)]).unwrap(), color);
            // The bar is about as large as the stronger one of two bars, which has the same length.
            let two = count(&Chart::bars("", &[("", value), ("", value / 1e9)]).unwrap(), color);
            let ratio = bar as f64 / two as f64;
            println!("{value}: {bar} pixels, {ratio:.2} of one of two");
            assert!(bar > 5_000 && (0.8..1.6).contains(&ratio), "{bar} {ratio}");
            // The name is written at the left of the axis.
            let letters = |name: &str| {
                let picture = Chart::bars("", &[(name, value)]).unwrap().to_picture();
                picture.enumerate_pixels().filter(|(x, _, it)| *x < 300 && it.0[0] < 128).count()
            };
            assert!(letters("income") > letters("") + 50);
        }
    }

    #[test]
    fn a_ribbon_lies_behind_the_series() {
        let chart = Chart::series("t", &[1.0; 4], &[1.0, 0.0, 0.0, -1.0]).unwrap();
        let share = |color| count(&chart, color) as f64 / (800.0 * 320.0);
        assert!(share(ColorMap::RedBlue.color(1.0)) > 0.1);
        assert!(share(ColorMap::RedBlue.color(0.0)) > 0.1);
        assert!(share(Rgb([247; 3])) > 0.2);
        // A single moment of many is visible.
        let mut spike = vec![0.0; 5_000];
        spike[3_333] = 1.0;
        let chart = Chart::series("t", &[1.0; 5_000], &spike).unwrap();
        assert!(count(&chart, ColorMap::RedBlue.color(1.0)) > 100);
    }

    #[test]
    fn names_are_text_and_what_cannot_be_drawn_is_an_error() {
        let hostile = "</text><script>x</script>&\u{1}猫";
        let chart = Chart::bars(hostile, &[(hostile, 1.0)]).unwrap();
        assert!(!chart.as_svg().contains("<script") && !chart.as_svg().contains("</text"));
        assert!(chart.as_svg().contains("<desc>&lt;/text&gt;&lt;script"));
        let drawn = Chart::bars("<script>", &[("<script>", 1.0)]).unwrap();
        assert!(!drawn.as_svg().contains("script"));
        Chart::series(hostile, &[1.0], &[0.0]).unwrap();
        let none: [(&str, f64); 0] = [];
        assert!(matches!(Chart::bars("", &none), Err(Error::Lengths { values: 0, .. })));
        let unequal = Chart::series("", &[1.0, 2.0], &[1.0]);
        assert!(matches!(unequal, Err(Error::Lengths { values: 2, attributions: 1 })));
        for wrong in [f64::NAN, f64::INFINITY, 1.7e308, -1.7e308] {
            assert!(matches!(Chart::bars("", &[("a", wrong)]), Err(Error::NotFinite)));
            assert!(matches!(Chart::series("", &[wrong], &[0.0]), Err(Error::NotFinite)));
            assert!(matches!(Chart::series("", &[0.0], &[wrong]), Err(Error::NotFinite)));
        }
    }
}
