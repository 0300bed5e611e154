use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use tokenizers::{
    Encoding, PaddingDirection, PaddingParams, PaddingStrategy, PostProcessor as _,
    TruncationParams,
};

use crate::error::{Cause, Error, Result};
use crate::texts::{EncodedText, Texts};
use crate::token::{Token, TokenKind};

/// The longest text, in tokens. A file could ask for any length.
const LONGEST: usize = 1 << 20;

/// Splits texts into the tokens of a model, as its `tokenizer.json` says.
///
/// It reads the files of Hugging Face's library `tokenizers`, with that library: WordPiece (BERT),
/// byte-level BPE (GPT-2, RoBERTa), Unigram and SentencePiece (T5, XLM-R, Llama).
///
/// # Defaults
/// Those of the file: the truncation, the padding, and the special tokens around a text. If the file
/// does not say how texts are padded, they are padded to the longest of a batch, by the token
/// `[PAD]`, `<pad>` or `<|pad|>`.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
/// use burn::tensor::{Bool, Device, Int, Tensor};
/// use saliency_core::{Explainer, Fixed, IntegratedGradients, Method, embeddings};
/// use saliency_text::Tokenizer;
///
/// /// A network that somebody else published.
/// #[derive(Module, Debug)]
/// struct Classifier {
///     words: Embedding,
///     output: Linear,
/// }
///
/// impl Classifier {
///     fn infer(&self, ids: Tensor<2, Int>, padding: Tensor<2, Bool>) -> Tensor<2> {
///         let words = self.words.forward(ids).tanh();
///         let padding = padding.unsqueeze_dim::<3>(2).expand(words.dims());
///         self.output.forward(words.mask_fill(padding, 0.0).sum_dim(1).squeeze_dim(1))
///     }
/// }
///
/// let device = Device::flex();
/// device.seed(1);
/// let words = EmbeddingConfig::new(40, 8).init(&device);
/// let net = Classifier { words, output: LinearConfig::new(8, 2).init(&device) };
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/wordpiece.json");
/// // let file = "model/tokenizer.json";
/// let tokenizer = Tokenizer::open(file)?;
///
/// let texts = tokenizer.encode(&["The room was not unbearable.", "Good"])?;
/// let padding = Fixed(texts.padding(&device));
/// let words = embeddings(&net, "words.weight", texts.ids(&device))?;
/// let model = words.model_with(&padding, |net, ids, padding| net.infer(ids, padding.0))?;
/// let map = IntegratedGradients::new().attribute(&model, (words.values(), padding))?;
///
/// let reduction = Method::IntegratedGradients.token_reduction();
/// for text in texts.explained(&map.values.0, reduction)? {
///     for word in text.words() {
///         println!("{:>12} {:+.3}", word.word.text, word.value);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokenizer {
    /// Without padding, which needs the whole batch.
    inner: tokenizers::Tokenizer,
    padding: Padding,
    filler: Option<Filler>,
    side: PaddingDirection,
    multiple: usize,
}

/// The length to which texts are padded, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Padding {
    /// As long as the longest text of the batch.
    Longest,
    /// This length. Longer texts are not shortened: see [`Tokenizer::with_max_length`].
    To(usize),
}

/// The token that fills short texts.
#[derive(Clone, Debug)]
struct Filler {
    id: u32,
    type_id: u32,
    text: String,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and [`Error::NoTokenizer`] if the file holds something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path)
            .map_err(|cause| Error::Unreadable { path: path.to_owned(), cause: Arc::new(cause) })?;
        Self::read(&bytes, path.display().to_string())
    }

    /// Reads the contents of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::NoTokenizer`].
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self> {
        Self::read(json.as_ref(), "the text".to_owned())
    }

    fn read(bytes: &[u8], source_name: String) -> Result<Self> {
        let read = guarded(|| tokenizers::Tokenizer::from_bytes(bytes));
        let mut inner = read.map_err(|cause| Error::NoTokenizer { source_name, cause })?;
        // Parts of a long text that overlap are not needed, and an overlap as long as the text is a
        // panic.
        if let Some(truncation) = inner.get_truncation_mut() {
            truncation.stride = 0;
        }
        let padding = inner.get_padding().cloned();
        inner.with_padding(None);
        let filler = match &padding {
            Some(params) => Some(Filler {
                id: params.pad_id,
                type_id: params.pad_type_id,
                text: params.pad_token.clone(),
            }),
            None => {
                ["[PAD]", "<pad>", "<|pad|>"].iter().find_map(|name| Filler::find(&inner, name))
            }
        };
        let params = padding.unwrap_or_default();
        let padding = match params.strategy {
            PaddingStrategy::BatchLongest => Padding::Longest,
            PaddingStrategy::Fixed(length) => Padding::To(length),
        };
        let PaddingParams { direction: side, pad_to_multiple_of, .. } = params;
        let multiple = pad_to_multiple_of.unwrap_or(1).max(1);
        Ok(Self { inner, padding, filler, side, multiple })
    }

    /// Shortens texts to at most this number of tokens, special tokens included.
    #[must_use]
    pub fn with_max_length(mut self, tokens: usize) -> Self {
        if self.inner.get_truncation().is_none() {
            // This refuses overlaps, of which there are none, and panics for a short length.
            let any = TruncationParams { max_length: LONGEST, ..TruncationParams::default() };
            let set = self.inner.with_truncation(Some(any));
            set.expect("no overlap");
        }
        if let Some(truncation) = self.inner.get_truncation_mut() {
            truncation.max_length = tokens;
        }
        self
    }

    /// Sets the length to which texts are padded.
    #[must_use]
    pub fn with_padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self.multiple = 1;
        self
    }

    /// Names the token that fills short texts, such as `<|endoftext|>` for GPT-2. The padding mask
    /// hides it from the network, so that any token serves.
    ///
    /// # Errors
    /// [`Error::UnknownToken`].
    pub fn with_padding_token(mut self, token: &str) -> Result<Self> {
        let filler = Filler::find(&self.inner, token);
        self.filler = Some(filler.ok_or_else(|| Error::UnknownToken { token: token.to_owned() })?);
        Ok(self)
    }

    /// Returns the number of a token in the vocabulary; `None` if there is no such token.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Encodes texts, one row each.
    ///
    /// # Errors
    /// [`Error::NoTexts`], [`Error::NoTokens`], [`Error::NoPadding`], [`Error::Length`] and
    /// [`Error::Encode`].
    pub fn encode<T: AsRef<str>>(&self, texts: &[T]) -> Result<Texts> {
        self.encode_all(texts.iter().map(|text| vec![text.as_ref()]))
    }

    /// Encodes pairs of texts, such as a question and a paragraph, one row each.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode).
    pub fn encode_pairs<T: AsRef<str>, U: AsRef<str>>(&self, pairs: &[(T, U)]) -> Result<Texts> {
        self.encode_all(pairs.iter().map(|(a, b)| vec![a.as_ref(), b.as_ref()]))
    }

    fn encode_all<'a>(&self, rows: impl Iterator<Item = Vec<&'a str>>) -> Result<Texts> {
        let mut texts = Vec::new();
        for (row, parts) in rows.enumerate() {
            let text = self.encode_row(row, &parts)?;
            if text.tokens().is_empty() {
                return Err(Error::NoTokens { row });
            }
            texts.push(text);
        }
        let lengths = || texts.iter().map(|text| text.tokens().len());
        let (Some(shortest), Some(longest)) = (lengths().min(), lengths().max()) else {
            return Err(Error::NoTexts);
        };
        let length = self.padded_length(longest)?;
        if shortest < length {
            let Some(filler) = &self.filler else {
                return Err(Error::NoPadding { shortest, longest: length });
            };
            let left = matches!(self.side, PaddingDirection::Left);
            texts.iter_mut().for_each(|text| text.pad(length, &filler.token(), left));
        }
        Ok(Texts::new(texts, length))
    }

    /// Returns the length to which texts are padded, of which the longest has `longest` tokens.
    fn padded_length(&self, longest: usize) -> Result<usize> {
        let length = match self.padding {
            Padding::Longest => longest,
            Padding::To(length) => length.max(longest),
        };
        let rounded = length.checked_next_multiple_of(self.multiple).unwrap_or(usize::MAX);
        if rounded > LONGEST {
            let (option, least, most) = ("padded length", 1, LONGEST);
            return Err(Error::Length { option, least, most, found: rounded });
        }
        Ok(rounded)
    }

    /// Encodes a text or a pair of texts, without padding.
    fn encode_row(&self, row: usize, parts: &[&str]) -> Result<EncodedText> {
        let is_pair = parts.len() == 2;
        let special = self.inner.get_post_processor().map_or(0, |it| it.added_tokens(is_pair));
        let most = self.inner.get_truncation().map(|truncation| truncation.max_length);
        if let Some(found) = most.filter(|most| *most <= special) {
            // Otherwise the library panics.
            let (option, least, most) = ("largest length", special + 1, LONGEST);
            return Err(Error::Length { option, least, most, found });
        }
        let encode = || match parts {
            [first, second] => self.inner.encode((*first, *second), true),
            _ => self.inner.encode(parts[0], true),
        };
        let encoding = guarded(encode).map_err(|cause| Error::Encode { row, cause })?;
        let is_cut = !encoding.get_overflowing().is_empty();
        Ok(EncodedText::new(parts, tokens(&encoding), is_cut))
    }
}

impl Filler {
    fn find(tokenizer: &tokenizers::Tokenizer, name: &str) -> Option<Self> {
        let id = tokenizer.token_to_id(name)?;
        Some(Self { id, type_id: 0, text: name.to_owned() })
    }

    fn token(&self) -> Token {
        let Self { id, type_id, text } = self.clone();
        Token { id, text, type_id, kind: TokenKind::Padding, part: 0, range: 0..0 }
    }
}

/// Returns the tokens of an encoding.
fn tokens(encoding: &Encoding) -> Vec<Token> {
    let parts = encoding.get_sequence_ids();
    let token = |at: usize| {
        let special = encoding.get_special_tokens_mask()[at] == 1;
        let (start, end) = encoding.get_offsets()[at];
        Token {
            id: encoding.get_ids()[at],
            text: encoding.get_tokens()[at].clone(),
            type_id: encoding.get_type_ids()[at],
            kind: if special { TokenKind::Special } else { TokenKind::Text },
            part: parts[at].unwrap_or(0),
            range: if special { 0..0 } else { start..end.max(start) },
        }
    };
    (0..encoding.len()).map(token).collect()
}

/// Runs code of the library `tokenizers`, and makes an error of a panic in it.
fn guarded<T>(run: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, Cause> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(Cause::from),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let text = text.unwrap_or("unknown").to_owned();
            Err(Arc::new(std::io::Error::other(format!("the tokenizer panicked: {text}"))))
        }
    }
}
