use std::collections::BTreeSet;

use askama::Template;

use crate::color::{ColorMap, step};
use crate::encoded::policy_hash;
use crate::error::{Error, Result};
use crate::text::number;

/// A text whose tokens are coloured by how much they spoke for the class (red) or against it
/// (blue). The token with the largest attribution has full colour.
///
/// # Example
/// ```
/// use saliency_viz::{Token, Tokens};
///
/// let tokens = Tokens::new([("not ", -0.5), ("good", 1.0)])?;
/// println!("{}", tokens.to_ansi());
/// assert!(tokens.to_html("good rather than bad").contains("good</span>"));
///
/// // Special tokens are pale, and what the model was not given has no colour.
/// let tokens = [Token::special("[CLS]", 0.1), Token::new("good", 1.0), Token::between("\n")];
/// let tokens = Tokens::new(tokens)?.with_sentence("The model says: positive (98 %).");
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokens {
    tokens: Vec<Token>,
    scale: f64,
    sentence: Option<String>,
}

/// A token of a text, or a whole word, with its attribution. See [`Tokens`].
#[derive(Clone, Debug)]
pub struct Token {
    text: String,
    kind: Kind,
}

/// What a token is, with its attribution.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Word(f64),
    Special(f64),
    Between,
}

impl Token {
    /// Creates a token or a word of the text, with its attribution.
    pub fn new(text: impl Into<String>, value: f64) -> Self {
        Self { text: text.into(), kind: Kind::Word(value) }
    }

    /// Creates a token that is not in the text, such as `[CLS]`, with its attribution. It is shown
    /// pale: its attribution does not count for the colours.
    pub fn special(text: impl Into<String>, value: f64) -> Self {
        Self { text: text.into(), kind: Kind::Special(value) }
    }

    /// Creates text without an attribution, such as the spaces between words.
    pub fn between(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Kind::Between }
    }

    /// Returns the attribution; `None` for text between words.
    fn value(&self) -> Option<f64> {
        match self.kind {
            Kind::Word(value) | Kind::Special(value) => Some(value),
            Kind::Between => None,
        }
    }

    /// Returns the attribution of a word; `None` for everything else.
    fn word_value(&self) -> Option<f64> {
        match self.kind {
            Kind::Word(value) => Some(value),
            Kind::Special(_) | Kind::Between => None,
        }
    }
}

impl<T: Into<String>> From<(T, f64)> for Token {
    fn from((text, value): (T, f64)) -> Self {
        Self::new(text, value)
    }
}

impl Tokens {
    /// Creates a text of tokens, spaces included: [`Token`]s, or pairs of a text and its
    /// attribution.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if an attribution is NaN or infinite.
    pub fn new<T: Into<Token>>(tokens: impl IntoIterator<Item = T>) -> Result<Self> {
        let tokens: Vec<Token> = tokens.into_iter().map(Into::into).collect();
        if !tokens.iter().filter_map(Token::value).all(f64::is_finite) {
            return Err(Error::NotFinite);
        }
        let values = tokens.iter().filter_map(Token::word_value);
        let scale = values.fold(0.0, |most: f64, value| most.max(value.abs()));
        Ok(Self { tokens, scale, sentence: None })
    }

    /// Sets a sentence that stands above the text on a page, for instance the answer of the model.
    #[must_use]
    pub fn with_sentence(mut self, sentence: impl Into<String>) -> Self {
        self.sentence = Some(sentence.into());
        self
    }

    /// Formats the text for a terminal that shows 24-bit colours.
    ///
    /// Leaves out characters that change the direction of writing, and all control characters
    /// except line breaks and tabs. So a text cannot send commands to the terminal.
    pub fn to_ansi(&self) -> String {
        let colors = ColorMap::RedBlue.table(true);
        let mut ansi = String::new();
        for token in &self.tokens {
            let (start, end) = match token.kind {
                Kind::Word(value) => {
                    let color @ [red, green, blue] = colors[self.step(value)];
                    let ink = if is_light(color) { "30" } else { "97" };
                    (format!("\x1b[{ink};48;2;{red};{green};{blue}m"), "\x1b[0m")
                }
                // Faint.
                Kind::Special(_) => ("\x1b[2m".to_owned(), "\x1b[0m"),
                Kind::Between => (String::new(), ""),
            };
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
        let values = self.tokens.iter().filter_map(Token::word_value);
        let steps: BTreeSet<usize> = values.map(|value| self.step(value)).collect();
        for step in steps {
            let color @ [red, green, blue] = colors[step];
            let ink = if is_light(color) { "#000" } else { "#fff" };
            style +=
                &format!(".v{step} {{ background: rgb({red} {green} {blue}); color: {ink} }}\n");
        }
        let tokens = self.tokens.iter().map(|token| TokenHtml {
            text: &token.text,
            value: token.value().map(number),
            class: match token.kind {
                Kind::Word(value) => format!("v{}", self.step(value)),
                Kind::Special(_) => "special".to_owned(),
                Kind::Between => String::new(),
            },
        });
        let is_special = |token: &Token| matches!(token.kind, Kind::Special(_));
        let is_negative = |token: &Token| token.word_value().is_some_and(|value| value < 0.0);
        let page = Html {
            title: title.into(),
            sentence: self.sentence.as_deref(),
            style_hash: policy_hash(&style),
            style,
            tokens: tokens.collect(),
            most: number(self.scale),
            least: self.tokens.iter().any(is_negative).then(|| number(-self.scale)),
            has_special: self.tokens.iter().any(is_special),
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
    sentence: Option<&'a str>,
    style: String,
    style_hash: String,
    tokens: Vec<TokenHtml<'a>>,
    most: String,
    /// `None` if nothing speaks against the class.
    least: Option<String>,
    has_special: bool,
}

struct TokenHtml<'a> {
    text: &'a str,
    /// `None` for text between words.
    value: Option<String>,
    class: String,
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

    #[test]
    fn special_tokens_are_pale_and_do_not_count_for_the_colours() {
        let tokens = [
            Token::special("[CLS]", 9.0),
            Token::new("good", 1.0),
            Token::between(" <b>"),
            Token::special("[SEP]", 0.0),
        ];
        let tokens = Tokens::new(tokens).unwrap();
        let ansi = "\x1b[2m[CLS]\x1b[0m\x1b[97;48;2;202;0;32mgood\x1b[0m <b>\x1b[2m[SEP]\x1b[0m";
        assert_eq!(tokens.to_ansi(), ansi);
        let html = tokens.to_html("title");
        assert!(html.contains("<span class=\"special\" title=\"9\">[CLS]</span>"), "{html}");
        // Between words nothing is coloured, listed in the table, or run.
        assert!(html.contains("good</span> &#60;b&#62;<span"), "{html}");
        assert_eq!(html.matches("<th scope=\"row\">").count(), 3);
        assert!(html.contains("added by the tokenizer"), "{html}");
        // Nothing is negative, so that nothing speaks against it.
        assert!(!html.contains("against"), "{html}");
        let signed = Tokens::new([("a", 1.0), ("b", -1.0)]).unwrap();
        let html = signed.with_sentence("It says <no>.").to_html("title");
        assert!(html.contains("against") && !html.contains("added by the tokenizer"), "{html}");
        assert!(html.contains("<p>It says &#60;no&#62;.</p>"), "{html}");
        let bad = Tokens::new([Token::special("[CLS]", f64::NAN)]);
        assert!(matches!(bad, Err(Error::NotFinite)));
    }
}
