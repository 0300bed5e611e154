//! `saliency text`: which words decide.

use std::path::PathBuf;

use burn::tensor::{Int, Tensor};
use clap::Args as Options;
use saliency::photo::ClassNames;
use saliency::viz::write_file;
use saliency::{
    Baseline, Explainer, Fixed, IntegratedGradients, Model as _, Schedule, Similarity, Target,
    TokenReduction, Warning,
};
use saliency_onnx::{Element, OnnxCut, OnnxInputs, OnnxModel};
use saliency_program::output::{Words, answer};
use saliency_program::program::{check_writable, unusable};
use saliency_program::{Result, devices};
use saliency_text::{Padding, Texts, Tokenizer};

use crate::result_args::ResultArgs;

/// The options of `text`.
#[derive(Clone, Debug, Options)]
pub struct TextArgs {
    /// The text to explain
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// An ONNX file of a text model, such as BERT
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// Its tokenizer [default: tokenizer.json beside the model]
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// The names of the classes: a text file with a name on each line, or JSON
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The class to explain, by name or number [default: the one that the model predicts]
    #[arg(long, conflicts_with = "like")]
    pub target: Option<String>,
    /// For a model that returns an embedding: explain what makes the text similar to this one
    #[arg(long, value_name = "TEXT")]
    pub like: Option<String>,
    /// The output of the model to explain, by its name [default: the last one of [rows, numbers]]
    #[arg(long, value_name = "NAME")]
    pub output: Option<String>,
    /// Go on until the estimated relative error is at most this
    #[arg(long, default_value_t = 0.05)]
    pub tolerance: f64,
    #[command(flatten)]
    pub result: ResultArgs,
}

/// The input of the model that picks the words' vectors.
const WORDS: &str = "input_ids";

/// Explains a text.
///
/// # Errors
/// What is wrong with a file or an option.
pub fn run(args: &TextArgs) -> Result<()> {
    let beside = || args.model.with_file_name("tokenizer.json");
    let path = args.tokenizer.clone().unwrap_or_else(beside);
    let tokenizer = Tokenizer::open(path).map_err(unusable)?.with_padding(Padding::Longest);
    let names = args.labels.as_ref().map(ClassNames::read).transpose().map_err(unusable)?;
    check_writable(&args.result.out)?;
    let compute = devices::open(args.result.device.as_deref()).map_err(unusable)?;
    let texts = tokenizer.encode(&[&args.text]).map_err(unusable)?;
    let model = opened(args, &texts)?;
    let target = target(args, &tokenizer, names.as_ref(), &model)?;

    let map = explained(&model, &texts, target, args, &compute.schedule())?;
    let explained = texts.explained(&map.values, TokenReduction::Sum)?.swap_remove(0);
    let (class, score) = (map.class, map.score);
    let class_name = class.map(|class| match &names {
        Some(names) => names.name(class),
        None => format!("class {class}"),
    });
    let sentence = match (&args.like, &class_name) {
        (Some(like), _) => format!("Similarity to \u{201c}{like}\u{201d}: {score:.3}"),
        (None, Some(name)) => format!("The model says {name} (score {score:.3})"),
        (None, None) => format!("Score {score:.3}"),
    };
    let tokens = explained.to_tokens()?.with_sentence(&sentence);
    let page = args.result.out.join("text.html");
    write_file(&page, tokens.to_html("Which words decide").as_bytes())?;
    if args.result.json {
        let words: Vec<_> = explained
            .words()
            .iter()
            .map(|word| serde_json::json!({ "word": word.word.text, "value": word.value }))
            .collect();
        return answer(serde_json::json!({
            "class": class, "class_name": class_name, "score": score, "words": words,
            "wrote": page.display().to_string(),
        }));
    }
    let words = Words::beside(false);
    words.say(&sentence);
    words.say(tokens.to_ansi());
    for warning in &map.warnings {
        words.say(format_args!("warning: {warning}"));
    }
    words.say(format_args!("wrote {}", page.display()));
    Ok(())
}

/// Opens the model for texts of this length.
fn opened(args: &TextArgs, texts: &Texts) -> Result<OnnxModel> {
    let mut model = crate::model::open(&args.model)?;
    if !model.inputs().iter().any(|port| port.name == WORDS) {
        let inputs: Vec<String> = model.inputs().iter().map(ToString::to_string).collect();
        return Err(unusable(format!(
            "the model has no input `{WORDS}`, as text models have: {}",
            inputs.join("; ")
        )));
    }
    let tokens = texts.rows()[0].tokens().len();
    for port in model.inputs().to_vec() {
        model = model.with_shape(&port.name, &[1, tokens]).map_err(unusable)?;
    }
    // Encoders have one output for each token too.
    let numbers = |it: &&saliency_onnx::Port| {
        it.element == Element::Float && it.shape.as_ref().is_some_and(|shape| shape.len() == 2)
    };
    let chosen = match &args.output {
        Some(output) => Some(output.clone()),
        None => model.outputs().iter().rfind(numbers).map(|port| port.name.clone()),
    };
    match chosen {
        Some(output) => model.with_output(&output).map_err(unusable),
        None => Ok(model),
    }
}

fn target(
    args: &TextArgs,
    tokenizer: &Tokenizer,
    names: Option<&ClassNames>,
    model: &OnnxModel,
) -> Result<Target> {
    if let Some(like) = &args.like {
        let texts = tokenizer.encode(&[like]).map_err(unusable)?;
        let embedding = forward(model, &texts)?;
        let [_, width] = embedding.dims();
        return Ok(Target::similarity(Similarity::to(embedding.reshape([width]))));
    }
    match (&args.target, names) {
        (None, _) => Ok(Target::Predicted),
        (Some(name), Some(names)) => Ok(Target::Class(names.find(name).map_err(unusable)?)),
        (Some(number), None) => Ok(Target::Class(number.parse().map_err(|_| {
            unusable(format!("{number:?} is not the number of a class; --labels names classes"))
        })?)),
    }
}

/// Returns the inputs of a model for texts, by name.
fn inputs(model: &OnnxModel, texts: &Texts) -> Result<Vec<Tensor<2, Int>>> {
    let device = burn::tensor::Device::flex();
    let input = |port: &saliency_onnx::Port| match port.name.as_str() {
        WORDS => Ok(texts.ids(&device)),
        "attention_mask" => Ok(texts.attention_mask(&device)),
        "token_type_ids" => Ok(texts.type_ids(&device)),
        other => Err(unusable(format!("the input `{other}` is not one that texts have"))),
    };
    model.inputs().iter().filter(|port| port.element == Element::Integer).map(input).collect()
}

fn forward(model: &OnnxModel, texts: &Texts) -> Result<Tensor<2>> {
    let inputs = inputs(model, texts)?;
    Ok(match <[_; 1]>::try_from(inputs) {
        Ok([a]) => model.forward(Fixed(a)),
        Err(inputs) => match <[_; 2]>::try_from(inputs) {
            Ok([a, b]) => model.forward((Fixed(a), Fixed(b))),
            Err(inputs) => match <[_; 3]>::try_from(inputs) {
                Ok([a, b, c]) => model.forward((Fixed(a), Fixed(b), Fixed(c))),
                Err(_) => return Err(unusable("the model has more than three inputs")),
            },
        },
    })
}

fn activation(cut: &OnnxCut, texts: &Texts) -> Result<Tensor<3>> {
    let inputs = inputs(&cut.before, texts)?;
    let words = match <[_; 1]>::try_from(inputs) {
        Ok([a]) => cut.activation(Fixed(a)),
        Err(inputs) => match <[_; 2]>::try_from(inputs) {
            Ok([a, b]) => cut.activation((Fixed(a), Fixed(b))),
            Err(inputs) => match <[_; 3]>::try_from(inputs) {
                Ok([a, b, c]) => cut.activation((Fixed(a), Fixed(b), Fixed(c))),
                Err(_) => return Err(unusable("the model has more than three inputs")),
            },
        },
    };
    words.map_err(unusable)
}

/// Explains the vectors of the words, from zeros.
fn explained(
    model: &OnnxModel,
    texts: &Texts,
    target: Target,
    args: &TextArgs,
    schedule: &Schedule,
) -> Result<TextMap> {
    let cut = model.embeddings(WORDS).map_err(unusable)?;
    let words = activation(&cut, texts)?;
    let explainer = IntegratedGradients::new()
        .with_baseline(Baseline::zeros())
        .with_tolerance(args.tolerance)
        .with_schedule(schedule.clone());
    // The other inputs that the part behind the words needs, which are not explained.
    let others = inputs(&cut.after, texts)?;
    let others: Vec<_> = others.into_iter().map(Fixed).collect();
    match others.as_slice() {
        [] => attributed(&explainer, &cut, words, target, |it| it),
        [a] => attributed(&explainer, &cut, (words, a.clone()), target, |it| it.0),
        [a, b] => {
            let input = (words, a.clone(), b.clone());
            attributed(&explainer, &cut, input, target, |it| it.0)
        }
        [a, b, c] => {
            let input = (words, a.clone(), b.clone(), c.clone());
            attributed(&explainer, &cut, input, target, |it| it.0)
        }
        _ => Err(unusable("the model has more than four inputs")),
    }
}

/// What was found of a text.
struct TextMap {
    /// The attributions of the vectors of the words, `[1, tokens, width]`.
    values: Tensor<3>,
    class: Option<usize>,
    score: f64,
    warnings: Vec<Warning>,
}

/// Explains the part behind the words. `words` picks the attributions of the words.
fn attributed<I: OnnxInputs>(
    explainer: &IntegratedGradients,
    cut: &OnnxCut,
    input: I,
    target: Target,
    words: impl FnOnce(I) -> Tensor<3>,
) -> Result<TextMap> {
    let map = explainer.attribute_to(&cut.after, input, target).map_err(unusable)?;
    Ok(TextMap {
        class: map.targets.first().copied().flatten(),
        score: map.scores.first().copied().unwrap_or_default(),
        warnings: map.warnings,
        values: words(map.values),
    })
}
