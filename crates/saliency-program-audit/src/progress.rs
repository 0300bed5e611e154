//! The output of an audit while it runs, and when it is finished.

use std::cell::{Cell, RefCell};
use std::path::Path;

use burn::tensor::Tensor;
use saliency::Model;
use saliency_audit::{Audit, Event, Findings};
use saliency_program::Result;
use saliency_program::output::{Words, answer, say, say_aside};
use saliency_program::progress::Progress;

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
    let printer = Printer::new(Words::beside(json));
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
    /// The stage that is under way.
    stage: RefCell<Option<Progress>>,
    /// The number of photos that are to be explained.
    waiting: Cell<usize>,
}

impl Printer {
    fn new(words: Words) -> Self {
        Self { words, stage: RefCell::new(None), waiting: Cell::new(0) }
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
                self.waiting.set(*waiting);
            }
            // The devices are ready.
            Event::Explained { photos: 0, .. } => self.begin(self.waiting.get(), "photos"),
            Event::Explained { photos, .. } => self.advance(*photos),
            Event::Finished => self.end(),
            Event::Covered { photos: 0, all, .. } => {
                self.words.say(format_args!("photos to cover: {all}"));
                self.begin(*all, "photos are covered");
            }
            Event::Covered { photos, all, .. } if photos == all => self.end(),
            Event::Covered { photos, .. } => self.advance(*photos),
            _ => {}
        }
    }

    /// Begins a stage with so many photos. Without a bar, the audit goes on all the same.
    fn begin(&self, all: usize, what: &'static str) {
        self.stage.replace(Progress::begin(all, what).ok());
    }

    fn advance(&self, photos: usize) {
        self.stage.borrow().iter().for_each(|stage| stage.advance(photos));
    }

    fn end(&self) {
        if let Some(stage) = self.stage.take() {
            self.words.say(format_args!("time: {:.1} s", stage.end()));
        }
    }
}
