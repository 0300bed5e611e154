//! Which words decided? A sentence classifier that takes ids and has private fields, explained token
//! by token from its embeddings.
//!
//! ```text
//! cargo run --example text
//! ```
//!
//! The sentences follow a small grammar (`src/sentences.rs`). An example is "the old room was not
//! very large and really nice". A sentence states two properties. One of them is an opinion, and
//! each may be negated. The network learns to decide whether the opinion is good. The grammar knows
//! which words decide this: the opinion and the word that negates it, but not the negation of the
//! other property. So every method can be scored. Gradient and SmoothGrad answer another question:
//! which words would change the score if they changed a little?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::tensor::{Bool, Device, Tensor};
use clap::Parser;
use saliency::viz::{Token, Tokens, write_file};
use saliency::{
    Explainer, Fixed, Gradient, InputTimesGradient, IntegratedGradients, Model, SmoothGrad, Target,
    TokenReduction, embeddings, per_token,
};
use saliency_examples_training::sentences::{
    LENGTH, Net, Sentence, Sentences, labelled, padding, tokens,
};
use saliency_examples_training::training::accuracy;
use saliency_program::Result;
use saliency_program::program::ended;

/// Explains by which words a network distinguishes good from bad
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
    let Sentences { seen, unseen } = Sentences::new();
    let net = Net::trained(&seen, &device)?;
    let (right, count) = (100.0 * accuracy(&net, &labelled(&unseen), tokens), unseen.len());
    println!("The network is right on {right:.1} % of {count} sentences that it has not seen.\n");

    // The input to be explained, and the network as a model of it.
    let ids = tokens(unseen.clone(), &device);
    let padding = Fixed(padding(&ids));
    let words = embeddings(&net, "embedding.weight", ids)?;
    let model = words.model_with(&padding, |net, ids, padding| net.infer(ids, padding.0))?;
    let inputs = (words.values(), padding);

    // Every method explains all sentences, and its values are scored.
    println!(
        "| Method | Strongest token decides | Attribution of all that decide |\n|---|---|---|"
    );
    let mut found = Vec::new();
    for method in methods() {
        let scored = method.scored(&model, &inputs, &unseen)?;
        println!("| {} | {:.1} % | {:.1} % |", method.title, scored.hits, scored.share);
        found.push(scored);
    }
    let chance = 100.0 * unseen.iter().map(Sentence::chance).sum::<f64>() / count as f64;
    println!("| by chance | {chance:.1} % | {chance:.1} % |\n");

    write_page(&unseen[..6], &found[0].values, &args.out.join("text.html"))?;
    found.sort_by(|a, b| b.hits.total_cmp(&a.hits));
    if let [best, .., worst] = &found[..] {
        println!(
            "By {} the strongest token is one that decides in {:.1} % of the sentences,",
            best.title, best.hits
        );
        println!("by {} in {:.1} %, by chance in {chance:.1} %.", worst.title, worst.hits);
    }
    Ok(())
}

/// Prints sentences with their words coloured, and writes them as a page.
fn write_page(sentences: &[Sentence], values: &[f64], path: &Path) -> Result<()> {
    let mut page = Vec::new();
    for (sentence, values) in sentences.iter().zip(values.chunks(LENGTH)) {
        let words = sentence.words.iter().map(|word| format!("{} ", word.text));
        let words: Vec<_> = words.zip(values.iter().copied()).collect();
        println!("{}", Tokens::new(words.clone())?.to_ansi());
        page.extend(words.into_iter().map(Token::from).chain([Token::between("\n")]));
    }
    write_file(path, Tokens::new(page)?.to_html("Good rather than bad?").as_bytes())?;
    println!("wrote {}\n", path.display());
    Ok(())
}

/// Embedded tokens `[rows, tokens, width]`, and which of them are padding.
type Embedded = (Tensor<3>, Fixed<Tensor<2, Bool>>);

/// A method, and the way in which the values of an embedding are reduced to one value of its token.
struct Method<M> {
    title: &'static str,
    explainer: Box<dyn Explainer<M, Embedded>>,
    reduction: TokenReduction,
}

/// Lists the methods. Values that are contributions are added up to the contribution of the token.
/// Of values that are slopes, the length is taken, because their sum has no meaning.
fn methods<M: Model<Embedded>>() -> Vec<Method<M>> {
    let (sum, length) = (TokenReduction::Sum, TokenReduction::Norm);
    let method = |title, explainer, reduction| Method { title, explainer, reduction };
    // The baseline is an embedding of zeros. This network sees padding as zeros too.
    vec![
        method("Integrated Gradients", Box::new(IntegratedGradients::new()), sum),
        method("Input x Gradient", Box::new(InputTimesGradient::new()), sum),
        method("Gradient", Box::new(Gradient::new()), length),
        method("SmoothGrad", Box::<SmoothGrad>::default(), length),
    ]
}

/// A method's findings in all sentences.
struct Scored {
    title: &'static str,
    /// The share of sentences whose strongest token is a token that decides, in percent.
    hits: f64,
    /// The mean share of the attribution that all tokens that decide have together, in percent.
    share: f64,
    /// One value for each token of each sentence.
    values: Vec<f64>,
}

impl<M> Method<M> {
    fn scored(&self, model: &M, inputs: &Embedded, sentences: &[Sentence]) -> Result<Scored> {
        // Ask the same question of all sentences, so that red means "good" in all of them.
        let good_rather_than_bad = Target::Difference(1, 0);
        let maps = self.explainer.attribute_to(model, inputs.clone(), good_rather_than_bad)?;
        let values = per_token(&maps.values.0, self.reduction)?.concat();
        let (mut hits, mut share) = (0.0, 0.0);
        for (sentence, map) in sentences.iter().zip(values.chunks(LENGTH)) {
            let sizes: Vec<f64> = map.iter().map(|value| value.abs()).collect();
            let tokens = || sentence.words.iter().map(|word| word.decides).zip(&sizes);
            let strongest = tokens().max_by(|a, b| a.1.total_cmp(b.1));
            hits += f64::from(strongest.is_some_and(|(decides, _)| decides));
            let deciding = tokens().filter(|(decides, _)| *decides).map(|(_, size)| size);
            share += deciding.sum::<f64>() / sizes.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        }
        let [hits, share] = [hits, share].map(|sum| 100.0 * sum / sentences.len() as f64);
        Ok(Scored { title: self.title, hits, share, values })
    }
}
