//! The output of an audit while it runs, and when it is finished.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use indicatif::{ProgressBar, ProgressStyle};
use saliency::Model;
use saliency_audit::{Audit, Event};
use saliency_cli::Result;

/// Runs an audit behind a progress bar, and prints what it found and which files it wrote.
///
/// # Errors
/// Those of [`Audit::run`].
pub fn run<M: Model<Tensor<4>> + 'static>(audit: Audit<M>, folder: &Path) -> Result<()> {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} photos, {eta} left")?;
    let bar = ProgressBar::hidden().with_style(style);
    let start = Cell::new(Instant::now());
    let print = move |event: &Event| match event {
        Event::BoxesWithoutPhoto { files, first, .. } => {
            eprintln!("warning: {files} files with boxes are not in the folder, such as {first}");
        }
        Event::Started { waiting, photos, .. } => {
            println!("photos to explain: {waiting} of {photos}");
            bar.set_length(*waiting as u64);
        }
        // The devices are ready.
        Event::Explained { photos: 0, .. } => {
            start.set(Instant::now());
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_secs(1));
        }
        Event::Explained { photos, .. } => bar.set_position(*photos as u64),
        Event::Finished => {
            bar.finish_and_clear();
            println!("time: {:.1} s", start.get().elapsed().as_secs_f64());
        }
        _ => {}
    };
    let findings = audit.with_observer(print).run(folder)?;
    for line in &findings.summary {
        println!("{line}");
    }
    for file in &findings.files {
        println!("wrote {}", file.display());
    }
    Ok(())
}
