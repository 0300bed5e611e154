//! The part of a call that runs on the thread of a device.

use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::Device;
use saliency_core::{Attribution, Error, Explainer, Inputs, Model, Result, Rows, Target};

use super::errors;
use super::host::Host;
use super::weights::Weights;
use super::worker::{Bench, clean};
use crate::compute::ComputeDevice;
use crate::hardware::Hardware;
use crate::panics;

/// The question of a call, as all devices share it.
pub(super) struct Shared<M> {
    /// In inference mode.
    pub model: M,
    pub weights: Weights,
    pub batch: Host,
    pub target: Target,
    pub rows: Rows,
}

/// What a device reports to its call.
pub(super) enum News {
    /// It waits for rows.
    Ready,
    /// It has explained rows in the time `took`.
    Done { rows: Range<usize>, map: Box<Attribution<Host>>, took: Duration },
    /// Rows cannot be explained, and the device is not the cause.
    Failed { rows: Range<usize>, error: Error },
    /// The device was lost while it explained rows.
    Lost { reason: String },
    /// The device did not begin, because it could not be opened again or did not get the model.
    Away { reason: String },
}

/// News, with the number of the device in the pool.
pub(super) struct Report {
    pub device: usize,
    pub news: News,
}

/// The connection between a device's thread and a call.
pub(super) struct Desk {
    pub device: usize,
    pub reports: Sender<Report>,
    pub rows: Receiver<Range<usize>>,
}

impl Desk {
    /// Reports to the call, which may have ended in the meantime.
    fn report(&self, news: News) {
        let _ = self.reports.send(Report { device: self.device, news });
    }
}

/// Reports that the device has left, so that no call waits for it.
impl Drop for Desk {
    fn drop(&mut self) {
        self.report(News::Away { reason: "its thread ended".to_owned() });
    }
}

/// Explains rows on a device until the call has ended, rows fail, or the device is lost.
pub(super) fn work_on<M, I, E>(bench: &mut Bench, shared: &Shared<M>, explainer: &E, desk: &Desk)
where
    M: Model<I>,
    I: Inputs,
    E: Explainer<M, I>,
{
    let mut ready = None;
    desk.report(News::Ready);
    while let Ok(rows) = desk.rows.recv() {
        bench.status.begin();
        let news = match ready.take().map_or_else(|| make_ready(bench, shared), Ok) {
            Ok(now) => {
                let start = Instant::now();
                let map = attempt(|| explain::<M, I, E>(shared, explainer, &now, &rows));
                ready = Some(now);
                match map {
                    Ok(map) => News::Done { rows, map: Box::new(map), took: start.elapsed() },
                    Err(error) => judge(bench, rows, error),
                }
            }
            Err(error) => away(bench, &error),
        };
        bench.status.rest();
        let goes_on = matches!(news, News::Done { .. });
        desk.report(news);
        if !goes_on {
            break;
        }
    }
    drop(ready);
    clean(&bench.status.device());
}

/// A device with its copy of the model.
struct Ready<M> {
    device: ComputeDevice,
    model: M,
}

/// Opens the device if it is lost, copies the model to it, and waits until the copy is complete.
fn make_ready<M: Module>(bench: &mut Bench, shared: &Shared<M>) -> Result<Ready<M>> {
    attempt(|| {
        let device = bench.device()?;
        let status = &bench.status;
        let received = || {
            synchronize(device.device())?;
            status.hear();
            Ok(())
        };
        let (model, weights) = (shared.model.valid(), &shared.weights);
        let model = bench.copies.place(model, weights, device.device(), received)?;
        Ok(Ready { device, model })
    })
}

/// Explains some rows on a device.
fn explain<M, I, E>(
    shared: &Shared<M>,
    explainer: &E,
    ready: &Ready<M>,
    piece: &Range<usize>,
) -> Result<Attribution<Host>>
where
    M: Model<I>,
    I: Inputs,
    E: Explainer<M, I>,
{
    let which: Vec<usize> = piece.clone().collect();
    let input = shared.batch.write(piece.clone(), ready.device.device());
    let (target, rows) = (shared.target.select(&which), shared.rows.select(&which));
    explainer.attribute_rows(&ready.model, input, target, &rows)?.try_map(Host::read)
}

/// Finds out whether the device or the rows are the cause of an error.
fn judge(bench: &Bench, rows: Range<usize>, error: Error) -> News {
    if let Error::OutOfMemory { reason, .. } = &error {
        // Another device may have more memory.
        return News::Lost { reason: format!("no memory for one row ({reason})") };
    }
    // A device that still answers is not the cause.
    match attempt(|| synchronize(bench.status.device().device())) {
        Ok(()) => News::Failed { error: error.with_rows(|row| rows.start + row), rows },
        Err(lost) => News::Lost { reason: lost_by(bench, &lost) },
    }
}

/// Notes that the device did not begin to explain rows.
fn away(bench: &Bench, error: &Error) -> News {
    // The reason for the loss came before the reason why the device cannot be opened again.
    let reason = match bench.status.lost() {
        Some(_) => plain(error),
        None => lost_by(bench, error),
    };
    News::Away { reason }
}

/// Notes that the device is lost, and returns the reason.
fn lost_by(bench: &Bench, error: &Error) -> String {
    let device = bench.status.device();
    let reason = match device.hardware() {
        Hardware::Remote => {
            format!("the server at {} ended, or the connection to it was lost", device.name())
        }
        _ => plain(error),
    };
    bench.status.lose(reason.clone());
    reason
}

/// Returns the message of an error without the words with which every error of a device begins.
fn plain(error: &Error) -> String {
    match error {
        Error::Device { reason, .. } => reason.clone(),
        error => error.to_string(),
    }
}

/// Waits for a device, because errors are reported only then.
fn synchronize(device: &Device) -> Result<()> {
    device.sync().map_err(|error| errors::device(error.reason()))
}

fn attempt<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    panics::attempt(call, errors::device)
}
