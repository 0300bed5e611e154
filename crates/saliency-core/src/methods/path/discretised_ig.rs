//! Discretised Integrated Gradients: a path over neighbouring words.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result, check_count};
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::baseline::Baseline;
use crate::input::batch::{Batch, to_host};
use crate::methods::path::along_path::AlongPath;
use crate::methods::path::laid::{FromBaseline, Laid, Path};
use crate::path::polyline::Polyline;

/// Integrated Gradients along a path of words: from the baseline to each token over the neighbours
/// of words in the vocabulary, so that the model is asked about embeddings near to real ones.
///
/// ```text
/// A(x)  =  Σ  ∫ ∂f/∂x (γ(α)) · γ'(α) dα,     γ: straight from word to word, each value monotonic
///          k
/// ```
///
/// From a token's embedding the path goes to the neighbour that lies best between it and the
/// baseline, and so on. Values of the neighbour that do not lie between are replaced: they move
/// `1/words` of the way to the baseline. The last step leads to the baseline itself. All tokens of a
/// row move together. As the published method has it, this last step is usually by far the longest.
///
/// The values sum to `f(x) - f(x')` (completeness), and fixed points, tolerance and error estimate
/// are those of [`IntegratedGradients`](crate::IntegratedGradients) along this path. The published
/// sum takes one gradient at each word: that is [`Rule::Left`](crate::Rule::Left) with `words - 1`
/// steps. It misses much of the last step.
///
/// # Shapes and units
/// Input and values are embeddings `[rows, tokens, width]`, as
/// [`embeddings`](crate::embeddings) gives them; score, signed.
///
/// # Parameters and defaults
/// - vocabulary: the embedding matrix, `[words, width]`
/// - words on the path of a token, its ends included: 30 ([`Discretised::with_words`])
/// - neighbours of a word that are looked at: 50 ([`Discretised::with_neighbours`])
/// - choice among them: [`NextWord::Nearest`]
/// - special tokens, which stay until the last step: none
/// - baseline: zeros. Use the embedding of a padding or mask token.
/// - all others as in [`IntegratedGradients`](crate::IntegratedGradients)
///
/// # Cost
/// As [`IntegratedGradients`](crate::IntegratedGradients). The neighbours of each word on the way are
/// searched once in the whole vocabulary, on the host, for up to 28 words for each token.
///
/// # Errors
/// Those of [`IntegratedGradients`](crate::IntegratedGradients); [`Error::InvalidOption`] if the
/// input is not one tensor of three axes, has another width than the vocabulary, or has a token that
/// is not a row of the vocabulary.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::{Discretised, DiscretisedIg};
/// use saliency_core::{Baseline, Explainer, pure_function};
///
/// let device = Device::flex();
/// let vocabulary = Tensor::<2>::from_data(
///     [[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [3.0, 3.0], [4.0, 4.0]],
///     &device,
/// );
/// let model = pure_function(|x: Tensor<3>| x.powi_scalar(2).sum_dim(2).sum_dim(1).squeeze_dim(2));
/// let words = Discretised::new(vocabulary)?.with_words(5).with_neighbours(3);
/// let sentence = Tensor::<3>::from_data([[[4.0, 4.0], [1.0, 2.0]]], &device);
/// let map = DiscretisedIg::of(words).attribute(&model, sentence)?;
/// assert!(map.completeness_gap.unwrap()[0].abs() < 0.1);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Sanyal and Ren, *Discretized Integrated Gradients for Explaining Language Models*, 2021,
/// <https://arxiv.org/abs/2108.13654>. With [`Rule::Left`](crate::Rule::Left), the values are those of
/// inseq 0.7.1.
pub type DiscretisedIg = AlongPath<Discretised>;

/// The way in which the next word of a path is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NextWord {
    /// The word that is changed least when its values are put between word and baseline (`greedy` in
    /// the paper).
    #[default]
    Nearest,
    /// The word that has most values between word and baseline (`maxcount`).
    MostBetween,
}

/// Paths over the words of a vocabulary: the path of [`DiscretisedIg`].
#[derive(Clone)]
pub struct Discretised {
    vocabulary: Arc<Vocabulary>,
    baseline: Baseline,
    words: usize,
    neighbours: usize,
    next: NextWord,
    special: Vec<usize>,
}

/// The most words on a path, and the most neighbours.
const MOST: usize = 10_000;

impl Discretised {
    /// Reads the vocabulary: the embedding matrix, `[words, width]`.
    ///
    /// # Errors
    /// [`Error::Device`] if it cannot be read back; [`Error::InvalidOption`] if it has no values.
    pub fn new(vocabulary: Tensor<2>) -> Result<Self> {
        Ok(Self {
            vocabulary: Arc::new(Vocabulary::new(vocabulary)?),
            baseline: Baseline::zeros(),
            words: 30,
            neighbours: 50,
            next: NextWord::default(),
            special: Vec::new(),
        })
    }

    /// Sets the number of words on the path of a token, its ends included: 2 or more. With 2 the path
    /// is straight.
    pub fn with_words(mut self, words: usize) -> Self {
        self.words = words;
        self
    }

    /// Sets the number of neighbours of a word among which the next one is chosen.
    pub fn with_neighbours(mut self, neighbours: usize) -> Self {
        self.neighbours = neighbours;
        self
    }

    /// Sets the way in which the next word is chosen.
    pub fn with_next_word(mut self, next: NextWord) -> Self {
        self.next = next;
        self
    }

    /// Sets the tokens that stay until the last step, such as those at the start and the end of a
    /// sentence: their rows in the vocabulary.
    pub fn with_special_tokens(mut self, tokens: impl Into<Vec<usize>>) -> Self {
        self.special = tokens.into();
        self
    }

    /// Returns the corners of the path of a token, from the baseline to the token.
    fn corners(&self, walk: &Walk) -> Vec<Vec<f64>> {
        let Walk { word, embedded, baseline, .. } = walk;
        let stays = self.special.contains(word);
        let mut corners = vec![embedded.clone()];
        let (mut at, mut seen) = (Some(*word), vec![*word]);
        for _ in 2..self.words {
            if !stays {
                at = at.and_then(|word| self.next(word, walk, &seen));
                seen.extend(at);
            }
            let anchor = at.map_or(&baseline[..], |word| self.vocabulary.row(word));
            let last = &corners[corners.len() - 1];
            let next = between(anchor, baseline, last, self.words);
            corners.push(next);
        }
        corners.push(baseline.clone());
        corners.reverse();
        corners
    }

    /// Returns the next word on a path; `None` for the baseline, if no neighbour is left.
    fn next(&self, word: usize, walk: &Walk, seen: &[usize]) -> Option<usize> {
        let from = self.vocabulary.row(word);
        let price = |anchor: &[f64]| match self.next {
            NextWord::Nearest => {
                let moved = between(anchor, &walk.baseline, from, self.words);
                distance(anchor, &moved)
            }
            NextWord::MostBetween => {
                let values = anchor.iter().zip(&walk.baseline).zip(from);
                values.filter(|((anchor, end), from)| !is_between(**anchor, **end, **from)).count()
                    as f64
            }
        };
        let neighbours = self.vocabulary.neighbours(word, self.neighbours);
        let left = neighbours
            .iter()
            .copied()
            .filter(|neighbour| !seen.contains(neighbour) && Some(*neighbour) != walk.end);
        // If two words cost the same, the nearer one comes first.
        let priced = left.map(|neighbour| (price(self.vocabulary.row(neighbour)), neighbour));
        let cheapest = priced.min_by(|a, b| a.0.total_cmp(&b.0));
        cheapest.map(|(_, neighbour)| neighbour)
    }
}

/// The way of one token to its baseline.
struct Walk {
    /// The token's row in the vocabulary.
    word: usize,
    embedded: Vec<f64>,
    baseline: Vec<f64>,
    /// The baseline's row in the vocabulary, if it is there.
    end: Option<usize>,
    /// The corners of its path, once they are found.
    corners: Vec<Vec<f64>>,
}

/// Returns whether a value lies between two others, ends included.
fn is_between(anchor: f64, end: f64, from: f64) -> bool {
    from.min(end) <= anchor && anchor <= from.max(end)
}

/// Returns the anchor, with the values that do not lie between `from` and `end` replaced: they make
/// `1/words` of the way from `from`.
fn between(anchor: &[f64], end: &[f64], from: &[f64], words: usize) -> Vec<f64> {
    let values = anchor.iter().zip(end).zip(from);
    let value = |((&anchor, &end), &from): ((&f64, &f64), &f64)| {
        if is_between(anchor, end, from) { anchor } else { from - (from - end) / words as f64 }
    };
    values.map(value).collect()
}

/// Returns the Euclidean distance between two embeddings.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

impl Path for Discretised {
    fn lay<'a>(&self, question: &'a Question, _: &Scored, schedule: &Schedule) -> Result<Laid<'a>> {
        let Question { input, rows, .. } = question;
        let baseline = self.baseline.like(input, rows)?;
        let width = self.vocabulary.width;
        let part = self.text_of(input)?;
        let sentences = to_host(input.parts()[part].clone())?;
        let starts = to_host(baseline.parts()[part].clone())?;
        let tokens = sentences.len() / input.rows() / width;
        let walks = sentences.chunks(width).zip(starts.chunks(width)).enumerate();
        let mut walks: Vec<Walk> = walks
            .map(|(at, (embedded, baseline))| {
                let word = self.vocabulary.find(embedded).ok_or_else(|| {
                    let found =
                        format!("another vector at token {} of row {}", at % tokens, at / tokens);
                    Error::invalid_option("input", "of rows of the vocabulary", found)
                })?;
                let (embedded, end) = (embedded.to_vec(), self.vocabulary.find(baseline));
                Ok(Walk { word, embedded, baseline: baseline.to_vec(), end, corners: Vec::new() })
            })
            .collect::<Result<_>>()?;
        // Tokens are searched for on the workers; only gradients are counted as progress.
        let schedule = schedule.silent();
        let work = Work::start(&schedule, input, 0)?;
        work.for_each(&mut walks, 1, || (), |walk, ()| walk.corners = self.corners(walk))?;
        // The ends are exact; between them are values from the host.
        let mut corners = vec![baseline];
        for corner in 1..self.words - 1 {
            let values: Vec<f64> =
                walks.iter().flat_map(|walk| walk.corners[corner].clone()).collect();
            let like = &input.parts()[part];
            let data = TensorData::new(values, like.dims());
            let between = Tensor::from_data(data, (&like.device(), like.dtype()));
            let mut at = 0;
            corners.push(input.map(|own| {
                at += 1;
                if at - 1 == part { between.clone() } else { own }
            }));
        }
        corners.push(input.clone());
        Ok(Laid::new(Polyline { first: 0, corners }))
    }

    fn check(&self) -> Result<()> {
        if !(2..=MOST).contains(&self.words) {
            let expected = format!("from 2 to {MOST}");
            return Err(Error::invalid_option("words", expected, self.words));
        }
        check_count("neighbours", self.neighbours, MOST)?;
        let count = self.vocabulary.words();
        match self.special.iter().find(|token| **token >= count) {
            Some(token) => {
                let expected = format!("rows of the vocabulary, below {count}");
                Err(Error::invalid_option("special tokens", expected, token))
            }
            None => Ok(()),
        }
    }
}

impl Discretised {
    /// Returns the tensor of the input that holds the text: the only one that is explained.
    fn text_of(&self, input: &Batch) -> Result<usize> {
        let (shapes, width) = (input.shapes(), self.vocabulary.width);
        let free: Vec<usize> = (0..shapes.len()).filter(|&part| !input.fixed()[part]).collect();
        match free[..] {
            [part] if shapes[part].len() == 3 && shapes[part][2] == width => Ok(part),
            _ => {
                let expected = format!("one tensor [rows, tokens, {width}] to explain");
                Err(Error::invalid_option("input", expected, format!("{shapes:?}")))
            }
        }
    }
}

impl FromBaseline for Discretised {
    fn set_baseline(&mut self, baseline: Baseline) {
        self.baseline = baseline;
    }
}

impl std::fmt::Debug for Discretised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discretised")
            .field("vocabulary", &[self.vocabulary.words(), self.vocabulary.width])
            .field("baseline", &self.baseline)
            .field("words", &self.words)
            .field("neighbours", &self.neighbours)
            .field("next", &self.next)
            .field("special", &self.special)
            .finish()
    }
}

/// The nearest words of a word, for a word and a number of neighbours.
type Neighbours = HashMap<(usize, usize), Arc<Vec<usize>>>;

/// The words of a vocabulary, on the host.
struct Vocabulary {
    values: Vec<f64>,
    width: usize,
    /// The rows with the same bits in single precision, by these bits' hash.
    rows: HashMap<u64, Vec<usize>>,
    /// The neighbours of words that have been looked for.
    found: Mutex<Neighbours>,
}

impl Vocabulary {
    fn new(vocabulary: Tensor<2>) -> Result<Self> {
        let [words, width] = vocabulary.dims();
        if words * width == 0 {
            let found = format!("{:?}", [words, width]);
            return Err(Error::invalid_option("vocabulary", "with words and values", found));
        }
        let values = to_host(vocabulary.inner())?;
        let mut rows: HashMap<u64, Vec<usize>> = HashMap::new();
        for (word, row) in values.chunks(width).enumerate() {
            rows.entry(bits(row)).or_default().push(word);
        }
        Ok(Self { values, width, rows, found: Mutex::default() })
    }

    fn words(&self) -> usize {
        self.values.len() / self.width
    }

    fn row(&self, word: usize) -> &[f64] {
        &self.values[word * self.width..(word + 1) * self.width]
    }

    /// Returns the first word with this embedding.
    fn find(&self, embedded: &[f64]) -> Option<usize> {
        let same = |word: &usize| {
            let pairs = self.row(*word).iter().zip(embedded);
            pairs.into_iter().all(|(a, b)| *a as f32 == *b as f32)
        };
        self.rows.get(&bits(embedded))?.iter().copied().find(same)
    }

    /// Returns the nearest words of a word, nearest first, without the word itself.
    fn neighbours(&self, word: usize, count: usize) -> Arc<Vec<usize>> {
        let key = (word, count);
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&key) {
            return Arc::clone(found);
        }
        drop(known);
        let from = self.row(word);
        let others = (0..self.words()).filter(|other| *other != word);
        let mut near: Vec<(f64, usize)> =
            others.map(|other| (distance(from, self.row(other)), other)).collect();
        let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if count < near.len() {
            near.select_nth_unstable_by(count, order);
            near.truncate(count);
        }
        near.sort_by(order);
        let near = Arc::new(near.into_iter().map(|(_, word)| word).collect());
        let mut known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(key).or_insert(near))
    }
}

/// Returns a hash of an embedding's bits in single precision (FNV-1a, by words).
fn bits(embedded: &[f64]) -> u64 {
    // Zeros of both signs are equal.
    let bits = embedded.iter().map(|value| u64::from((*value as f32 + 0.0).to_bits()));
    bits.fold(0xcbf2_9ce4_8422_2325, |hash, bits| (hash ^ bits).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn words() -> Discretised {
        let rows = [[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [3.0, 3.0], [4.0, 4.0], [9.0, -1.0]];
        Discretised::new(Tensor::from_data(rows, &Device::flex())).unwrap()
    }

    /// Returns a walk from the fifth word to the first.
    fn walk_from_four() -> Walk {
        let (embedded, baseline) = (vec![4.0, 4.0], vec![0.0, 0.0]);
        Walk { word: 4, embedded, baseline, end: Some(0), corners: Vec::new() }
    }

    #[test]
    fn a_path_goes_over_neighbours_and_every_value_is_monotonic() {
        let walk = walk_from_four();
        let corners = words().with_words(5).with_neighbours(3).corners(&walk);
        assert_eq!(corners[0], [0.0, 0.0]);
        assert_eq!(corners[3..], [[3.0, 3.0], [4.0, 4.0]]);
        // From (3, 3) both (1, 2) and (2, 1) lie between; the first of equal ones is taken, and
        // after it nothing lies between but the other one's second value.
        assert_eq!(corners[2], [1.0, 2.0]);
        assert_eq!(corners[1], [1.0 - 1.0 / 5.0, 1.0]);
    }

    #[test]
    fn a_special_token_stays_until_the_last_step() {
        let walk = walk_from_four();
        let corners = words().with_words(4).with_special_tokens([4]).corners(&walk);
        assert_eq!(corners, [[0.0, 0.0], [4.0, 4.0], [4.0, 4.0], [4.0, 4.0]]);
    }

    #[test]
    fn words_are_found_by_their_embedding() {
        let words = words();
        assert_eq!(words.vocabulary.find(&[3.0, 3.0]), Some(3));
        assert_eq!(words.vocabulary.find(&[-0.0, 0.0]), Some(0));
        assert_eq!(words.vocabulary.find(&[3.0, 3.1]), None);
        assert_eq!(*words.vocabulary.neighbours(4, 2), [3, 1]);
        assert_eq!(words.vocabulary.neighbours(4, 50).len(), 5);
    }

    #[test]
    fn options_outside_their_range_are_refused() {
        for (wrong, option) in [
            (words().with_words(1), "words"),
            (words().with_neighbours(0), "neighbours"),
            (words().with_special_tokens([6]), "special tokens"),
        ] {
            let error = wrong.check().unwrap_err();
            assert!(matches!(&error, Error::InvalidOption { option: of, .. } if *of == option));
        }
    }
}
