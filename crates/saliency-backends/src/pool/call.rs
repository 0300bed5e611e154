//! One call of a pool, on the thread of its caller: shares out rows, receives answers, and
//! continues without devices that are lost.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use saliency_core::{Attribution, Error, Explainer, Inputs, Model};

use super::board::Board;
use super::errors;
use super::event::PoolEvent;
use super::host::Host;
use super::piece::{Desk, News, Report, Shared, work_on};
use super::status::Status;
use super::{Member, Options};
use crate::hardware::Hardware;

/// If this many devices are lost with the same rows, the rows are taken to be the cause.
const MOST_LOST: usize = 3;

/// A call that is under way.
pub(super) struct Call<'a, E> {
    members: &'a [Member<E>],
    options: &'a Options,
    board: Board,
    total: usize,
    start: Instant,
    /// One for each member.
    seats: Vec<Seat>,
    answers: BTreeMap<usize, Attribution<Host>>,
    done: usize,
    lost: Vec<Lost>,
    failure: Option<Failure>,
}

/// A member, as the call sees it.
#[derive(Default)]
struct Seat {
    /// The connection to its thread; `None` if the device is lost.
    thread: Option<Thread>,
    /// The rows that it computes.
    rows: Option<Range<usize>>,
    waits: bool,
}

/// The thread of a device.
struct Thread {
    rows: Sender<Range<usize>>,
    status: Arc<Status>,
}

/// A device that was lost in this call.
struct Lost {
    /// The rows that it was given.
    rows: Option<Range<usize>>,
    /// The same rows, if they may be the cause.
    suspects: Option<Range<usize>>,
    /// The device and the reason.
    text: String,
}

/// The error for the first rows that failed.
struct Failure {
    start: usize,
    error: Error,
}

/// The answers of a call.
pub(super) struct Answers {
    /// In the order of their rows.
    pub maps: Vec<(Range<usize>, Attribution<Host>)>,
    /// The number of rows.
    pub done: usize,
    /// The rows with which a device was lost, in order.
    pub lost: Vec<usize>,
    pub end: End,
}

/// The end of a call.
pub(super) enum End {
    /// Every row is done.
    Complete,
    /// An error ended the call early.
    Failed(Error),
    Cancelled,
}

impl<'a, E> Call<'a, E> {
    /// Begins a call about `total` rows.
    pub fn new(members: &'a [Member<E>], options: &'a Options, board: Board, total: usize) -> Self {
        Self {
            members,
            options,
            board,
            total,
            start: Instant::now(),
            seats: Vec::new(),
            answers: BTreeMap::new(),
            done: 0,
            lost: Vec::new(),
            failure: None,
        }
    }

    /// Lets all devices work until every row is done, rows fail, every device is lost, or the call
    /// is cancelled.
    pub fn run<M, I>(mut self, shared: Shared<M>) -> Answers
    where
        M: Model<I> + 'static,
        I: Inputs + 'static,
        E: Explainer<M, I> + 'static,
    {
        let shared = Arc::new(shared);
        let (reports, inbox) = channel();
        for device in 0..self.members.len() {
            self.seat::<M, I>(device, &shared, &reports);
        }
        let end = self.listen(&inbox);
        if matches!(end, End::Complete) {
            self.name_those_that_are_not_back();
        }
        let rows = self.lost.iter().filter_map(|lost| lost.rows.clone()).flatten();
        let mut lost: Vec<usize> = rows.collect();
        lost.sort_unstable();
        lost.dedup();
        let maps =
            self.answers.into_iter().map(|(start, map)| (start..start + map.scores.len(), map));
        Answers { maps: maps.collect(), done: self.done, lost, end }
    }

    /// Gives a device's thread its task.
    fn seat<M, I>(&mut self, device: usize, shared: &Arc<Shared<M>>, reports: &Sender<Report>)
    where
        M: Model<I> + 'static,
        I: Inputs + 'static,
        E: Explainer<M, I> + 'static,
    {
        let member = &self.members[device];
        let (rows, receiver) = channel();
        let desk = Desk { device, reports: reports.clone(), rows: receiver };
        let explainer = Arc::clone(&member.explainer);
        // The thread may start this task only after the call has ended.
        let shared = Arc::downgrade(shared);
        let started = member.worker.start(Box::new(move |bench| {
            if let Some(shared) = shared.upgrade() {
                work_on::<M, I, E>(bench, &shared, &explainer, &desk);
            }
        }));
        self.seats.push(Seat::default());
        let seat = &mut self.seats[device];
        match started {
            Ok(status) => seat.thread = Some(Thread { rows, status }),
            Err(reason) => self.miss(device, reason),
        }
    }

    /// Receives answers and shares out rows until the call ends.
    fn listen(&mut self, inbox: &Receiver<Report>) -> End {
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            self.share_out();
            match inbox.recv_timeout(self.pause()) {
                Ok(report) => self.hear(report),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.give_up_the_silent();
        }
    }

    /// Returns the end of the call, or `None` if it goes on.
    fn end(&mut self) -> Option<End> {
        if self.board.is_done() {
            return Some(End::Complete);
        }
        if self.options.cancel.is_cancelled() {
            return Some(End::Cancelled);
        }
        if let Some(failure) = self.failure.take() {
            // An earlier row may fail too: the error should not depend on the speed of devices.
            if self.board.under_way_before(failure.start) {
                self.failure = Some(failure);
                return None;
            }
            return Some(End::Failed(failure.error));
        }
        if self.seats.iter().any(|seat| seat.thread.is_some()) {
            return None;
        }
        let lost: Vec<&str> = self.lost.iter().map(|lost| lost.text.as_str()).collect();
        let error = errors::device(format!("every device was lost ({})", lost.join("; ")));
        Some(End::Failed(error))
    }

    /// Returns how long to wait for a report before looking at the clock again.
    fn pause(&self) -> Duration {
        let someone_waits = self.seats.iter().any(|seat| seat.waits);
        Duration::from_millis(if someone_waits { 1 } else { 20 })
    }

    /// Gives rows to every device that waits for rows.
    fn share_out(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let now = self.start.elapsed();
        for device in 0..self.seats.len() {
            if !self.seats[device].waits {
                continue;
            }
            let Some(rows) = self.board.take(device, now) else { continue };
            let seat = &mut self.seats[device];
            seat.waits = false;
            seat.rows = Some(rows.clone());
            // If the thread has ended, its last report says so.
            let _ = seat.thread.as_ref().map(|thread| thread.rows.send(rows));
        }
    }

    /// Receives a device's report.
    fn hear(&mut self, Report { device, news }: Report) {
        let seat = &mut self.seats[device];
        if seat.thread.is_none() {
            // A report of a lost device comes too late.
            return;
        }
        match news {
            News::Ready => seat.waits = true,
            News::Done { rows, map, took } => {
                seat.waits = true;
                seat.rows = None;
                if self.board.done(device, &rows, took) {
                    self.keep(device, rows, *map);
                }
            }
            News::Failed { rows, error } => self.fail(device, rows.start, error),
            News::Lost { reason } => self.lose(device, reason),
            News::Away { reason } => self.miss(device, reason),
        }
    }

    /// Keeps the answer for some rows.
    fn keep(&mut self, device: usize, rows: Range<usize>, map: Attribution<Host>) {
        self.answers.insert(rows.start, map);
        self.done += rows.len();
        let device = self.members[device].device.backend().clone();
        let (done, total) = (self.done, self.total);
        self.options.notify(&PoolEvent::RowsDone { device, rows, done, total });
    }

    /// Notes that rows cannot be explained.
    fn fail(&mut self, device: usize, start: usize, error: Error) {
        // A cancelled call does not wait for earlier rows.
        let start = if matches!(error, Error::Cancelled { .. }) { 0 } else { start };
        if self.failure.as_ref().is_none_or(|before| start < before.start) {
            self.failure = Some(Failure { start, error });
        }
        self.board.lose(device);
        self.seats[device] = Seat::default();
    }

    /// Continues without a device that was lost while it computed rows.
    fn lose(&mut self, device: usize, reason: String) {
        let suspects = self.board.lose(device);
        let row = suspects.as_ref().map(|rows| rows.start);
        self.leave(device, suspects, reason.clone());
        // If every device with these rows is lost, the rows are the cause.
        let Some(row) = row else { return };
        let with_row = |lost: &&Lost| lost.suspects.iter().any(|rows| rows.contains(&row));
        let together = self.lost.iter().filter(with_row).count();
        if together >= MOST_LOST {
            let error = format!("{together} devices were lost with row {row}: {reason}");
            self.fail(device, row, errors::device(error));
        }
    }

    /// Continues without a device that was lost before it computed rows.
    fn miss(&mut self, device: usize, reason: String) {
        self.board.lose(device);
        self.leave(device, None, reason);
    }

    fn leave(&mut self, device: usize, suspects: Option<Range<usize>>, reason: String) {
        let mut rows = std::mem::take(&mut self.seats[device]).rows;
        if rows.is_none() {
            // The rows that the device would have got now.
            rows = self.board.take(device, self.start.elapsed());
            self.board.lose(device);
        }
        let backend = self.members[device].device.backend().clone();
        let text = format!("{backend}: {reason}");
        self.lost.push(Lost { rows: rows.clone(), suspects, text });
        let rows = rows.unwrap_or(0..0);
        self.options.notify(&PoolEvent::DeviceLost { device: backend, rows, reason });
    }

    /// Continues without devices of other machines that give no sign of life.
    fn give_up_the_silent(&mut self) {
        let patience = self.options.patience;
        for (device, member) in self.members.iter().enumerate() {
            let Some(thread) = &self.seats[device].thread else { continue };
            if member.device.hardware() != Hardware::Remote || !thread.status.is_silent(patience) {
                continue;
            }
            let (name, seconds) = (member.device.name(), patience.as_secs_f64());
            let reason = format!("the server at {name} did not answer for {seconds} seconds");
            member.worker.give_up(&thread.status, &reason);
            self.lose(device, reason);
        }
    }

    /// Notes devices that were lost in an earlier call and are still being opened. The other
    /// devices finished before they were open.
    fn name_those_that_are_not_back(&mut self) {
        for device in 0..self.seats.len() {
            let thread = self.seats[device].thread.as_ref();
            if let Some(reason) = thread.and_then(|thread| thread.status.lost_and_busy()) {
                self.miss(device, reason);
            }
        }
    }
}
