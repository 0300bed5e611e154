//! Which map of a photo is true of the model? Covers what a map calls important, or keeps nothing
//! else, and compares the model's score with that of random choices.
//!
//! ```text
//! python3 benches/truth_photos.py PHOTOS
//! cargo bench --profile dev --bench truth -- PHOTOS             # half an hour on two cores
//! cargo bench --profile dev --bench truth -- PHOTOS controls    # the default and the controls only
//! cargo bench --profile dev --bench truth -- PHOTOS units       # more gradients, and superpixels
//! cargo bench --profile dev --bench truth -- PHOTOS methods     # every method of the library
//! python3 benches/truth_squeezenet.py squeezenet.safetensors
//! cargo bench --profile dev --bench truth -- PHOTOS squeezenet.safetensors    # another network
//! ```
//!
//! The square that the network is shown is cut into 14 x 14 cells, and a map is added up in each of
//! them. Seven tests:
//!
//! - The 10, 20 or 40 strongest cells are covered with a blurred photo, with grey, with the photo's
//!   mean colour, with noise of the photo's own strength, or with the photo shifted by half.
//! - The 20, 40 or 80 strongest cells are kept, and the rest is covered with a blurred photo or with
//!   grey.
//!
//! A figure is the share of 20 random choices of as many cells that change the score less than the
//! map's cells do; chance is 50 %. The predicted class and the second are explained. The unit is the
//! photo: intervals are bootstraps over photos. Half of the photos, by a hash of their names, are
//! not used to choose a default: their figures stand in columns of their own.
//!
//! Controls know nothing of the model, or of the class, or of the photo: an edge filter, the middle,
//! the difference from the blurred photo, the map of another photo, of a random class, of an
//! untrained network, and the map itself, moved. The last column compares each map with the default,
//! photo by photo.
//!
//! The second table asks how often the cover test confirms the default, and maps that know nothing
//! of the photo, which it should confirm in at most 7.5 %.

mod cells;
mod cover;
mod judge;
mod layer;
mod maps;
mod methods;
mod network;
mod photo;
mod question;
mod random;
mod superpixels;
mod tables;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device};
use judge::Judged;
use network::{Effort, Network};
use photo::Photo;
use question::{DEFAULT, Question, experiment, untrained};
use saliency_models::{EfficientNetLite0, SqueezeNet, Weights};
use tables::{Found, OfPhoto};

/// What is studied.
#[derive(Clone, Copy, PartialEq)]
enum Study {
    /// Every map.
    All,
    /// The default and the controls.
    Controls,
    /// Units of maps, and numbers of gradients.
    Units,
    /// Every method of the library, for the likeliest class.
    Methods,
}

fn main() {
    let mut arguments = env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let Some(folder) = arguments.next() else {
        println!("skipped: name the folder of photos that benches/truth_photos.py has made");
        return;
    };
    let (mut study, mut weights) = (Study::All, None);
    for argument in arguments {
        match argument.as_str() {
            "controls" => study = Study::Controls,
            "units" => study = Study::Units,
            "methods" => study = Study::Methods,
            _ => weights = Some(argument),
        }
    }
    let device = Device::flex();
    let photos = read_photos(Path::new(&folder), &device);
    match weights {
        None => run(&EfficientNetLite0::embedded(&device), &photos, study),
        Some(file) => run(&squeezenet(Path::new(&file), &device), &photos, study),
    }
}

fn read_photos(folder: &Path, device: &Device) -> Vec<Photo> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| Photo::read(path, device)).collect()
}

/// Reads the file that `truth_squeezenet.py` writes.
fn squeezenet(file: &Path, device: &Device) -> SqueezeNet {
    let bytes = std::fs::read(file).expect("the file of truth_squeezenet.py");
    let weights = Weights::from_safetensors(&bytes).expect("a safetensors file");
    SqueezeNet::new(weights, device, DType::F32).expect("the weights of SqueezeNet")
}

/// Studies a network, and prints the tables.
fn run<N: Network>(net: &N, photos: &[Photo], study: Study) {
    let untrained = untrained(net);
    let (mut found, mut verdicts) = (Found::new(), BTreeMap::new());
    for (at, photo) in photos.iter().enumerate() {
        let is_whole = matches!(study, Study::All | Study::Controls) && N::EFFORT == Effort::All;
        let count = if is_whole { 2 } else { 1 };
        let (_, classes) = net.forward(photo.input.clone()).topk_with_indices(count, 1);
        let classes: Vec<i64> = classes.into_data().iter().collect();
        let mut sums: BTreeMap<String, Judged> = BTreeMap::new();
        for &class in &classes {
            let class = class as usize;
            let other = &photos[(at + 1) % photos.len()];
            let question = Question { net, untrained: &untrained, photo, other, class };
            for (name, judged) in judged(&question, study, &mut verdicts) {
                sums.entry(name).or_default().add(&judged, 1.0 / classes.len() as f64);
            }
        }
        let names: Vec<&str> =
            classes.iter().filter_map(|&at| saliency_models::imagenet::name(at as usize)).collect();
        eprintln!("{} of {}: {}, {}", at + 1, photos.len(), photo.name, names.join(", "));
        for (name, judged) in sums {
            let of_photo = OfPhoto { kept_back: photo.is_kept_back(), judged };
            found.entry(name).or_default().push(of_photo);
        }
    }
    if study == Study::Units {
        tables::print_all_photos(&found, DEFAULT);
        return;
    }
    tables::print(&found, DEFAULT);
    if study != Study::Methods {
        println!();
        cover::print(verdicts);
    }
}

/// Judges maps of a photo.
fn judged<N: Network>(
    question: &Question<'_, N>,
    study: Study,
    verdicts: &mut BTreeMap<&'static str, cover::Tested>,
) -> BTreeMap<String, Judged> {
    if study == Study::Units {
        return superpixels::judge_units(question);
    }
    let &Question { net, photo, class, .. } = question;
    let experiment = experiment(net, photo, class);
    let mut maps = question.controls();
    if study == Study::All {
        maps.extend(maps::candidates(question, &experiment));
    }
    if study == Study::Methods {
        maps.extend(methods::maps(question));
    } else if N::EFFORT == Effort::All || study == Study::Controls {
        cover::cover(&experiment, photo, &maps, class, verdicts);
    }
    judge::judge(&experiment, photo, &maps)
}
