use image::{Rgb, RgbImage};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::color::{ColorMap, step};
use crate::error::{Error, Result};
use crate::figure::draw_over;
use crate::text::{fitted, number, outlined};

/// A drawing of attributions that are not pictures: of named features, or along time.
///
/// # Parameters and defaults
/// A feature that speaks for the class is red, one that speaks against it blue, as on a signed map.
#[derive(Clone, Debug)]
pub struct Chart {
    svg: String,
    size: (u32, u32),
}

/// The width of every chart, in pixels.
const WIDTH: u32 = 800;
/// The size of letters.
const SIZE: u32 = 15;
/// The parts that a ribbon is drawn in at most: no finer than pixels, which are whole.
const RIBBON: usize = 700;
/// The largest number that an axis is drawn for: sums of larger ones would not be finite.
const LARGEST: f64 = 1e300;

impl Chart {
    /// Bars for named features, the strongest at the top, to the right where they speak for the class
    /// and to the left where they speak against it.
    ///
    /// # Errors
    /// [`Error::Lengths`] without features, [`Error::NotFinite`] also where a number is beyond 1e300.
    ///
    /// # Example
    /// ```
    /// use saliency_viz::Chart;
    ///
    /// let chart = Chart::bars("why was the loan refused?", &[("income", -0.4), ("age", 0.1)])?;
    /// assert_eq!(chart.to_picture().width(), 800);
    /// # Ok::<(), saliency_viz::Error>(())
    /// ```
    pub fn bars<N: AsRef<str>>(title: &str, features: &[(N, f64)]) -> Result<Self> {
        check(features.len(), features.len(), features.iter().map(|(_, value)| *value))?;
        let mut sorted: Vec<_> =
            features.iter().map(|(name, value)| (name.as_ref(), *value)).collect();
        // Names decide between equals, so that the order is always the same.
        sorted.sort_by(|a, b| a.1.abs().total_cmp(&b.1.abs()).then(b.0.cmp(a.0)));
        let names: Vec<_> = sorted
            .iter()
            .map(|(name, _)| fitted(name, SIZE.into(), f64::from(WIDTH) * 0.35))
            .collect();
        let most = sorted.iter().fold(0.0, |most: f64, (_, value)| most.max(value.abs()));
        let room = if most > 0.0 { 1.25 * most } else { 1.0 };
        if room > LARGEST {
            return Err(Error::NotFinite);
        }
        let least = sorted.iter().fold(0.0, |least: f64, (_, value)| least.min(*value));
        let left = if least < 0.0 { -room } else { 0.0 };
        let size = (WIDTH, 90 + 30 * sorted.len() as u32);
        let colors = ColorMap::RedBlue;
        draw(size, |area| {
            let mut chart = ChartBuilder::on(area)
                .caption(caption(title), font(1.3))
                .margin(12)
                .x_label_area_size(28)
                .y_label_area_size((f64::from(WIDTH) * 0.36) as u32)
                .build_cartesian_2d(left..room, (0..sorted.len() - 1).into_segmented())?;
            chart
                .configure_mesh()
                .disable_y_mesh()
                .light_line_style(TRANSPARENT)
                .label_style(font(1.0))
                .x_label_formatter(&|value| number(round(*value, room)))
                .y_labels(sorted.len())
                .y_label_formatter(&|at| match at {
                    SegmentValue::CenterOf(at) => names.get(*at).cloned().unwrap_or_default(),
                    _ => String::new(),
                })
                .draw()?;
            for (at, (_, value)) in sorted.iter().enumerate() {
                let Rgb([red, green, blue]) = colors.color(if *value < 0.0 { 0.0 } else { 1.0 });
                let corners =
                    [(0.0, SegmentValue::Exact(at)), (*value, SegmentValue::Exact(at + 1))];
                let mut bar = Rectangle::new(corners, RGBColor(red, green, blue).filled());
                bar.set_margin(4, 4, 0, 0);
                chart.draw_series([bar])?;
                let anchor = if *value < 0.0 { HPos::Right } else { HPos::Left };
                let style = font(1.0).into_text_style(area).pos(Pos::new(anchor, VPos::Center));
                let gap = if *value < 0.0 { -5 } else { 5 };
                let label = EmptyElement::at((*value, SegmentValue::CenterOf(at)))
                    + Text::new(number(*value), (gap, 0), style);
                chart.draw_series([label])?;
            }
            Ok(())
        })
    }

    /// A series as a line over a ribbon that shows how much each moment spoke for the class (red) or
    /// against it (blue), full colour at the largest. Of moments that share a pixel of the ribbon the one
    /// with the largest is shown.
    ///
    /// # Errors
    /// [`Error::Lengths`] where there is not one attribution for each value, [`Error::NotFinite`] also
    /// where a number is beyond 1e300.
    ///
    /// # Example
    /// ```
    /// use saliency_viz::Chart;
    ///
    /// let chart = Chart::series("a heartbeat", &[0.0, 1.0, 0.2], &[0.0, 0.7, -0.1])?;
    /// assert!(chart.to_svg().starts_with("<svg"));
    /// # Ok::<(), saliency_viz::Error>(())
    /// ```
    pub fn series(title: &str, values: &[f64], attributions: &[f64]) -> Result<Self> {
        check(values.len(), attributions.len(), values.iter().chain(attributions).copied())?;
        let most = attributions.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let room = if high > low { 0.08 * (high - low) } else { 1.0 };
        let (low, high) = (low - room, high + room);
        if high.max(-low).max(most) > LARGEST {
            return Err(Error::NotFinite);
        }
        let moments = attributions.len().div_ceil(RIBBON);
        let stronger = |a: f64, b: &f64| if b.abs() > a.abs() { *b } else { a };
        let table = ColorMap::RedBlue.table(true);
        draw((WIDTH, 320), |area| {
            let mut chart = ChartBuilder::on(area)
                .caption(caption(title), font(1.3))
                .margin(12)
                .x_label_area_size(28)
                .y_label_area_size(56)
                .build_cartesian_2d(-0.5..values.len() as f64 - 0.5, low..high)?;
            chart.draw_series(attributions.chunks(moments).enumerate().map(|(at, values)| {
                let value = values.iter().fold(0.0, stronger);
                let share = if most > 0.0 { (value / most) as f32 } else { 0.0 };
                let [red, green, blue] = table[step(share, true)];
                let at = (at * moments) as f64;
                let corners = [(at - 0.5, low), (at + values.len() as f64 - 0.5, high)];
                Rectangle::new(corners, RGBColor(red, green, blue).filled())
            }))?;
            chart
                .configure_mesh()
                .disable_mesh()
                .label_style(font(1.0))
                .x_label_formatter(&|value| number(round(*value, values.len() as f64)))
                .y_label_formatter(&|value| number(round(*value, high - low)))
                .draw()?;
            let points = values.iter().enumerate().map(|(at, value)| (at as f64, *value));
            chart.draw_series(LineSeries::new(points, BLACK.stroke_width(2)))?;
            Ok(())
        })
    }

    /// The drawing, its letters as outlines, so that it looks the same everywhere.
    pub fn to_svg(&self) -> &str {
        &self.svg
    }

    /// The same as pixels.
    pub fn to_picture(&self) -> RgbImage {
        let mut picture = RgbImage::from_pixel(self.size.0, self.size.1, Rgb([255; 3]));
        draw_over(&mut picture, &self.svg);
        picture
    }
}

fn font(size: f64) -> TextStyle<'static> {
    ("sans-serif", f64::from(SIZE) * size).into_font().color(&RGBColor(34, 34, 34))
}

/// What is left of the middle of an axis after adding its steps up is zero.
fn round(value: f64, length: f64) -> f64 {
    if value.abs() < 1e-12 * length { 0.0 } else { value }
}

/// The title in the room that there is.
fn caption(title: &str) -> String {
    fitted(title, 1.3 * f64::from(SIZE), f64::from(WIDTH) - 24.0)
}

fn check(values: usize, attributions: usize, all: impl Iterator<Item = f64>) -> Result<()> {
    if values == 0 || values != attributions {
        return Err(Error::Lengths { values, attributions });
    }
    let mut all = all;
    if all.all(f64::is_finite) { Ok(()) } else { Err(Error::NotFinite) }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(
    size: (u32, u32),
    contents: impl FnOnce(&Area) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<Chart> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let drawn = area.fill(&WHITE).map_err(Into::into).and_then(|()| contents(&area));
    let drawn = drawn.and_then(|()| area.present().map_err(Into::into));
    drawn.map_err(|error| Error::Encode { reason: error.to_string() })?;
    drop(area);
    let svg = outlined(&svg).to_string(&resvg::usvg::WriteOptions::default());
    Ok(Chart { svg, size })
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
    fn a_ribbon_lies_behind_the_series() {
        let chart = Chart::series("t", &[1.0; 4], &[1.0, 0.0, 0.0, -1.0]).unwrap();
        let share = |color| count(&chart, color) as f64 / (800.0 * 320.0);
        assert!(share(ColorMap::RedBlue.color(1.0)) > 0.1);
        assert!(share(ColorMap::RedBlue.color(0.0)) > 0.1);
        assert!(share(Rgb([247; 3])) > 0.2);
        // One moment of many is seen.
        let mut spike = vec![0.0; 5_000];
        spike[3_333] = 1.0;
        let chart = Chart::series("t", &[1.0; 5_000], &spike).unwrap();
        assert!(count(&chart, ColorMap::RedBlue.color(1.0)) > 100);
    }

    #[test]
    fn names_are_text_and_what_cannot_be_drawn_is_an_error() {
        let hostile = "</text><script>x</script>&\u{1}猫";
        let chart = Chart::bars(hostile, &[(hostile, 1.0)]).unwrap();
        assert!(!chart.to_svg().contains("script"));
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
