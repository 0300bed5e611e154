//! An ONNX file as a network that classifies photos.

use std::path::Path;

use burn::module::Module as _;
use burn::tensor::{Device, Tensor};
use saliency::Schedule;
use saliency::photo::{ClassNames, Fit, Guess, Layout, ModelFacts, Preparation};
use saliency::rules::Rules;
use saliency_onnx::{Dimension, Element, OnnxCut, OnnxFile, OnnxModel, Port};
use saliency_program::Result;
use saliency_program::network::{Halves, PhotoNetwork};
use saliency_program::output::say_aside;
use saliency_program::program::unusable;

use crate::network_args::{NetworkArgs, RulesArg};

/// Keys under which exporters store the names of classes.
const NAMES: [&str; 5] = ["names", "labels", "classes", "class_names", "id2label"];

/// The layer at which regions are explained is the last one that is at most so many times smaller than
/// the photo. At such a layer regions were found to be most true of the built-in network.
const SMALLER: usize = 16;

/// A classifier of photos from an ONNX file.
pub struct OnnxNetwork {
    description: String,
    weights: String,
    model: OnnxModel,
    preparation: Preparation,
    classes: ClassNames,
    cut: Option<OnnxCut>,
    bytes_per_photo: Option<u64>,
}

impl OnnxNetwork {
    /// Reads the file, and guesses what the options do not say.
    ///
    /// # Errors
    /// What is wrong with a file, or if the model does not classify photos.
    pub fn open(path: &Path, args: &NetworkArgs) -> Result<Self> {
        let file = OnnxFile::read(path).map_err(unusable)?;
        let [input] = file.inputs() else {
            return Err(unusable(format!(
                "{} takes {} inputs, and a classifier of photos takes one: {}",
                path.display(),
                file.inputs().len(),
                listed(file.inputs()),
            )));
        };
        refuse_others(&file, path)?;
        let name = input.name.clone();
        let rules = args.rules.map(RulesArg::rules).unwrap_or_default();
        let weights = digest(&file, rules)?;
        let preparation = preparation(&file, input, args)?;
        let classes = classes(&file, args)?;

        // Photos have their channels first here.
        let file = match preparation.layout() {
            Layout::ChannelsLast => file.with_channels_first(&name).map_err(unusable)?,
            _ => file,
        };
        let preparation = preparation.with_layout(Layout::ChannelsFirst);
        if matches!(preparation.fit(), Fit::Letterbox(_)) {
            return Err(unusable(
                "photos with bars around them cannot be covered and measured: choose another fit with \
                 --preparation",
            ));
        }
        let model = file.load(&Device::flex()).map_err(unusable)?;
        let model = model.with_rules(rules).map_err(unusable)?;
        let model = model.with_shape(&name, &preparation.shape()).map_err(unusable)?;
        if let Some(ending) = model.ending() {
            say_aside(format_args!(
                "{}: the {ending} at the end is left out, because explanations ask for scores",
                path.display()
            ));
        }
        let count = number_of_classes(&model, path)?;
        if classes.len() > count {
            return Err(unusable(format!(
                "there are {} names for the {count} classes of {}",
                classes.len(),
                path.display()
            )));
        }
        let cut = match &args.layer {
            Some(layer) => Some(model.at(layer).map_err(unusable)?),
            None => middle_layer(&model, &preparation),
        };
        let bytes_per_photo = model.bytes_per_row().ok();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            description: format!("{file_name}, a classifier for {count} kinds of things"),
            weights,
            model,
            preparation,
            classes,
            cut,
            bytes_per_photo,
        })
    }
}

fn listed(ports: &[Port]) -> String {
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Returns a text that changes with the weights, wherever they lie, and with the rules: maps under
/// other rules are other maps.
fn digest(file: &OnnxFile, rules: Rules) -> Result<String> {
    let mut all = Vec::new();
    for path in file.files() {
        all.extend(std::fs::read(path)?);
    }
    let digest = saliency_audit::digest(&all);
    Ok(if rules == Rules::Plain { digest } else { format!("{digest}, {rules:?}") })
}

/// Returns what the file says of itself, for a guess.
pub fn facts(file: &OnnxFile) -> Option<ModelFacts> {
    let input = file.inputs().iter().find(|port| port.element == Element::Float)?;
    let sizes = |port: &Port| {
        let size = |dimension: &Dimension| match dimension {
            Dimension::Fixed(size) => Some(*size),
            Dimension::Open(_) => None,
        };
        port.shape.clone().map(|shape| shape.iter().map(size).collect::<Vec<_>>())
    };
    let mut facts = ModelFacts::new(&input.name, sizes(input)?).with_producer(file.producer());
    if let Some((output, shape)) = file.outputs().first().and_then(|it| Some((it, sizes(it)?))) {
        facts = facts.with_output(&output.name, shape);
    }
    for (key, value) in file.metadata() {
        facts = facts.with_metadata(key, value);
    }
    Some(facts)
}

fn preparation(file: &OnnxFile, input: &Port, args: &NetworkArgs) -> Result<Preparation> {
    let given = match args.preparation.as_deref() {
        None => None,
        Some("torchvision") => Some(Preparation::torchvision()),
        Some("tensorflow") => Some(Preparation::tensorflow()),
        Some("clip") => Some(Preparation::clip()),
        Some("yolo") => Some(Preparation::yolo()),
        Some("lite0") => Some(Preparation::imagenet()),
        Some(path) => Some(Preparation::read(path).map_err(|error| {
            unusable(format!(
                "{error}; a preset is one of torchvision, tensorflow, clip, yolo and lite0"
            ))
        })?),
    };
    let Some(mut preparation) = given else {
        let facts = facts(file).ok_or_else(|| {
            unusable(format!("the input {input} is no photo: four dimensions are needed"))
        })?;
        let guess = Guess::of(&facts).map_err(unusable)?;
        say_aside(format_args!(
            "how photos are prepared is guessed (--preparation sets it):\n{guess}"
        ));
        return Ok(guess.preparation);
    };
    // The file knows its own layout and size, whatever the preset is made for.
    if let Some([_, rest @ ..]) = input.shape.as_deref() {
        let fixed = |size: &Dimension| matches!(size, Dimension::Fixed(1 | 3));
        if let [height, width, channels] = rest
            && fixed(channels)
            && !fixed(height)
        {
            preparation = preparation.with_layout(Layout::ChannelsLast);
            preparation = sized(preparation, height, width);
        } else if let [_, height, width] = rest {
            preparation = sized(preparation, height, width);
        }
    }
    Ok(preparation)
}

fn sized(preparation: Preparation, height: &Dimension, width: &Dimension) -> Preparation {
    match (height, width) {
        (Dimension::Fixed(height), Dimension::Fixed(width)) => {
            preparation.with_size((*width as u32, *height as u32))
        }
        _ => preparation,
    }
}

fn classes(file: &OnnxFile, args: &NetworkArgs) -> Result<ClassNames> {
    if let Some(path) = &args.labels {
        return ClassNames::read(path).map_err(unusable);
    }
    let mut stored = file.metadata().filter(|(key, _)| NAMES.contains(key));
    Ok(stored.find_map(|(_, names)| ClassNames::parse(names).ok()).unwrap_or_default())
}

/// Refuses models whose output is not one score for each class.
fn refuse_others(file: &OnnxFile, path: &Path) -> Result<()> {
    let output = file.outputs().iter().find(|port| port.element == Element::Float);
    let sizes = output.and_then(|port| port.shape.as_deref()).unwrap_or_default();
    let is_one = |size: &Dimension| matches!(size, Dimension::Fixed(1));
    if sizes.len() <= 2 || sizes[2..].iter().all(is_one) {
        return Ok(());
    }
    Err(unusable(format!(
        "{} does not classify photos: its output is {}. The library explains detectors and \
         segmentation, see `Target::detection` and `Target::pixels`",
        path.display(),
        output.map(ToString::to_string).unwrap_or_default(),
    )))
}

/// Returns how many classes a model distinguishes, from its answer to a photo of zeros.
fn number_of_classes(model: &OnnxModel, path: &Path) -> Result<usize> {
    let count = model.scores_per_row().map_err(unusable)?;
    if count < 2 {
        return Err(unusable(format!(
            "{} has a single score, and a classifier of photos has one for each class",
            path.display()
        )));
    }
    Ok(count)
}

/// Chooses the layer at which regions are explained. Without one, regions of the input are.
fn middle_layer(model: &OnnxModel, preparation: &Preparation) -> Option<OnnxCut> {
    let size = preparation.size();
    let layers = model.layers().ok()?;
    let fits = |shape: &[usize]| match shape {
        [1, _, height, width] => {
            height * SMALLER >= size.height as usize && width * SMALLER >= size.width as usize
        }
        _ => false,
    };
    let layers: Vec<_> = layers.into_iter().filter(|layer| fits(&layer.shape)).collect();
    // The sum at the end of a block, if the network has such.
    let sum = layers.iter().rfind(|layer| layer.operator == "Add");
    model.at(&sum.or(layers.last())?.name).ok()
}

impl PhotoNetwork for OnnxNetwork {
    type Model = OnnxModel;
    type Behind = OnnxModel;

    fn description(&self) -> &str {
        &self.description
    }

    fn weights(&self) -> &str {
        &self.weights
    }

    fn model(&self, device: &Device) -> OnnxModel {
        self.model.clone().fork(device)
    }

    fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    fn classes(&self) -> &ClassNames {
        &self.classes
    }

    fn bytes_per_photo(&self) -> Option<u64> {
        self.bytes_per_photo
    }

    fn cut(&self, model: &OnnxModel) -> Option<Halves<OnnxModel>> {
        // Both halves go where the model is.
        let device = model.devices().into_iter().next().unwrap_or_default();
        let OnnxCut { before, after, .. } = self.cut.clone()?;
        let (before, after) = (before.fork(&device), after.fork(&device));
        let activation = move |photo: Tensor<4>, _: &Schedule| {
            before.activation::<4>(photo).map_err(saliency::Error::device)
        };
        Some(Halves::new(activation, after))
    }
}
