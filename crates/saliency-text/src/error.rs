use std::path::PathBuf;
use std::sync::Arc;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of another library, or of the system, behind an [`Error`].
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a text cannot be encoded or explained.
///
/// Errors with a cause return it as [`source`](std::error::Error::source).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    #[non_exhaustive]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        cause: Cause,
    },

    /// A file that holds no tokenizer, or one that cannot be used.
    #[error(
        "{source_name} is no tokenizer that can be used: {cause}. Give the file `tokenizer.json` of \
         the model; `AutoTokenizer.from_pretrained(..).save_pretrained(..)` in Python writes it"
    )]
    #[non_exhaustive]
    NoTokenizer {
        /// The file, or "the text" if it was read by the caller.
        source_name: String,
        /// The error of the reader.
        #[source]
        cause: Cause,
    },

    /// A token that the vocabulary does not have.
    #[error("the vocabulary has no token `{token}`: use the spelling of the file, such as `[PAD]`")]
    #[non_exhaustive]
    UnknownToken {
        /// The token.
        token: String,
    },

    /// A length of texts, in tokens, that is out of range.
    #[error(
        "expected a {option} from {least} to {most} tokens, found {found}: see \
         `Tokenizer::with_max_length` and `Tokenizer::with_padding`"
    )]
    #[non_exhaustive]
    Length {
        /// The option, in words.
        option: &'static str,
        /// The smallest length that is possible. Special tokens need room too.
        least: usize,
        /// The largest length that is possible.
        most: usize,
        /// The length.
        found: usize,
    },

    /// No texts.
    #[error("expected at least one text, found none")]
    NoTexts,

    /// A text without a single token.
    #[error("text {row} has no tokens: leave out empty texts")]
    #[non_exhaustive]
    NoTokens {
        /// The number of the text, from 0.
        row: usize,
    },

    /// Texts of different lengths, without a token to fill the shorter ones.
    #[error(
        "the texts have from {shortest} to {longest} tokens, and the tokenizer names no padding: \
         name a token with `Tokenizer::with_padding_token`, or encode the texts one by one"
    )]
    #[non_exhaustive]
    NoPadding {
        /// The length of the shortest text, in tokens.
        shortest: usize,
        /// The length to which it would be padded.
        longest: usize,
    },

    /// A text that the tokenizer cannot encode.
    #[error("text {row} cannot be encoded: {cause}")]
    #[non_exhaustive]
    Encode {
        /// The number of the text, from 0.
        row: usize,
        /// The error of the tokenizer.
        #[source]
        cause: Cause,
    },

    /// Attributions of other texts.
    #[error(
        "expected attributions of {rows} texts of {tokens} tokens, found the shape {found:?}: give \
         the attributions of the embeddings of these texts"
    )]
    #[non_exhaustive]
    Shape {
        /// The number of texts.
        rows: usize,
        /// The number of tokens of each text, padding included.
        tokens: usize,
        /// The shape of the attributions.
        found: [usize; 3],
    },

    /// Attributions that cannot be read back from their device.
    #[error(transparent)]
    Core(#[from] saliency_core::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn an_error_can_be_cloned_sent_and_asked_for_its_cause() {
        fn sendable<T: Clone + Send + Sync + 'static>(_: &T) {}
        let cause: Cause = Arc::new(std::io::Error::other("no disk"));
        let error = Error::Unreadable { path: "tokenizer.json".into(), cause };
        sendable(&error);
        assert_eq!(error.source().unwrap().to_string(), "no disk");
        assert_eq!(error.to_string(), "cannot read tokenizer.json: no disk");
        assert!(Error::NoTexts.source().is_none());
    }
}
