//! Where did the classifier look? A heat map for a photograph, from EfficientNet-Lite0.
//!
//! ```text
//! cargo run --example explain                                   # the cat that ships
//! cargo run --example explain -- PHOTO... --method smooth-grad --target "tabby" --out maps
//! cargo run --example explain -- --tolerance 0.05 --instead-of "tabby" --baseline blurred
//! cargo run --example explain -- --page --boxes "the face=135,85,210,180"
//! cargo run --example explain -- --compare gradient,integrated-gradients --target "tabby" --target "Egyptian cat"
//! cargo run --example explain -- --list-devices
//! cargo run --features vulkan --example explain -- --device vulkan
//! ```

mod args;
mod methods;
mod pictures;

use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use args::{Args, places};
use burn::tensor::activation::softmax;
use clap::Parser as _;
use image::RgbImage;
use methods::{attribute, certainty};
use pictures::{Drawn, Explained};
use saliency::Model as _;
use saliency::backends::{Backend, ComputeDevice};
use saliency::photo::{Map, Preparation, read_photo};
use saliency_examples::ended;
use saliency_models::{EfficientNetLite0, imagenet, photos};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            // What is wrong and what is possible, on one line and without the usage.
            let text = error.to_string();
            let lines = text.lines().take_while(|line| !line.starts_with("Usage"));
            let lines = lines.map(str::trim).take_while(|line| !line.starts_with("For more"));
            let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
            eprintln!("{}", lines.join(" "));
            return ExitCode::FAILURE;
        }
        Err(help) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
    };
    ended(run(&args))
}

fn run(args: &Args) -> Result<()> {
    if args.list_devices {
        list_devices();
        return Ok(());
    }
    let targets = args.target.iter().map(|name| imagenet::find(name));
    let targets = once_each(targets.collect::<std::result::Result<Vec<_>, _>>()?);
    let other = args.instead_of.as_deref().map(imagenet::find).transpose()?;
    // Rather now than after the work: a file that vanishes at once.
    let writable =
        std::fs::create_dir_all(&args.out).and_then(|()| tempfile::tempfile_in(&args.out));
    writable.map_err(|error| {
        format!("expected a folder to write to at {}, found: {error}", args.out.display())
    })?;

    let compute = match &args.device {
        Some(name) => name.parse::<Backend>()?.open()?,
        None => Backend::open_preferred()?,
    };
    let net = EfficientNetLite0::embedded(compute.device());
    if args.photos.is_empty() {
        return explain(args, (&compute, &net), "chelsea", &photos::chelsea(), (&targets, other));
    }
    let mut names = HashSet::new();
    let mut failed = 0;
    for path in &args.photos {
        let name = unused_name(path, &mut names);
        let explained = read_photo(path)
            .map_err(Into::into)
            .and_then(|photo| explain(args, (&compute, &net), &name, &photo, (&targets, other)));
        if let Err(error) = explained {
            // One bad photo must not keep the others from being explained; a bad option does.
            let option =
                matches!(error.downcast_ref(), Some(saliency::Error::InvalidOption { .. }));
            if option || args.photos.len() == 1 {
                return Err(error);
            }
            eprintln!("error: {name}: {error}");
            failed += 1;
        }
    }
    match failed {
        0 => Ok(()),
        _ => {
            let all = args.photos.len();
            Err(format!("expected to explain {all} photos, found {failed} that could not be")
                .into())
        }
    }
}

fn explain(
    args: &Args,
    (compute, net): (&ComputeDevice, &EfficientNetLite0),
    name: &str,
    photo: &RgbImage,
    (targets, other): (&[usize], Option<usize>),
) -> Result<()> {
    // Rather now than after the work.
    for place in places(&args.boxes) {
        place.check(photo.dimensions())?;
    }
    let preparation = Preparation::imagenet();
    let input = preparation.tensor(photo, compute.device());

    println!("{name}: the five likeliest classes");
    let probabilities = softmax(net.forward(input.clone()), 1);
    let (values, classes) = probabilities.clone().topk_with_indices(5, 1);
    let classes: Vec<i64> = classes.into_data().iter().collect();
    for (value, class) in values.into_data().iter::<f32>().zip(&classes) {
        println!("  {:5.1} %  {}", 100.0 * value, class_name(*class as usize));
    }
    let predicted = classes[0] as usize;
    let targets = if targets.is_empty() { &[predicted][..] } else { targets };
    let methods = once_each(match args.compare.is_empty() {
        true => vec![args.method],
        false => args.compare.clone(),
    });
    let probability = |class: usize| {
        let probability = probabilities.clone().slice([0..1, class..class + 1]);
        f64::from(probability.into_scalar::<f32>())
    };
    let mut explained = Vec::new();
    for &class in targets {
        for &method in &methods {
            let map = attribute(args, (compute, net), method, &input, (class, other))?;
            println!("explained: {} ({:.1} %)", class_name(class), 100.0 * probability(class));
            if let Some(other) = other {
                let probability = 100.0 * probability(other);
                println!("instead of: {} ({probability:.1} %)", class_name(other));
            }
            let certainty = certainty(args, &map)?;
            for line in &certainty {
                println!("{line}");
            }
            let reduced = Map::of_row(&map.values, 0, args.reduce.into())?;
            let (probability, predicted) = (probability(class), class == predicted);
            let it = Explained { method, class, map, reduced, certainty, probability, predicted };
            explained.push(it);
        }
    }
    let (seen, device) = (preparation.region(photo), compute.backend().to_string());
    Drawn { args, name, photo, seen, device, other, explained }.write()
}

fn list_devices() {
    let best = Backend::open_preferred();
    for device in Backend::available() {
        let is_best = best.as_ref().is_ok_and(|best| *best.backend() == device.backend);
        let note = if is_best { " (default)" } else { "" };
        let (backend, kind) = (device.backend.to_string(), device.hardware.to_string());
        println!("{backend:<12} {kind:<15} {}{note}", device.name);
    }
    for missing in Backend::unavailable() {
        println!("{:<12} {:<15} {}", missing.backend, "-", missing.reason);
    }
    if let Err(error) = best {
        println!("{:<12} {:<15} {error}", "default", "-");
    }
    println!("{:<12} {:<15} a server's device, not looked for", "remote:URL", "-");
}

/// Without those that were given before.
fn once_each<T: PartialEq>(values: Vec<T>) -> Vec<T> {
    let mut once = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}

fn class_name(class: usize) -> &'static str {
    imagenet::name(class).unwrap_or("a class without a name")
}

/// The photo's name without its ending, and a number where several photos have the same.
fn unused_name(path: &Path, names: &mut HashSet<String>) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    let free = std::iter::once(stem.clone()).chain(numbered).find(|name| !names.contains(name));
    let free = free.expect("numbers do not run out");
    names.insert(free.clone());
    free
}
