//! The thread of a device. It lives as long as its pool, and longer if the device never answers.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use saliency_core::Result;

use super::errors;
use super::status::Status;
use super::weights::Copies;
use crate::compute::ComputeDevice;
use crate::panics::attempt;

/// Work for a device's thread.
pub(super) type Task = Box<dyn FnOnce(&mut Bench) + Send>;

/// A device of a pool, and the thread that works on it. No call waits for the thread, so that a
/// device that hangs delays no call.
pub(super) struct Worker(Mutex<Seat>);

struct Seat {
    status: Arc<Status>,
    /// The connection to the thread; `None` before the first call, and after a device did not
    /// answer.
    tasks: Option<Sender<Task>>,
}

/// The tools of a device's thread.
pub(super) struct Bench {
    pub status: Arc<Status>,
    pub copies: Copies,
}

impl Worker {
    pub fn new(device: ComputeDevice) -> Self {
        Self(Mutex::new(Seat { status: Arc::new(Status::new(device, None)), tasks: None }))
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the thread a task, to be done after its earlier tasks, and returns the thread's state.
    ///
    /// # Errors
    /// The reason, if the device is lost and does not answer yet or if the system has no thread to
    /// spare.
    pub fn start(&self, task: Task) -> Result<Arc<Status>, String> {
        let mut seat = self.seat();
        if let Some(reason) = seat.status.lost_and_busy() {
            return Err(reason);
        }
        let mut task = task;
        if let Some(tasks) = &seat.tasks {
            match tasks.send(task) {
                Ok(()) => return Ok(Arc::clone(&seat.status)),
                // The thread has ended by a panic.
                Err(unsent) => task = unsent.0,
            }
        }
        let (tasks, received) = channel();
        let bench = Bench { status: Arc::clone(&seat.status), copies: Copies::default() };
        let thread = std::thread::Builder::new().name("saliency device".to_owned());
        thread.spawn(move || bench.work(&received)).map_err(|error| error.to_string())?;
        // The thread has just begun to listen.
        let _ = tasks.send(task);
        seat.tasks = Some(tasks);
        Ok(Arc::clone(&seat.status))
    }

    /// Gives up a thread whose device does not answer. The next task opens the device again, on
    /// another thread.
    pub fn give_up(&self, thread: &Arc<Status>, reason: &str) {
        let mut seat = self.seat();
        if !Arc::ptr_eq(&seat.status, thread) {
            // Another call was faster.
            return;
        }
        let device = thread.device();
        seat.status = Arc::new(Status::new(device, Some(reason.to_owned())));
        seat.tasks = None;
    }
}

impl Bench {
    /// Does tasks until nobody can send any more.
    fn work(mut self, tasks: &Receiver<Task>) {
        while let Ok(task) = tasks.recv() {
            task(&mut self);
            self.status.rest();
        }
        // A GPU keeps separate memory for every thread, and this thread ends here.
        let device = self.status.device();
        drop(self);
        clean(&device);
    }

    /// Opens the device again if it is lost, and returns it.
    ///
    /// # Errors
    /// [`Error::Device`](saliency_core::Error::Device) if it cannot be opened.
    pub fn device(&mut self) -> Result<ComputeDevice> {
        let device = self.status.device();
        if self.status.lost().is_none() {
            return Ok(device);
        }
        self.copies = Copies::default();
        let device = device.reopen().map_err(|error| errors::device(error.to_string()))?;
        self.status.reopened(device.clone());
        Ok(device)
    }
}

/// Frees the unused memory of a device.
pub(super) fn clean(device: &ComputeDevice) {
    let _ = attempt(
        || {
            device.device().memory_cleanup();
            Ok(())
        },
        errors::device,
    );
}
