use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::token::{Token, TokenKind};
use crate::words::{Word, words};

/// Texts as the rows of a batch: all have the same number of tokens. See
/// [`Tokenizer::encode`](crate::Tokenizer::encode).
#[derive(Clone, Debug)]
pub struct Texts {
    rows: Vec<EncodedText>,
    length: usize,
}

/// A text, or a pair of texts, as tokens and as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedText {
    parts: Vec<String>,
    tokens: Vec<Token>,
    words: Vec<Word>,
    is_cut: bool,
}

impl EncodedText {
    pub(crate) fn new(parts: &[&str], tokens: Vec<Token>, is_cut: bool) -> Self {
        let parts: Vec<String> = parts.iter().map(|&part| part.to_owned()).collect();
        let words = words(&parts, &tokens);
        Self { parts, tokens, words, is_cut }
    }

    /// Fills the row up to a length.
    pub(crate) fn pad(&mut self, length: usize, filler: &Token, left: bool) {
        let missing = length.saturating_sub(self.tokens.len());
        let at = if left { 0 } else { self.tokens.len() };
        self.tokens.splice(at..at, std::iter::repeat_n(filler.clone(), missing));
        self.words = words(&self.parts, &self.tokens);
    }

    /// Returns the text, or the two texts of a pair.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Returns the tokens, padding included.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Returns the words, in the order of their first tokens. Each token belongs to one of them.
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// Returns whether the text was longer than the model takes, so that a part of it was left out.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }
}

impl Texts {
    pub(crate) fn new(rows: Vec<EncodedText>, length: usize) -> Self {
        Self { rows, length }
    }

    /// Returns the number of tokens of each row.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Returns the texts, in the order of the rows.
    pub fn rows(&self) -> &[EncodedText] {
        &self.rows
    }

    /// Returns the ids `[rows, tokens]`.
    pub fn ids(&self, device: &Device) -> Tensor<2, Int> {
        self.integers(device, |token| token.id.into())
    }

    /// Returns the ids `[rows, tokens]` with one id in place of each token of the text, for a
    /// baseline: a mask or padding token ([`Tokenizer::id`](crate::Tokenizer::id)). Special tokens
    /// and padding stay.
    pub fn ids_without_words(&self, id: u32, device: &Device) -> Tensor<2, Int> {
        self.integers(device, |token| match token.kind {
            TokenKind::Text => id.into(),
            TokenKind::Special | TokenKind::Padding => token.id.into(),
        })
    }

    /// Returns the segments `[rows, tokens]`: 0, and 1 for the second text of a pair.
    pub fn type_ids(&self, device: &Device) -> Tensor<2, Int> {
        self.integers(device, |token| token.type_id.into())
    }

    /// Returns the attention mask `[rows, tokens]`: 1, and 0 for padding.
    pub fn attention_mask(&self, device: &Device) -> Tensor<2, Int> {
        self.integers(device, |token| (token.kind != TokenKind::Padding).into())
    }

    /// Returns where the padding is `[rows, tokens]`, as Burn's attention wants it.
    pub fn padding(&self, device: &Device) -> Tensor<2, Bool> {
        self.attention_mask(device).equal_elem(0)
    }

    fn integers(&self, device: &Device, of: impl Fn(&Token) -> i64) -> Tensor<2, Int> {
        let values: Vec<i64> = self.rows.iter().flat_map(EncodedText::tokens).map(of).collect();
        Tensor::from_data(TensorData::new(values, [self.rows.len(), self.length]), device)
    }
}
