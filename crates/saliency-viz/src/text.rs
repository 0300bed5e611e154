//! Letters in pictures: one font that ships, so that a picture is the same on every machine.

use std::sync::Arc;

use resvg::usvg::{self, fontdb};
use ttf_parser::Face;

const FONT: &[u8] = include_bytes!("../data/Roboto-Regular.ttf");
/// What stands for a character that the font does not have.
const REPLACEMENT: char = '\u{fffd}';

fn face() -> Face<'static> {
    Face::parse(FONT, 0).expect("the font that ships is valid")
}

/// The text with every character that cannot be drawn replaced.
pub(crate) fn drawable(text: &str) -> String {
    let face = face();
    let known = |c: char| !c.is_control() && face.glyph_index(c).is_some();
    text.chars().map(|c| if known(c) { c } else { REPLACEMENT }).collect()
}

/// How wide each character is in a font of the given size.
fn widths(text: &str, size: f64) -> Vec<f64> {
    let face = face();
    let unit = size / f64::from(face.units_per_em());
    let advance = |c| face.glyph_hor_advance(face.glyph_index(c).unwrap_or_default()).unwrap_or(0);
    text.chars().map(|c| f64::from(advance(c)) * unit).collect()
}

/// The text as it can be drawn, shortened to a width by leaving out its end.
pub(crate) fn fitted(text: &str, size: f64, room: f64) -> String {
    let text = drawable(text);
    let widths = widths(&text, size);
    if widths.iter().sum::<f64>() <= room {
        return text;
    }
    let mut left = room - self::widths("…", size)[0];
    let fits = |width: &&f64| {
        left -= **width;
        left >= 0.0
    };
    let kept = widths.iter().take_while(fits).count();
    text.chars().take(kept).chain(['…']).collect()
}

/// A drawing, its letters turned into outlines of the font that ships.
///
/// # Panics
/// Where `svg` is not one: it is always made here, of [`drawable`] text.
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

/// A number with three significant digits.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        0.0 => "0".to_owned(),
        _ if (1e-3..1e4).contains(&size) => {
            let digits = (2 - size.log10().floor() as i32).max(0) as usize;
            let text = format!("{value:.digits$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        _ => format!("{value:.2e}"),
    };
    text.replace('-', "\u{2212}")
}

/// A share in percent: whole, or with one digit below ten.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0 %".to_owned(),
        _ if percent < 0.1 => "less than 0.1 %".to_owned(),
        _ if percent < 9.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_font_lacks_is_replaced_and_what_it_has_stays() {
        assert_eq!(drawable("Füße, ζώο, кот −1…"), "Füße, ζώο, кот −1…");
        assert_eq!(drawable("猫\u{1}\n"), "\u{fffd}\u{fffd}\u{fffd}");
        assert!(face().glyph_index(REPLACEMENT).is_some());
    }

    #[test]
    fn a_long_text_is_cut_to_the_room_there_is() {
        assert_eq!(fitted("cat", 10.0, 100.0), "cat");
        let cut = fitted("a very long name of a class", 10.0, 60.0);
        let wide = widths(&cut, 10.0).iter().sum::<f64>();
        assert!(cut.ends_with('…') && cut.len() > 6 && wide <= 60.0, "{cut}");
        assert!(fitted(&"long ".repeat(100_000), 10.0, 60.0).len() < 30);
        assert_eq!(fitted("cat", 10.0, 0.0), "…");
    }

    #[test]
    fn numbers_and_shares_have_three_digits_or_fewer() {
        let numbers = [0.0, 1.0, -0.25, 12.345, 1234.0, 0.001234, 1e-9, 5e7].map(number);
        assert_eq!(numbers, ["0", "1", "−0.25", "12.3", "1234", "0.00123", "1.00e−9", "5.00e7"]);
        let shares = [0.0, 1e-5, 0.0612, 0.099, 0.38, 1.0].map(percent);
        assert_eq!(shares, ["0 %", "less than 0.1 %", "6.1 %", "9.9 %", "38 %", "100 %"]);
    }
}
