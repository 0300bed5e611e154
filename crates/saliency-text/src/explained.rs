use burn::tensor::Tensor;
use saliency_core::{TokenReduction, per_token};

use crate::error::{Error, Result};
use crate::texts::{EncodedText, Texts};
use crate::token::TokenKind;
use crate::words::Word;

/// The attribution of a text: one number for each token and for each word. See
/// [`Texts::explained`](crate::Texts::explained).
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedText {
    text: EncodedText,
    tokens: Vec<f64>,
    words: Vec<ExplainedWord>,
}

/// A word and its attribution.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExplainedWord {
    /// The word.
    pub word: Word,
    /// Its attribution: the sum over its tokens.
    pub value: f64,
}

/// A piece of a text to be shown, in reading order: a word, a special token, or what is between.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Piece {
    /// The piece as the text spells it.
    pub text: String,
    /// What the piece is, with its attribution.
    pub kind: PieceKind,
}

/// What a [`Piece`] is, with its attribution.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PieceKind {
    /// A word of the text.
    Word(f64),
    /// A special token, or all padding together.
    Special(f64),
    /// Text that the network was not given: spaces, and what was cut off.
    Between,
}

impl Texts {
    /// Returns one number for each token and for each word, from the attributions of their
    /// embeddings `[rows, tokens, width]`.
    ///
    /// The number of a token is what `reduction` makes of the values of its embedding.
    /// [`Method::token_reduction`](saliency_core::Method::token_reduction) names the right one for
    /// each method. The number of a word is the sum over its tokens.
    ///
    /// # Errors
    /// [`Error::Shape`] for attributions of other texts, and [`Error::Core`] if the values cannot be
    /// read back.
    pub fn explained(
        &self,
        values: &Tensor<3>,
        reduction: TokenReduction,
    ) -> Result<Vec<ExplainedText>> {
        let (rows, tokens, found) = (self.rows().len(), self.length(), values.dims());
        if found[..2] != [rows, tokens] {
            return Err(Error::Shape { rows, tokens, found });
        }
        let values = per_token(values, reduction)?;
        let rows = self.rows().iter().cloned().zip(values);
        Ok(rows.map(|(text, values)| ExplainedText::new(text, values)).collect())
    }
}

impl ExplainedText {
    pub(crate) fn new(text: EncodedText, tokens: Vec<f64>) -> Self {
        let value = |word: &Word| word.tokens.iter().map(|&at| tokens[at]).sum();
        let explained = |word: &Word| ExplainedWord { word: word.clone(), value: value(word) };
        let words = text.words().iter().map(explained).collect();
        Self { text, tokens, words }
    }

    /// Returns the text and its tokens.
    pub fn text(&self) -> &EncodedText {
        &self.text
    }

    /// Returns the attribution of each token, padding included.
    pub fn token_values(&self) -> &[f64] {
        &self.tokens
    }

    /// Returns the words with their attributions. They add up to the attribution of all tokens.
    pub fn words(&self) -> &[ExplainedWord] {
        &self.words
    }

    /// Returns the pieces of the text to be shown, in reading order. Those that are not special
    /// spell out the text. Padding is left out if its attribution is zero.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut done = vec![0; self.text.parts().len()];
        for (at, ExplainedWord { word, value }) in self.words.iter().enumerate() {
            if word.kind != TokenKind::Text || word.range.is_empty() {
                if word.kind != TokenKind::Padding || *value != 0.0 {
                    let (text, kind) = (word.text.clone(), PieceKind::Special(*value));
                    pieces.push(Piece { text, kind });
                }
                continue;
            }
            let part = &self.text.parts()[word.part];
            let mut between = |to: usize| {
                // Words that are out of order are shown, but no text twice.
                if let Some(text) = part.get(done[word.part]..to).filter(|text| !text.is_empty()) {
                    pieces.push(Piece { text: text.to_owned(), kind: PieceKind::Between });
                }
                done[word.part] = done[word.part].max(to);
            };
            between(word.range.start);
            done[word.part] = done[word.part].max(word.range.end);
            pieces.push(Piece { text: word.text.clone(), kind: PieceKind::Word(*value) });
            let is_last = |other: &ExplainedWord| {
                other.word.kind == TokenKind::Text && other.word.part == word.part
            };
            if !self.words[at + 1..].iter().any(is_last) {
                let rest = part.get(done[word.part]..).unwrap_or_default();
                if !rest.is_empty() {
                    pieces.push(Piece { text: rest.to_owned(), kind: PieceKind::Between });
                }
            }
        }
        pieces
    }

    /// Returns the text in colour: red for words that spoke for the class, blue against it; special
    /// tokens pale.
    ///
    /// # Errors
    /// [`saliency_viz::Error::NotFinite`] if an attribution is NaN or infinite.
    #[cfg(feature = "pages")]
    #[cfg_attr(docsrs, doc(cfg(feature = "pages")))]
    pub fn to_tokens(&self) -> saliency_viz::Result<saliency_viz::Tokens> {
        use saliency_viz::{Token, Tokens};
        let token = |piece: Piece| match piece.kind {
            PieceKind::Word(value) => Token::new(piece.text, value),
            PieceKind::Special(value) => Token::special(piece.text, value),
            PieceKind::Between => Token::between(piece.text),
        };
        Tokens::new(self.pieces().into_iter().map(token))
    }
}
