use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use crate::color::{ColorMap, step};
use crate::error::{Error, Result};
use crate::text::number;

/// A text whose tokens are coloured by how much they spoke for the class (red) or against it (blue),
/// full colour at the largest.
///
/// # Example
/// ```
/// use saliency_viz::Tokens;
///
/// let tokens = Tokens::new([("not ", -0.5), ("good", 1.0)])?;
/// println!("{}", tokens.to_ansi());
/// assert!(tokens.to_html("good rather than bad").contains("good</span>"));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokens {
    tokens: Vec<(String, f64)>,
    scale: f64,
}

impl Tokens {
    /// Tokens as they stand in the text, spaces included, each with its attribution.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn new<T: Into<String>>(tokens: impl IntoIterator<Item = (T, f64)>) -> Result<Self> {
        let tokens: Vec<_> =
            tokens.into_iter().map(|(token, value)| (token.into(), value)).collect();
        if !tokens.iter().all(|(_, value)| value.is_finite()) {
            return Err(Error::NotFinite);
        }
        let scale = tokens.iter().fold(0.0, |most: f64, (_, value)| most.max(value.abs()));
        Ok(Self { tokens, scale })
    }

    /// For a terminal that shows 24-bit colours. Of control characters in tokens only line breaks and
    /// tabs are kept, and what turns the direction of writing is left out, so that a text cannot command
    /// the terminal.
    pub fn to_ansi(&self) -> String {
        let colors = ColorMap::RedBlue.table(true);
        let token = |(token, value): &(String, f64)| {
            let [red, green, blue] = colors[self.step(*value)];
            let ink = if is_light([red, green, blue]) { "30" } else { "97" };
            let harmless = |c: &char| {
                let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                    | '\u{2066}'..='\u{2069}');
                matches!(c, '\n' | '\t') || !c.is_control() && !turns
            };
            let text: String = token.chars().filter(harmless).collect();
            let (start, end) = (format!("\x1b[{ink};48;2;{red};{green};{blue}m"), "\x1b[0m");
            // A colour that is still on at a line's end would fill the line.
            let lines: Vec<&str> = text.split('\n').collect();
            format!("{start}{}{end}", lines.join(&format!("{end}\n{start}")))
        };
        self.tokens.iter().map(token).collect()
    }

    /// One HTML file without script or network; a token's value shows under the pointer.
    pub fn to_html(&self, title: &str) -> String {
        let colors = ColorMap::RedBlue.table(true);
        let mut style = include_str!("../templates/tokens.css").to_owned();
        let mut steps: Vec<usize> =
            self.tokens.iter().map(|(_, value)| self.step(*value)).collect();
        steps.sort_unstable();
        steps.dedup();
        for step in steps {
            let [red, green, blue] = colors[step];
            let ink = if is_light(colors[step]) { "#000" } else { "#fff" };
            style +=
                &format!(".v{step} {{ background: rgb({red} {green} {blue}); color: {ink} }}\n");
        }
        let token = |(text, value): &(String, f64)| TokenHtml {
            text: text.clone(),
            value: number(*value),
            step: self.step(*value),
        };
        let page = Html {
            title,
            style_hash: BASE64_STANDARD.encode(Sha256::digest(&style)),
            style,
            tokens: self.tokens.iter().map(token).collect(),
            most: number(self.scale),
            least: number(-self.scale),
        };
        page.render().expect("the template is valid")
    }

    fn step(&self, value: f64) -> usize {
        step(if self.scale > 0.0 { (value / self.scale) as f32 } else { 0.0 }, true)
    }
}

/// Whether black can be read better on a colour than white.
fn is_light(color: [u8; 3]) -> bool {
    contrast(color, 0.0) > contrast(color, 1.0)
}

/// The contrast of a colour with another one's relative luminance, as the Web Content Accessibility
/// Guidelines define them.
fn contrast(color: [u8; 3], other: f64) -> f64 {
    let linear = |channel: u8| match f64::from(channel) / 255.0 {
        dark if dark <= 0.04045 => dark / 12.92,
        light => ((light + 0.055) / 1.055).powf(2.4),
    };
    let [red, green, blue] = color.map(linear);
    let own = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    (own.max(other) + 0.05) / (own.min(other) + 0.05)
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Html<'a> {
    title: &'a str,
    style: String,
    style_hash: String,
    tokens: Vec<TokenHtml>,
    most: String,
    least: String,
}

struct TokenHtml {
    text: String,
    value: String,
    step: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_sign_and_zero_is_neutral() {
        let ansi = Tokens::new([("a", 2.0), ("b", 0.0), ("c", -2.0)]).unwrap().to_ansi();
        assert_eq!(
            ansi,
            "\x1b[97;48;2;202;0;32ma\x1b[0m\x1b[30;48;2;247;247;247mb\x1b[0m\
             \x1b[97;48;2;5;113;176mc\x1b[0m"
        );
        let lines = Tokens::new([("a\nb", 0.0)]).unwrap().to_ansi();
        let grey = "\x1b[30;48;2;247;247;247m";
        assert_eq!(lines, format!("{grey}a\x1b[0m\n{grey}b\x1b[0m"));
        for color in ColorMap::RedBlue.table(true) {
            let ink = if is_light(color) { 0.0 } else { 1.0 };
            assert!(contrast(color, ink) >= 4.5, "{color:?}");
        }
        let zero = Tokens::new([("a", 0.0)]).unwrap().to_ansi();
        assert!(zero.contains("247;247;247"));
        let none: [(&str, f64); 0] = [];
        assert_eq!(Tokens::new(none).unwrap().to_ansi(), "");
    }

    #[test]
    fn a_text_commands_neither_terminal_nor_browser() {
        let tokens = Tokens::new([("\x1b[2J<script>x</script>", 1.0)]).unwrap();
        assert!(!tokens.to_ansi().contains("\x1b[2J"));
        let html = tokens.to_html("<script>t</script>");
        assert!(!html.contains("<script>"), "{html}");
        assert!(matches!(Tokens::new([("a", f64::INFINITY)]), Err(Error::NotFinite)));
    }
}
