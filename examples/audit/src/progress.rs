//! The output of an audit while it runs, and when it is finished.

use std::cell::Cell;
use std::io::{IsTerminal as _, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use indicatif::{ProgressBar, ProgressStyle};
use saliency::Model;
use saliency_audit::{Audit, Event, Findings};
use saliency_cli::Result;
use saliency_cli::output::{Words, answer, say, say_aside};

/// The time between two lines of progress, if no bar can be drawn.
const EVERY: Duration = Duration::from_secs(60);

/// If there are at least this many photos, the audit prints that it reads them.
const MANY: usize = 200;

/// Runs an audit behind a progress bar. Prints the findings and the files that were written, in
/// words or as JSON.
///
/// # Errors
/// Those of [`Audit::run`], and an error if the JSON cannot be printed.
pub fn run<M: Model<Tensor<4>> + 'static>(
    audit: Audit<M>,
    folder: &Path,
    json: bool,
) -> Result<Findings> {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} photos, {eta} left")?;
    let bar = ProgressBar::hidden().with_style(style);
    let (start, last) = (Cell::new(Instant::now()), Cell::new(Instant::now()));
    let words = Words::beside(json);
    let waiting_photos = Cell::new(0);
    let print = move |event: &Event| match event {
        Event::BoxesRead { format, boxes, photos, .. } => {
            let noun = if *photos == 1 { "photo" } else { "photos" };
            say_aside(format_args!("boxes: {boxes} in {photos} {noun}, read as {format}"));
        }
        // Reading takes long if there are many photos.
        Event::Reading { photos, .. } if *photos >= MANY => {
            say_aside(format_args!("reading {photos} photos"));
        }
        Event::Started { waiting, photos, .. } => {
            words.say(format_args!("photos to explain: {waiting} of {photos}"));
            bar.set_length(*waiting as u64);
            waiting_photos.set(*waiting);
        }
        // The devices are ready.
        Event::Explained { photos: 0, .. } => {
            start.set(Instant::now());
            last.set(Instant::now());
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_secs(1));
        }
        Event::Explained { photos, .. } => {
            bar.set_position(*photos as u64);
            if !stderr().is_terminal() && last.get().elapsed() >= EVERY {
                last.set(Instant::now());
                say_aside(format_args!("{photos} of {} photos", waiting_photos.get()));
            }
        }
        Event::Covered { photos: 0, all, .. } => {
            words.say(format_args!("photos to cover: {all}"));
            start.set(Instant::now());
            bar.reset();
            bar.set_length(*all as u64);
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        Event::Covered { photos, all, .. } => {
            bar.set_position(*photos as u64);
            if photos == all {
                bar.finish_and_clear();
                words.say(format_args!("time: {:.1} s", start.get().elapsed().as_secs_f64()));
            } else if !stderr().is_terminal() && last.get().elapsed() >= EVERY {
                last.set(Instant::now());
                say_aside(format_args!("{photos} of {all} photos are covered"));
            }
        }
        Event::Finished => {
            bar.finish_and_clear();
            words.say(format_args!("time: {:.1} s", start.get().elapsed().as_secs_f64()));
        }
        _ => {}
    };
    let findings = audit.with_observer(print).run(folder)?;
    for warning in &findings.warnings {
        say_aside(format_args!("warning: {warning}"));
    }
    if json {
        answer(serde_json::to_string_pretty(&findings)?)?;
        return Ok(findings);
    }
    findings.summary.iter().for_each(say);
    for file in &findings.files {
        say(format_args!("wrote {}", file.display()));
    }
    Ok(findings)
}
