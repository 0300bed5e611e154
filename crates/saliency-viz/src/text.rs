//! Texts in pictures.

use crate::fonts::Fonts;

/// The sign in place of characters that are left out.
const LEFT_OUT: char = '…';

/// Replaces control characters, and characters that no font has, by "…". Several such characters in
/// a row become a single "…".
pub(crate) fn drawable(text: &str) -> String {
    drawable_with(Fonts::suited_to(text), text)
}

fn drawable_with(fonts: &Fonts, text: &str) -> String {
    let mut drawable = String::with_capacity(text.len());
    let mut leaves_out = false;
    for c in text.chars() {
        let known = !c.is_control() && (joins(c) || fonts.glyph(c).is_some());
        if known {
            drawable.push(c);
        } else if !leaves_out {
            drawable.push(LEFT_OUT);
        }
        leaves_out = !known;
    }
    drawable
}

/// Returns whether a character only controls how its neighbours are drawn: joined, apart, or in
/// colour.
fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Returns the width of each character in a font of the given size.
fn widths(fonts: &Fonts, text: &str, size: f64) -> Vec<f64> {
    let width = |c| fonts.glyph(c).filter(|_| !joins(c)).map_or(0.0, |glyph| size * glyph.width);
    text.chars().map(width).collect()
}

/// Shortens a text to a width by leaving out its end. Also leaves out characters that cannot be
/// drawn.
pub(crate) fn fitted(text: &str, size: f64, room: f64) -> String {
    fitted_with(Fonts::suited_to(text), text, size, room)
}

fn fitted_with(fonts: &Fonts, text: &str, size: f64, room: f64) -> String {
    let text = drawable_with(fonts, text);
    let widths = widths(fonts, &text, size);
    if widths.iter().sum::<f64>() <= room {
        return text;
    }
    // Keep the characters that fit beside the "…".
    let mut left = room - self::widths(fonts, "…", size)[0];
    let fits = |width: &&f64| {
        left -= **width;
        left >= 0.0
    };
    let kept = widths.iter().take_while(fits).count();
    text.chars().take(kept).chain([LEFT_OUT]).collect()
}

/// Writes a number with three significant digits.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let text = if size == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e4).contains(&size) {
        let digits = (2 - size.log10().floor() as i32).max(0) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    } else {
        format!("{value:.2e}")
    };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::ROBOTO;

    /// A font with squares for 猫 (as wide as high) and ع (half as wide), made for this test.
    const SQUARES: &[u8] = include_bytes!("../tests/squares.ttf");

    #[test]
    fn what_no_font_has_is_left_out_and_what_one_has_stays() {
        let fonts = Fonts::new(&[ROBOTO]);
        let drawable = |text| drawable_with(&fonts, text);
        assert_eq!(drawable("Füße, ζώο, кот −1…"), "Füße, ζώο, кот −1…");
        assert_eq!(drawable("猫\u{1}\n"), "…");
        assert_eq!(drawable("日本-cat 猫 (9 %)"), "…-cat … (9 %)");
        assert_eq!(drawable(""), "");
        // As on a machine that has another font: only 犬 is left out.
        let fonts = Fonts::new(&[ROBOTO, SQUARES]);
        assert_eq!(drawable_with(&fonts, "猫 cat 犬 ع"), "猫 cat … ع");
    }

    #[test]
    fn the_font_that_ships_comes_first_and_others_measure_what_it_lacks() {
        let fonts = Fonts::new(&[ROBOTO, SQUARES]);
        assert_eq!(widths(&fonts, "猫ع猫\u{200d}", 10.0), [10.0, 5.0, 10.0, 0.0]);
        let face = |c| fonts.glyph(c).unwrap().face;
        assert!(face('a') == face('ж') && face('猫') != face('a'));
        assert_eq!(fitted_with(&fonts, "猫猫猫猫", 10.0, 30.0), "猫猫…");
        // If the font of this crate has all characters, no other font is searched.
        let latin = Fonts::suited_to("<svg>Füße, ζώο, кот −1…</svg>");
        assert!(std::ptr::eq(latin, Fonts::suited_to("")));
        assert!(!std::ptr::eq(latin, Fonts::suited_to("猫")));
    }

    #[test]
    fn a_long_text_is_cut_to_the_room_there_is() {
        assert_eq!(fitted("cat", 10.0, 100.0), "cat");
        let cut = fitted("a very long name of a class", 10.0, 60.0);
        let wide = widths(Fonts::suited_to(""), &cut, 10.0).iter().sum::<f64>();
        assert!(cut.ends_with('…') && cut.len() > 6 && wide <= 60.0, "{cut}");
        assert!(fitted(&"long ".repeat(100_000), 10.0, 60.0).len() < 30);
        assert_eq!(fitted("cat", 10.0, 0.0), "…");
    }

    #[test]
    fn numbers_have_three_digits_or_fewer() {
        let numbers = [0.0, 1.0, -0.25, 12.345, 1234.0, 0.001234, 1e-9, 5e7].map(number);
        assert_eq!(numbers, ["0", "1", "−0.25", "12.3", "1234", "0.00123", "1.00e−9", "5.00e7"]);
    }
}
