//! `saliency model`: what an ONNX file is.

use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::Device;
use clap::Args as Options;
use saliency::photo::Guess;
use saliency_onnx::{Check, Layer, OnnxFile, OnnxModel, Port};
use saliency_program::Result;
use saliency_program::output::{answer, say};
use saliency_program::program::unusable;
use serde::Serialize;

use crate::onnx::facts;

/// How many layers are listed without `--all-layers`.
const LAYERS: usize = 12;

/// The options of `model`.
#[derive(Clone, Debug, Options)]
pub struct ModelArgs {
    /// The ONNX file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The size of the photo, or the number of tokens, if the file leaves it open: sizes of the first
    /// input without its rows, such as 3,224,224
    #[arg(long, value_name = "SIZES", value_delimiter = ',')]
    pub shape: Vec<usize>,
    /// List all layers
    #[arg(long)]
    pub all_layers: bool,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// What is known of a file.
#[derive(Debug, Serialize)]
struct Facts {
    inputs: Vec<String>,
    outputs: Vec<String>,
    operators: std::collections::BTreeMap<String, usize>,
    unsupported: Vec<String>,
    ending: Option<String>,
    preparation: Option<String>,
    /// The seconds that opening and one run take, if the shapes are known.
    seconds: Option<f64>,
    layers: Vec<LayerFacts>,
    default_layer: Option<String>,
}

#[derive(Debug, Serialize)]
struct LayerFacts {
    name: String,
    operator: String,
    shape: Vec<usize>,
}

impl From<&Layer> for LayerFacts {
    fn from(layer: &Layer) -> Self {
        let Layer { name, operator, shape, .. } = layer;
        Self { name: name.clone(), operator: operator.clone(), shape: shape.clone() }
    }
}

/// Says what a file is.
///
/// # Errors
/// What is wrong with the file.
pub fn run(args: &ModelArgs) -> Result<()> {
    let check = Check::file(&args.file).map_err(unusable)?;
    let mut facts = Facts {
        inputs: Vec::new(),
        outputs: Vec::new(),
        operators: check.operators.clone(),
        unsupported: check.unsupported.iter().map(ToString::to_string).collect(),
        ending: None,
        preparation: None,
        seconds: None,
        layers: Vec::new(),
        default_layer: None,
    };
    if facts.unsupported.is_empty() {
        opened(args, &mut facts)?;
    }
    let unsupported = facts.unsupported.len();
    if args.json {
        answer(&serde_json::to_string(&facts)?)?;
    } else {
        described(args, &facts);
    }
    match unsupported {
        0 => Ok(()),
        count => Err(unusable(format!("{count} nodes use operators that are not supported"))),
    }
}

fn opened(args: &ModelArgs, found: &mut Facts) -> Result<()> {
    let file = OnnxFile::read(&args.file).map_err(unusable)?;
    let words = |ports: &[Port]| ports.iter().map(ToString::to_string).collect();
    found.inputs = words(file.inputs());
    found.outputs = words(file.outputs());
    let guess = facts(&file).and_then(|facts| Guess::of(&facts).ok());
    found.preparation = guess.map(|guess| guess.to_string());

    let start = Instant::now();
    let mut model = file.load(&Device::flex()).map_err(unusable)?;
    if !args.shape.is_empty() {
        let input = model.inputs()[0].name.clone();
        model = model.with_shape(&input, &[&[1], &args.shape[..]].concat()).map_err(unusable)?;
    }
    found.ending = model.ending().map(str::to_owned);
    // Without the shapes, nothing can be run.
    if let Ok(layers) = model.layers() {
        found.seconds = Some(start.elapsed().as_secs_f64());
        found.default_layer = model.default_layer().ok().map(|layer| layer.name);
        found.layers = layers.iter().map(LayerFacts::from).collect();
    }
    Ok(())
}

fn described(args: &ModelArgs, facts: &Facts) {
    let list = |title: &str, lines: &[String]| {
        say(format_args!("{title}"));
        lines.iter().for_each(|line| say(format_args!("  {line}")));
    };
    if !facts.inputs.is_empty() {
        list("Inputs", &facts.inputs);
        list("Outputs", &facts.outputs);
    }
    let operators: Vec<String> =
        facts.operators.iter().map(|(name, count)| format!("{name} {count}")).collect();
    list("Operators", &[operators.join(", ")]);
    if !facts.unsupported.is_empty() {
        list("Not supported", &facts.unsupported);
        return;
    }
    if let Some(ending) = &facts.ending {
        say(format_args!(
            "The {ending} at the end is left out, because explanations ask for scores."
        ));
    }
    if let Some(preparation) = &facts.preparation {
        let lines: Vec<String> = preparation.lines().map(str::to_owned).collect();
        list("Photos are prepared so, as guessed from the file", &lines);
    }
    let Some(seconds) = facts.seconds else {
        say(format_args!(
            "The file leaves a size open. With --shape, such as --shape 3,224,224, the model is run \
             and its layers are listed."
        ));
        return;
    };
    say(format_args!("Opened, run and listed in {seconds:.2} s."));
    let skipped = if args.all_layers { 0 } else { facts.layers.len().saturating_sub(LAYERS) };
    let default = facts.default_layer.as_deref();
    let lines: Vec<String> = facts.layers[skipped..]
        .iter()
        .map(|layer| {
            let mark = if Some(layer.name.as_str()) == default { "  (default)" } else { "" };
            format!("{} {:?} {}{mark}", layer.name, layer.shape, layer.operator)
        })
        .collect();
    let more =
        if skipped > 0 { format!(", after {skipped} more (--all-layers)") } else { String::new() };
    list(&format!("Layers that --layer can name{more}"), &lines);
}

/// Opens a model, and asks for a file if none is named.
pub fn open(path: &PathBuf) -> Result<OnnxModel> {
    OnnxModel::open(path, &Device::flex()).map_err(unusable)
}
