//! Sentences of a small grammar, and a network that decides whether the opinion in a sentence is
//! good.
//!
//! An example is "the old room was not very large and really nice". A sentence states two
//! properties. One of them is an opinion, and each may be negated. The grammar knows which words
//! decide: the opinion and the word that negates it.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Embedding, EmbeddingConfig, Initializer, Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::relu;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, Uniform};
use saliency_program::Result;

use crate::training::{Learns, Training, train};

const PADDING: &str = "";
const OTHERS: [&str; 2] = [PADDING, "the"];
const NOUNS: [&str; 8] = ["room", "food", "film", "hotel", "garden", "book", "song", "train"];
const VERBS: [&str; 6] = ["was", "is", "seemed", "looked", "felt", "became"];
const LINKS: [&str; 4] = ["and", "but", "yet", "while"];
const PLAIN: [&str; 8] = ["old", "large", "red", "wooden", "small", "new", "quiet", "long"];
const GOOD: [&str; 8] =
    ["good", "nice", "great", "lovely", "fine", "superb", "pleasant", "charming"];
const BAD: [&str; 8] = ["bad", "awful", "poor", "dreadful", "nasty", "dull", "horrid", "shabby"];
const STRENGTHS: [&str; 4] = ["very", "really", "rather", "quite"];
const NEGATIONS: [&str; 3] = ["not", "never", "hardly"];
/// All words, in the order of their tokens.
const WORDS: [&[&str]; 9] =
    [&OTHERS, &NOUNS, &VERBS, &LINKS, &PLAIN, &GOOD, &BAD, &STRENGTHS, &NEGATIONS];
/// The number of tokens in the longest sentence.
pub const LENGTH: usize = 11;

/// A word of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: &'static str,
    /// Whether the word is the opinion, or negates the opinion.
    pub decides: bool,
}

/// A sentence. It is known which of its words decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its words.
    pub words: Vec<Word>,
    /// 1 if the opinion is good.
    pub class: usize,
}

impl Sentence {
    /// Makes the sentence with the given number.
    pub fn new(number: u64) -> Self {
        let random = &mut ChaCha8Rng::seed_from_u64(number);
        let mut is_good = pick(random, &[true, false]);
        let opinions = if is_good { GOOD } else { BAD };
        // "The room was", "the old room was".
        let subject = ["the", pick(random, &NOUNS), pick(random, &VERBS)];
        let mut words = Vec::from(subject.map(|text| Word { text, decides: false }));
        if pick(random, &[true, false]) {
            words.insert(1, Word { text: pick(random, &PLAIN), decides: false });
        }
        // The opinion and another property, in either order. Each may be negated or strengthened.
        let opinion_first = pick(random, &[true, false]);
        for is_opinion in [opinion_first, !opinion_first] {
            if pick(random, &[true, false]) {
                words.push(Word { text: pick(random, &NEGATIONS), decides: is_opinion });
                is_good ^= is_opinion;
            }
            if pick(random, &[true, false]) {
                words.push(Word { text: pick(random, &STRENGTHS), decides: false });
            }
            let adjectives = if is_opinion { opinions } else { PLAIN };
            words.push(Word { text: pick(random, &adjectives), decides: is_opinion });
            words.push(Word { text: pick(random, &LINKS), decides: false });
        }
        words.pop();
        Self { words, class: usize::from(is_good) }
    }

    /// Returns the share of words that decide. A word that is picked at random decides this often.
    pub fn chance(&self) -> f64 {
        let deciding = self.words.iter().filter(|word| word.decides).count();
        deciding as f64 / self.words.len() as f64
    }
}

/// Sentences for training and for testing.
#[derive(Clone, Debug)]
pub struct Sentences {
    /// The sentences for training.
    pub seen: Vec<Sentence>,
    /// The sentences for testing.
    pub unseen: Vec<Sentence>,
}

impl Sentences {
    /// Makes 2,000 sentences for training and 300 for testing.
    pub fn new() -> Self {
        let seen: Vec<Sentence> = (0..2000).map(Sentence::new).collect();
        let unseen = (100_000..).map(Sentence::new).filter(|sentence| !seen.contains(sentence));
        let unseen = unseen.take(300).collect();
        Self { seen, unseen }
    }
}

impl Default for Sentences {
    fn default() -> Self {
        Self::new()
    }
}

/// Sentences with their classes.
pub fn labelled(sentences: &[Sentence]) -> Vec<(Sentence, usize)> {
    sentences.iter().map(|it| (it.clone(), it.class)).collect()
}

fn pick<T: Copy>(random: &mut ChaCha8Rng, choices: &[T]) -> T {
    choices[Uniform::new(0, choices.len()).expect("at least one").sample(random)]
}

/// Makes tokens `[rows, LENGTH]`, padding short sentences.
pub fn tokens(sentences: Vec<Sentence>, device: &Device) -> Tensor<2, Int> {
    let (known, shape) = (WORDS.concat(), [sentences.len(), LENGTH]);
    let token = |word: &str| known.iter().position(|known| *known == word).unwrap_or(0) as i64;
    let padded = |sentence: Sentence| {
        let words = sentence.words.into_iter().map(|word| word.text);
        words.chain(std::iter::repeat(PADDING)).take(LENGTH)
    };
    let values: Vec<i64> = sentences.into_iter().flat_map(padded).map(token).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Returns which tokens are padding.
pub fn padding(tokens: &Tensor<2, Int>) -> Tensor<2, Bool> {
    tokens.clone().equal_elem(0)
}

/// A network that looks at five words at a time. It knows nothing of explanations: it takes ids, and
/// its fields are private.
#[derive(Module, Debug)]
pub struct Net {
    embedding: Embedding,
    convolution: Conv1d,
    output: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        // Begin with small embeddings, so that words that do not matter stay near zero. Zero is the
        // baseline of the explanations.
        let small = Initializer::Normal { mean: 0.0, std: 0.1 };
        let embedding = EmbeddingConfig::new(WORDS.concat().len(), 16).with_initializer(small);
        let same = PaddingConfig1d::Same;
        Self {
            embedding: embedding.init(device),
            convolution: Conv1dConfig::new(16, 16, 5).with_padding(same).init(device),
            output: LinearConfig::new(16, 2).init(device),
        }
    }

    /// Trains a network.
    ///
    /// # Errors
    /// An error if training fails.
    pub fn trained(sentences: &[Sentence], device: &Device) -> Result<Self> {
        let training = Training { epochs: 12, rate: 5e-3, batch: 32 };
        train(Self::new(device), &labelled(sentences), tokens, training)
    }

    /// Returns scores for bad and good: for each, the largest score of any five neighbouring words.
    pub fn infer(&self, tokens: Tensor<2, Int>, padding: Tensor<2, Bool>) -> Tensor<2> {
        let words = self.embedding.forward(tokens);
        let padding = padding.unsqueeze_dim::<3>(2).expand(words.dims());
        let words = words.mask_fill(padding, 0.0).swap_dims(1, 2);
        let features = relu(self.convolution.forward(words));
        self.output.forward(features.max_dim(2).squeeze_dim(2))
    }
}

impl Learns for Net {
    type Input = Tensor<2, Int>;

    fn scores(&self, tokens: Self::Input) -> Tensor<2> {
        let padding = padding(&tokens);
        self.infer(tokens, padding)
    }
}
