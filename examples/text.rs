//! Which words decided? A sentence classifier, explained token by token from its embeddings.
//!
//! ```text
//! cargo run --example text
//! ```
//!
//! The sentences follow a small grammar, "the old room was not very large and really nice": two things
//! are said, one of them is an opinion, and each may be negated. The network learns to tell whether the
//! opinion is good. As the grammar knows which words decide that (the opinion and what negates it, not
//! a negation elsewhere), every method can be scored on it. Gradient and SmoothGrad answer another
//! question: which words would change the score if they changed a little?

use std::path::PathBuf;
use std::process::ExitCode;

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Embedding, EmbeddingConfig, Initializer, Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::relu;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use clap::Parser;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, Uniform};
use saliency::viz::{Tokens, write_file};
use saliency::{
    Explainer, Fixed, Gradient, InputTimesGradient, IntegratedGradients, Model, SmoothGrad, Target,
};
use saliency_examples::ended;
use saliency_examples::training::{Learns, Training, accuracy, train};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

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
/// Tokens in the longest sentence.
const LENGTH: usize = 11;

#[derive(Clone, Debug, PartialEq)]
struct Sentence {
    /// Each with whether it decides.
    words: Vec<(&'static str, bool)>,
    /// 1 where the opinion is good.
    class: usize,
}

impl Sentence {
    /// The sentence of a number.
    fn new(number: u64) -> Self {
        let random = &mut ChaCha8Rng::seed_from_u64(number);
        let mut is_good = pick(random, &[true, false]);
        let opinions = if is_good { GOOD } else { BAD };
        let subject =
            [("the", false), (pick(random, &NOUNS), false), (pick(random, &VERBS), false)];
        let mut words = Vec::from(subject);
        if pick(random, &[true, false]) {
            words.insert(1, (pick(random, &PLAIN), false));
        }
        let opinion_first = pick(random, &[true, false]);
        for is_opinion in [opinion_first, !opinion_first] {
            if pick(random, &[true, false]) {
                words.push((pick(random, &NEGATIONS), is_opinion));
                is_good ^= is_opinion;
            }
            if pick(random, &[true, false]) {
                words.push((pick(random, &STRENGTHS), false));
            }
            let adjectives = if is_opinion { opinions } else { PLAIN };
            words.extend([(pick(random, &adjectives), is_opinion), (pick(random, &LINKS), false)]);
        }
        words.pop();
        Self { words, class: usize::from(is_good) }
    }

    /// How many words decide.
    fn deciding(&self) -> usize {
        self.words.iter().filter(|(_, decides)| *decides).count()
    }
}

fn pick<T: Copy>(random: &mut ChaCha8Rng, choices: &[T]) -> T {
    choices[Uniform::new(0, choices.len()).expect("at least one").sample(random)]
}

/// Tokens `[rows, LENGTH]`, short sentences padded.
fn tokens(sentences: Vec<Sentence>, device: &Device) -> Tensor<2, Int> {
    let (known, shape) = (WORDS.concat(), [sentences.len(), LENGTH]);
    let token = |word: &str| known.iter().position(|known| *known == word).unwrap_or(0) as i64;
    let padded = |sentence: Sentence| {
        let words = sentence.words.into_iter().map(|(word, _)| word);
        words.chain(std::iter::repeat(PADDING)).take(LENGTH)
    };
    let values: Vec<i64> = sentences.into_iter().flat_map(padded).map(token).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Embeddings `[rows, tokens, values]`, and which tokens are padding: handed on, not explained.
type Embedded = (Tensor<3>, Fixed<Tensor<2, Bool>>);

#[derive(Module, Debug)]
struct Net {
    embedding: Embedding,
    convolution: Conv1d,
    output: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        // Small, so that words that do not matter stay near zero, from which words are explained.
        let small = Initializer::Normal { mean: 0.0, std: 0.1 };
        let embedding = EmbeddingConfig::new(WORDS.concat().len(), 16).with_initializer(small);
        let same = PaddingConfig1d::Same;
        Self {
            embedding: embedding.init(device),
            convolution: Conv1dConfig::new(16, 16, 5).with_padding(same).init(device),
            output: LinearConfig::new(16, 2).init(device),
        }
    }

    fn embedded(&self, tokens: Tensor<2, Int>) -> Embedded {
        (self.embedding.forward(tokens.clone()), Fixed(tokens.equal_elem(0)))
    }
}

impl Model<Embedded> for Net {
    /// Scores for bad and good: what five words next to each other say, wherever they stand.
    fn forward(&self, (words, padding): Embedded) -> Tensor<2> {
        let padding = padding.0.unsqueeze_dim::<3>(2).expand(words.dims());
        let words = words.mask_fill(padding, 0.0).swap_dims(1, 2);
        let features = relu(self.convolution.forward(words));
        self.output.forward(features.max_dim(2).squeeze_dim(2))
    }
}

impl Learns for Net {
    type Input = Tensor<2, Int>;

    fn scores(&self, tokens: Self::Input) -> Tensor<2> {
        self.forward(self.embedded(tokens))
    }
}

/// Explains by which words a network tells good from bad
#[derive(Parser)]
struct Args {
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let device = Device::flex();
    device.seed(0);
    let seen: Vec<Sentence> = (0..2000).map(Sentence::new).collect();
    let unseen = (100_000..).map(Sentence::new).filter(|sentence| !seen.contains(sentence));
    let unseen: Vec<Sentence> = unseen.take(300).collect();
    let training = Training { epochs: 12, rate: 5e-3, batch: 32 };
    let net = train(Net::new(&device), &labelled(&seen), tokens, training)?;
    let (right, count) = (100.0 * accuracy(&net, &labelled(&unseen), tokens), unseen.len());
    println!("The network is right on {right:.1} % of {count} sentences that it has not seen.\n");

    let inputs = net.embedded(tokens(unseen.clone(), &device));
    // One question for all sentences, so that red speaks for good everywhere.
    let good_rather_than_bad = Target::Difference(1, 0);
    println!(
        "| Method | Strongest token decides | Attribution of all that decide |\n|---|---|---|"
    );
    let mut found = Vec::new();
    for (name, explainer, per_token) in methods() {
        let maps = explainer.attribute_to(&net, inputs.clone(), good_rather_than_bad.clone())?;
        let values: Vec<f64> = per_token(maps.values.0).into_data().iter().collect();
        let scored = unseen.iter().zip(values.chunks(LENGTH)).map(|(it, map)| scored(it, map));
        let (hits, share) = scored.fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        let [hits, share] = [hits, share].map(|sum| 100.0 * sum / count as f64);
        println!("| {name} | {hits:.1} % | {share:.1} % |");
        found.push((name, hits, values));
    }
    let chance = unseen.iter().map(|it| it.deciding() as f64 / it.words.len() as f64).sum::<f64>();
    let chance = 100.0 * chance / count as f64;
    println!("| by chance | {chance:.1} % | {chance:.1} % |\n");

    let mut page = Vec::new();
    for (sentence, values) in unseen.iter().zip(found[0].2.chunks(LENGTH)).take(6) {
        let words = sentence.words.iter().map(|(word, _)| format!("{word} "));
        let words: Vec<_> = words.zip(values.iter().copied()).collect();
        println!("{}", Tokens::new(words.clone())?.to_ansi());
        page.extend(words.into_iter().chain([("\n".to_owned(), 0.0)]));
    }
    let path = args.out.join("text.html");
    write_file(&path, Tokens::new(page)?.to_html("Good rather than bad?").as_bytes())?;
    println!("wrote {}\n", path.display());

    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    if let [(best, most, _), .., (worst, least, _)] = &found[..] {
        println!(
            "By {best} the strongest token is one that decides in {most:.1} % of the sentences,"
        );
        println!("by {worst} in {least:.1} %, by chance in {chance:.1} %.");
    }
    Ok(())
}

fn labelled(sentences: &[Sentence]) -> Vec<(Sentence, usize)> {
    sentences.iter().map(|it| (it.clone(), it.class)).collect()
}

type Method = (&'static str, Box<dyn Explainer<Net, Embedded>>, fn(Tensor<3>) -> Tensor<3>);

/// Each method with how the values of an embedding become one of its token: what values contributed is
/// added up; of slopes, which have no common unit to add up in, it is the length.
fn methods() -> Vec<Method> {
    let sum: fn(Tensor<3>) -> Tensor<3> = |values| values.sum_dim(2);
    let length: fn(Tensor<3>) -> Tensor<3> = |values| values.square().sum_dim(2).sqrt();
    // The baseline is an embedding of zeros, which is what padding is to this network.
    vec![
        ("Integrated Gradients", Box::new(IntegratedGradients::new()), sum),
        ("Input x Gradient", Box::new(InputTimesGradient::new()), sum),
        ("Gradient", Box::new(Gradient::new()), length),
        ("SmoothGrad", Box::new(SmoothGrad::default()), length),
    ]
}

/// 1 where the strongest token is one that decides, and the share of all that decide.
fn scored(sentence: &Sentence, map: &[f64]) -> (f64, f64) {
    let sizes: Vec<f64> = map.iter().map(|value| value.abs()).collect();
    let tokens = || sentence.words.iter().map(|(_, decides)| *decides).zip(&sizes);
    let strongest = tokens().max_by(|a, b| a.1.total_cmp(b.1));
    let share = tokens().filter(|(decides, _)| *decides).map(|(_, size)| size).sum::<f64>();
    (
        f64::from(strongest.is_some_and(|(decides, _)| decides)),
        share / sizes.iter().sum::<f64>().max(f64::MIN_POSITIVE),
    )
}
