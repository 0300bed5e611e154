//! Turns SVG into outlines and into pixels.

use image::RgbImage;
use resvg::tiny_skia::{Color, Pixmap, PremultipliedColorU8, Transform};
use resvg::usvg::{self, FontResolver, Node};

use crate::fonts::Fonts;
use crate::text::drawable;

/// The number of rows of pixels that are drawn at a time, so that memory stays bounded.
const STRIP: u32 = 512;

/// Parses a drawing and turns its letters into outlines.
///
/// # Panics
/// If `svg` is not valid. It is always made in this crate, from [`drawable`] text.
pub(crate) fn outlined(svg: &str) -> usvg::Tree {
    outlined_with(Fonts::suited_to(svg), svg)
}

fn outlined_with(fonts: &Fonts, svg: &str) -> usvg::Tree {
    let fallback = |c: char, _: &[_], _: &mut _| fonts.glyph(c).map(|glyph| glyph.face);
    let options = usvg::Options {
        font_family: "Roboto".to_owned(),
        fontdb: fonts.database(),
        font_resolver: FontResolver { select_fallback: Box::new(fallback), ..Default::default() },
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).expect("the drawing is valid")
}

/// Returns a drawing with its letters turned into outlines, so that it looks the same everywhere.
/// `texts` are the texts that the drawing should show. Those that cannot be drawn in full become
/// its description.
pub(crate) fn with_outlines<'a>(svg: &str, texts: impl IntoIterator<Item = &'a str>) -> String {
    let outlines = outlined(svg).to_string(&usvg::WriteOptions::default());
    let texts: Vec<&str> = texts.into_iter().filter(|text| drawable(text) != *text).collect();
    match outlines.find('>') {
        Some(end) if !texts.is_empty() => {
            let (start, rest) = outlines.split_at(end + 1);
            format!("{start}<desc>{}</desc>{rest}", escaped(&texts.join("\n")))
        }
        _ => outlines,
    }
}

/// Draws lines and letters over pixels.
pub(crate) fn draw_over(picture: &mut RgbImage, svg: &str) {
    let tree = outlined(svg);
    let (width, height) = picture.dimensions();
    let mut strip = Pixmap::new(width, STRIP.min(height)).expect("a picture has pixels");
    for top in (0..height).step_by(STRIP as usize) {
        // Most strips of a figure contain only pictures, with nothing to draw over them.
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

/// Lays a pixel over another one. Its colours are already multiplied by its alpha.
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

/// Escapes a text for SVG. Leaves out control characters and the two codes that are not characters,
/// because XML has no way to write them.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() && c != '\n' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::ROBOTO;

    #[test]
    fn another_font_draws_what_the_one_that_ships_lacks() {
        let fonts = Fonts::new(&[ROBOTO, include_bytes!("../tests/squares.ttf")]);
        let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='90' height='40'>\
                   <text x='10' y='30' font-family='Roboto' font-size='20'>猫ع</text></svg>";
        let bounds = outlined_with(&fonts, svg).root().abs_bounding_box();
        // A square of 20 pixels for 猫, and one of 10 pixels for ع.
        println!("{bounds:?}");
        assert!((29.0..31.0).contains(&bounds.width()), "{bounds:?}");
        let letters = svg.replace("猫ع", "cat");
        let [mixed, alone] = [&fonts, &Fonts::new(&[ROBOTO])]
            .map(|fonts| outlined_with(fonts, &letters).to_string(&Default::default()));
        assert_eq!(mixed, alone, "a font of the machine changes nothing that the other has");
    }

    #[test]
    fn what_is_left_out_is_the_description() {
        let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>\
                   <rect width='9' height='9'/></svg>";
        assert_eq!(with_outlines(svg, ["cat"]), with_outlines(svg, []));
        // No font has control characters or codes that are not assigned.
        let described = with_outlines(svg, ["a & b\u{1}\u{fffe}", "cat", "\u{e0fff}"]);
        assert!(described.contains("<desc>a &amp; b\n\u{e0fff}</desc>"), "{described}");
        assert!(usvg::Tree::from_str(&described, &usvg::Options::default()).is_ok());
    }
}
