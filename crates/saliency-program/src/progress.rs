//! How far a program is: a bar with the time left on a terminal, and a line a minute elsewhere.

use std::cell::Cell;
use std::io::{IsTerminal as _, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Result;
use crate::output::say_aside;

/// The time between two lines, if no bar can be drawn.
const EVERY: Duration = Duration::from_secs(60);

/// How far a stage of a program is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// The things that are counted.
    what: &'static str,
    all: usize,
    start: Instant,
    /// The time of the last line.
    last: Cell<Instant>,
}

impl Progress {
    /// Begins a stage with so many things, such as "photos".
    ///
    /// # Errors
    /// An error if the bar cannot be drawn.
    pub fn begin(all: usize, what: &'static str) -> Result<Self> {
        let style = format!("{{bar:40}} {{pos}} of {{len}} {what}, {{eta}} left");
        let bar = ProgressBar::with_draw_target(Some(all as u64), ProgressDrawTarget::stderr())
            .with_style(ProgressStyle::with_template(&style)?);
        bar.enable_steady_tick(Duration::from_secs(1));
        let start = Instant::now();
        Ok(Self { bar, what, all, start, last: Cell::new(start) })
    }

    /// Says that so many are done.
    pub fn advance(&self, done: usize) {
        self.bar.set_position(done as u64);
        if !stderr().is_terminal() && self.last.get().elapsed() >= EVERY {
            self.last.set(Instant::now());
            say_aside(format_args!("{done} of {} {}", self.all, self.what));
        }
    }

    /// Ends the stage, and returns the seconds that it took.
    pub fn end(&self) -> f64 {
        self.bar.finish_and_clear();
        self.start.elapsed().as_secs_f64()
    }
}
