use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::token::{Token, TokenKind};

/// A word of a text, as people read it, or a special token.
///
/// Every token belongs to one word, so that the words of a text share its score as its tokens do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Word {
    /// The word as the text spells it; the name of a special token.
    pub text: String,
    /// The origin of the word's tokens.
    pub kind: TokenKind,
    /// The text of a pair that it comes from: 0, or 1 for the second text.
    pub part: usize,
    /// Its bytes in that text. Empty for special tokens and padding.
    pub range: Range<usize>,
    /// The positions of its tokens in the row.
    pub tokens: Vec<usize>,
}

/// Joins tokens to words.
///
/// A text is cut at the word boundaries of Unicode, and each token goes to the word that it overlaps.
/// The bytes that a token stands for decide this, not its spelling, so that all kinds of tokenizers
/// are treated alike. Words that share a token become one. Padding becomes one word.
pub(crate) fn words(parts: &[String], tokens: &[Token]) -> Vec<Word> {
    let mut pieces: Vec<Pieces> = parts.iter().map(|part| Pieces::new(part)).collect();
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Text) {
        pieces[token.part].join(token);
    }
    let mut words: Vec<Word> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let word = match token.kind {
            TokenKind::Text => pieces[token.part].word_of(token),
            TokenKind::Special | TokenKind::Padding => Word {
                text: token.text.clone(),
                kind: token.kind,
                part: token.part,
                range: 0..0,
                tokens: Vec::new(),
            },
        };
        // Tokens of a word need not follow one another.
        let is_same = |other: &&mut Word| match token.kind {
            TokenKind::Text => {
                other.kind == TokenKind::Text
                    && (other.part, &other.range) == (word.part, &word.range)
            }
            TokenKind::Special => false,
            TokenKind::Padding => other.kind == TokenKind::Padding,
        };
        match words.iter_mut().rev().find(is_same) {
            Some(same) => same.tokens.push(at),
            None => words.push(Word { tokens: vec![at], ..word }),
        }
    }
    words
}

/// A text cut at the boundaries of its words, spaces left out.
struct Pieces<'a> {
    text: &'a str,
    /// The bytes of each piece, ascending.
    ranges: Vec<Range<usize>>,
    /// For each piece, whether it is one word with the piece before.
    joined: Vec<bool>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str) -> Self {
        let pieces = text.split_word_bound_indices().filter(|(_, piece)| !is_space(piece));
        let ranges: Vec<_> = pieces.map(|(start, piece)| start..start + piece.len()).collect();
        let joined = vec![false; ranges.len()];
        Self { text, ranges, joined }
    }

    /// Joins the pieces that a token overlaps.
    fn join(&mut self, token: &Token) {
        let over = self.overlapped(&token.range);
        if over.len() > 1 {
            self.joined[over.start + 1..over.end].fill(true);
        }
    }

    /// Returns the pieces that some bytes of the text overlap; if these are none, or spaces within a
    /// line, the piece that follows.
    fn overlapped(&self, bytes: &Range<usize>) -> Range<usize> {
        let first = self.ranges.partition_point(|piece| piece.end <= bytes.start);
        let end = self.ranges.partition_point(|piece| piece.start < bytes.end);
        if first < end {
            return first..end;
        }
        let line_break = |text: &str| text.contains(['\n', '\r', '\t']);
        let next = self.ranges.get(first).filter(|_| !line_break(&self.slice(bytes.clone())));
        match next {
            // Only spaces lie between.
            Some(piece) if is_space(&self.slice(bytes.end..piece.start)) => first..first + 1,
            _ => first..first,
        }
    }

    /// Returns the word that a token belongs to, without its tokens.
    fn word_of(&self, token: &Token) -> Word {
        let over = self.overlapped(&token.range);
        let range = if over.is_empty() {
            token.range.clone()
        } else {
            let before = self.joined[..=over.start].iter().rposition(|joined| !joined);
            let after = self.joined[over.end..].iter().position(|joined| !joined);
            let end = after.map_or(self.joined.len(), |after| over.end + after);
            self.ranges[before.unwrap_or(0)].start..self.ranges[end - 1].end
        };
        let text = self.slice(range.clone());
        let text = if range.is_empty() { token.text.clone() } else { text };
        Word { text, kind: TokenKind::Text, part: token.part, range, tokens: Vec::new() }
    }

    /// Returns the text of some bytes. A character that is cut is left out.
    fn slice(&self, bytes: Range<usize>) -> String {
        let bytes = bytes.start..bytes.end.min(self.text.len());
        let is_inside =
            |(at, c): &(usize, char)| bytes.start <= *at && at + c.len_utf8() <= bytes.end;
        if let Some(text) = self.text.get(bytes.clone()) {
            return text.to_owned();
        }
        self.text.char_indices().filter(is_inside).map(|(_, c)| c).collect()
    }
}

fn is_space(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, range: Range<usize>) -> Token {
        let (text, kind) = (text.to_owned(), TokenKind::Text);
        Token { id: 0, text, type_id: 0, kind, part: 0, range }
    }

    /// Returns the words that tokens make of a text, each with the positions of its tokens.
    fn joined(text: &str, ranges: &[Range<usize>]) -> Vec<(String, Vec<usize>)> {
        let tokens: Vec<Token> = ranges.iter().map(|range| token("?", range.clone())).collect();
        let words = words(&[text.to_owned()], &tokens);
        words.into_iter().map(|word| (word.text, word.tokens)).collect()
    }

    fn word(text: &str, tokens: &[usize]) -> (String, Vec<usize>) {
        (text.to_owned(), tokens.to_vec())
    }

    #[test]
    fn the_bytes_of_a_token_decide_whatever_its_spelling() {
        // WordPiece: play ##ing , don ' t
        let text = "playing, don't";
        let words = joined(text, &[0..4, 4..7, 7..8, 9..12, 12..13, 13..14]);
        assert_eq!(words, [word("playing", &[0, 1]), word(",", &[2]), word("don't", &[3, 4, 5])]);
        // Byte-level BPE, whose tokens hold the space before.
        let words = joined("very good", &[0..4, 4..9]);
        assert_eq!(words, [word("very", &[0]), word("good", &[1])]);
        // Two tokens that are parts of one character.
        assert_eq!(joined("a 😀", &[0..1, 2..6, 2..6]), [word("a", &[0]), word("😀", &[1, 2])]);
    }

    #[test]
    fn words_that_share_a_token_are_one() {
        let words = joined("New York is", &[0..3, 0..8, 9..11]);
        assert_eq!(words, [word("New York", &[0, 1]), word("is", &[2])]);
        // Chinese is cut at every character, and joined by the tokens.
        let words = joined("我们好", &[0..6, 6..9]);
        assert_eq!(words, [word("我们", &[0]), word("好", &[1])]);
        let chain = joined("a b c d", &[0..3, 2..5, 6..7]);
        assert_eq!(chain, [word("a b c", &[0, 1]), word("d", &[2])]);
    }

    #[test]
    fn a_space_belongs_to_the_word_behind_and_a_line_break_to_none() {
        // A lone "▁" in front, of no bytes or of the space.
        assert_eq!(joined("good", &[0..0, 0..4]), [word("good", &[0, 1])]);
        assert_eq!(joined("a  b", &[0..1, 1..2, 2..4]), [word("a", &[0]), word("b", &[1, 2])]);
        let lines = joined("a\nb", &[0..1, 1..2, 2..3]);
        assert_eq!(lines, [word("a", &[0]), word("\n", &[1]), word("b", &[2])]);
        // Nothing follows.
        assert_eq!(joined("a ", &[0..1, 1..2]), [word("a", &[0]), word(" ", &[1])]);
        let empty = std::slice::from_ref(&(0..0));
        assert_eq!(joined("", empty), [word("?", &[0])]);
    }

    #[test]
    fn tokens_beyond_the_text_or_within_a_character_do_not_panic() {
        assert_eq!(joined("é", &[0..1, 1..2, 0..9]), [word("é", &[0, 1, 2])]);
        assert_eq!(joined("a", std::slice::from_ref(&(5..9))).len(), 1);
    }

    #[test]
    fn special_tokens_stand_alone_and_padding_together() {
        let special = |kind, text: &str| Token { kind, ..token(text, 0..0) };
        let tokens = [
            special(TokenKind::Special, "[CLS]"),
            token("a", 0..1),
            special(TokenKind::Special, "[SEP]"),
            special(TokenKind::Special, "[SEP]"),
            special(TokenKind::Padding, "[PAD]"),
            special(TokenKind::Padding, "[PAD]"),
        ];
        let words = words(&["a".to_owned()], &tokens);
        let found: Vec<(&str, &[usize])> =
            words.iter().map(|word| (&word.text[..], &word.tokens[..])).collect();
        let expected: [(&str, &[usize]); 5] =
            [("[CLS]", &[0]), ("a", &[1]), ("[SEP]", &[2]), ("[SEP]", &[3]), ("[PAD]", &[4, 5])];
        assert_eq!(found, expected);
    }
}
