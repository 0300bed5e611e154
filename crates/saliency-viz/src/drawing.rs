//! From SVG to outlines and to pixels.

use std::sync::Arc;

use image::RgbImage;
use resvg::tiny_skia::{Color, Pixmap, PremultipliedColorU8, Transform};
use resvg::usvg::{self, Node, fontdb};

use crate::text::FONT;

/// The rows of pixels that are drawn at a time, so that memory stays bounded.
const STRIP: u32 = 512;

/// Parses a drawing and turns its letters into outlines of the font that ships.
///
/// # Panics
/// If `svg` is not valid. It is always made in this crate, of [`drawable`](crate::text::drawable)
/// text.
pub(crate) fn outlined(svg: &str) -> usvg::Tree {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family("Roboto");
    let options = usvg::Options {
        font_family: "Roboto".to_owned(),
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).expect("the drawing is valid")
}

/// Returns a drawing with its letters turned into outlines, so that it looks the same everywhere.
pub(crate) fn with_outlines(svg: &str) -> String {
    outlined(svg).to_string(&usvg::WriteOptions::default())
}

/// Draws lines and letters over pixels.
pub(crate) fn draw_over(picture: &mut RgbImage, svg: &str) {
    let tree = outlined(svg);
    let (width, height) = picture.dimensions();
    let mut strip = Pixmap::new(width, STRIP.min(height)).expect("a picture has pixels");
    for top in (0..height).step_by(STRIP as usize) {
        // Most of a figure is pictures, with nothing to draw above them.
        if !tree.root().children().iter().any(|node| is_in_strip(node, top)) {
            continue;
        }
        strip.fill(Color::TRANSPARENT);
        let up = Transform::from_translate(0.0, -(top as f32));
        resvg::render(&tree, up, &mut strip.as_mut());
        let samples = picture.as_flat_samples_mut().samples;
        let rest = &mut samples[3 * (top * width) as usize..];
        for (below, above) in rest.chunks_exact_mut(3).zip(strip.pixels()) {
            blend(below, above);
        }
    }
}

/// Returns whether a part of the drawing is in the strip that begins at a row of pixels.
fn is_in_strip(node: &Node, top: u32) -> bool {
    let bounds = node.abs_stroke_bounding_box();
    bounds.top() - 1.0 < (top + STRIP) as f32 && bounds.bottom() + 1.0 > top as f32
}

/// Lays a pixel, whose colours are multiplied by its alpha already, over another one.
fn blend(below: &mut [u8], above: &PremultipliedColorU8) {
    let alpha = u32::from(above.alpha());
    if alpha == 0 {
        return;
    }
    for (below, above) in below.iter_mut().zip([above.red(), above.green(), above.blue()]) {
        let seen = (u32::from(*below) * (255 - alpha) + 127) / 255;
        *below = (u32::from(above) + seen).min(255) as u8;
    }
}

/// Escapes a text for SVG.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c => escaped.push(c),
        }
    }
    escaped
}
