use std::collections::BTreeSet;

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use crate::color::{ColorMap, step};
use crate::error::{Error, Result};
use crate::text::number;

/// A text whose tokens are coloured by how much they spoke for the class (red) or against it
/// (blue). The token with the largest attribution has full colour.
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
    tokens: Vec<Token>,
    scale: f64,
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    value: f64,
}

impl Tokens {
    /// Creates a text of tokens, spaces included, each with its attribution.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if an attribution is NaN or infinite.
    pub fn new<T: Into<String>>(tokens: impl IntoIterator<Item = (T, f64)>) -> Result<Self> {
        let tokens = tokens.into_iter().map(|(text, value)| Token { text: text.into(), value });
        let tokens: Vec<_> = tokens.collect();
        if !tokens.iter().all(|token| token.value.is_finite()) {
            return Err(Error::NotFinite);
        }
        let scale = tokens.iter().fold(0.0, |most: f64, token| most.max(token.value.abs()));
        Ok(Self { tokens, scale })
    }

    /// Formats the text for a terminal that shows 24-bit colours.
    ///
    /// Leaves out characters that change the direction of writing, and all control characters
    /// except line breaks and tabs. So a text cannot send commands to the terminal.
    pub fn to_ansi(&self) -> String {
        let colors = ColorMap::RedBlue.table(true);
        let mut ansi = String::new();
        for token in &self.tokens {
            let color @ [red, green, blue] = colors[self.step(token.value)];
            let ink = if is_light(color) { "30" } else { "97" };
            let (start, end) = (format!("\x1b[{ink};48;2;{red};{green};{blue}m"), "\x1b[0m");
            // Switch the colour off at the end of a line. Otherwise it would fill the rest of the
            // line.
            let text: String = token.text.chars().filter(|c| is_harmless(*c)).collect();
            let lines: Vec<&str> = text.split('\n').collect();
            ansi += &format!("{start}{}{end}", lines.join(&format!("{end}\n{start}")));
        }
        ansi
    }

    /// Makes one HTML file that needs no script and no network. The value of a token is shown when
    /// the pointer is over it.
    pub fn to_html(&self, title: impl Into<String>) -> String {
        // One style for each colour that is needed.
        let colors = ColorMap::RedBlue.table(true);
        let mut style = include_str!("../templates/tokens.css").to_owned();
        let steps: BTreeSet<usize> =
            self.tokens.iter().map(|token| self.step(token.value)).collect();
        for step in steps {
            let color @ [red, green, blue] = colors[step];
            let ink = if is_light(color) { "#000" } else { "#fff" };
            style +=
                &format!(".v{step} {{ background: rgb({red} {green} {blue}); color: {ink} }}\n");
        }
        let tokens = self.tokens.iter().map(|token| TokenHtml {
            text: &token.text,
            value: number(token.value),
            step: self.step(token.value),
        });
        let page = Html {
            title: title.into(),
            style_hash: BASE64_STANDARD.encode(Sha256::digest(&style)),
            style,
            tokens: tokens.collect(),
            most: number(self.scale),
            least: number(-self.scale),
        };
        page.render().expect("the template is valid")
    }

    /// Returns the step of the colour table for a value.
    fn step(&self, value: f64) -> usize {
        step(if self.scale > 0.0 { (value / self.scale) as f32 } else { 0.0 }, true)
    }
}

/// Returns whether a character can neither send commands to a terminal nor change the direction of
/// writing.
fn is_harmless(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}');
    matches!(c, '\n' | '\t') || !c.is_control() && !turns
}

/// Returns whether black is easier to read on a colour than white.
fn is_light(color: [u8; 3]) -> bool {
    contrast(color, 0.0) > contrast(color, 1.0)
}

/// Computes the contrast of a colour with another relative luminance, as the Web Content
/// Accessibility Guidelines define it.
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
    title: String,
    style: String,
    style_hash: String,
    tokens: Vec<TokenHtml<'a>>,
    most: String,
    least: String,
}

struct TokenHtml<'a> {
    text: &'a str,
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
