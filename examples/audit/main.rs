//! Where did the classifier look, in every photo of a folder? An audit that may be ended at any time
//! and goes on where it was, with a page for people who do not program and tables for the others.
//!
//! ```text
//! cargo run --example audit                                     # 24 photos made for a try
//! cargo run --example audit -- FOLDER --boxes boxes.csv         # boxes around what matters
//! cargo run --example audit -- FOLDER --method gradient         # a quick first look
//! cargo run --example audit -- FOLDER --tolerance 0.05 --device cuda:0 --device flex
//! ```
//!
//! `examples/src/audit` does the work, for any network of photos: this file says which one it is here.

mod demonstration;

use std::process::ExitCode;

use clap::Parser as _;
use saliency::photo::Preparation;
use saliency_examples::audit::{Args, Subject, run};
use saliency_examples::ended;
use saliency_models::{EfficientNetLite0, imagenet};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    ended(audit(&Args::parse()))
}

fn audit(args: &Args) -> Result<()> {
    let subject = Subject {
        description: "EfficientNet-Lite0, a classifier for 1,000 kinds of things".to_owned(),
        weights: "embedded".to_owned(),
        net: Box::new(EfficientNetLite0::embedded),
        preparation: Preparation::imagenet(),
        class_name: |class| imagenet::name(class).unwrap_or("a class without a name"),
    };
    match &args.folder {
        Some(folder) => run(&subject, args, (folder, args.boxes.as_deref())),
        None => {
            let (folder, boxes) = demonstration::write(&args.out)?;
            run(&subject, args, (&folder, Some(&boxes)))
        }
    }
}
