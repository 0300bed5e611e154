//! The output of an audit while it runs, and when it is finished.

use std::cell::Cell;
use std::io::{IsTerminal as _, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use indicatif::{ProgressBar, ProgressStyle};
use saliency::Model;
use saliency_audit::{Audit, Event, Findings};
use saliency_program::Result;
use saliency_program::output::{Words, answer, say, say_aside};

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
    let printer = Printer::new(Words::beside(json))?;
    let findings = audit.with_observer(move |event| printer.print(event)).run(folder)?;
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

/// Prints how far an audit is.
struct Printer {
    words: Words,
    bar: ProgressBar,
    /// The beginning of the stage, and the time of the last line of progress.
    start: Cell<Instant>,
    last: Cell<Instant>,
    /// The number of photos of the stage.
    all: Cell<usize>,
}

impl Printer {
    fn new(words: Words) -> Result<Self> {
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} photos, {eta} left")?;
        let bar = ProgressBar::hidden().with_style(style);
        let [start, last] = [(); 2].map(|()| Cell::new(Instant::now()));
        Ok(Self { words, bar, start, last, all: Cell::new(0) })
    }

    fn print(&self, event: &Event) {
        match event {
            Event::BoxesRead { format, boxes, photos, .. } => {
                let noun = if *photos == 1 { "photo" } else { "photos" };
                say_aside(format_args!("boxes: {boxes} in {photos} {noun}, read as {format}"));
            }
            // Reading takes long if there are many photos.
            Event::Reading { photos, .. } if *photos >= MANY => {
                say_aside(format_args!("reading {photos} photos"));
            }
            Event::Started { waiting, photos, .. } => {
                self.words.say(format_args!("photos to explain: {waiting} of {photos}"));
                self.all.set(*waiting);
            }
            // The devices are ready.
            Event::Explained { photos: 0, .. } => self.begin(self.all.get()),
            Event::Explained { photos, .. } => self.advance(*photos, "photos"),
            Event::Finished => self.end(),
            Event::Covered { photos: 0, all, .. } => {
                self.words.say(format_args!("photos to cover: {all}"));
                self.begin(*all);
            }
            Event::Covered { photos, all, .. } if photos == all => self.end(),
            Event::Covered { photos, .. } => self.advance(*photos, "photos are covered"),
            _ => {}
        }
    }

    /// Begins a stage with so many photos.
    fn begin(&self, all: usize) {
        self.all.set(all);
        self.start.set(Instant::now());
        self.last.set(Instant::now());
        self.bar.reset();
        self.bar.set_length(all as u64);
        self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        self.bar.enable_steady_tick(Duration::from_secs(1));
    }

    /// Moves the bar. If no bar can be drawn, prints a line now and then.
    fn advance(&self, photos: usize, what: &str) {
        self.bar.set_position(photos as u64);
        if !stderr().is_terminal() && self.last.get().elapsed() >= EVERY {
            self.last.set(Instant::now());
            say_aside(format_args!("{photos} of {} {what}", self.all.get()));
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
        let seconds = self.start.get().elapsed().as_secs_f64();
        self.words.say(format_args!("time: {seconds:.1} s"));
    }
}
