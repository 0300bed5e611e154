use std::ops::Range;

/// A token: the unit in which a network reads a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// Its number in the vocabulary.
    pub id: u32,
    /// Its spelling in the vocabulary, such as `##ing`, `Ġgood` or `[CLS]`.
    pub text: String,
    /// The segment that it belongs to, for networks that embed this too.
    pub type_id: u32,
    /// The origin of the token.
    pub kind: TokenKind,
    /// The text of a pair that it comes from: 0, or 1 for the second text.
    pub part: usize,
    /// The bytes of that text that it stands for. Empty for special tokens and padding.
    ///
    /// Several tokens that stand for parts of one character have the bytes of that character.
    pub range: Range<usize>,
}

/// The origin of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// The text.
    Text,
    /// The tokenizer, which adds special tokens such as `[CLS]`.
    Special,
    /// Padding, which fills short texts.
    Padding,
}
