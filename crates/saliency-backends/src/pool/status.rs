//! The state of a device's thread, as other threads see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};

use super::errors;
use crate::compute::ComputeDevice;
use crate::panics::attempt;

/// The state of a device's thread. The thread writes it, and calls read it.
pub(super) struct Status(Mutex<State>);

struct State {
    device: ComputeDevice,
    /// The time at which the thread began its present work.
    busy: Option<Instant>,
    /// The time of the last sign of life during this work.
    heard: Option<Instant>,
    /// The time at which the device was asked for a sign of life, if it has not given it yet.
    asked: Option<Instant>,
    /// The reason why the device is lost; removed when the device is open again.
    lost: Option<String>,
}

impl Status {
    /// Returns the state of a thread that has nothing to do yet. If the device must be opened
    /// again, `lost` is the reason.
    pub fn new(device: ComputeDevice, lost: Option<String>) -> Self {
        Self(Mutex::new(State { device, busy: None, heard: None, asked: None, lost }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the device.
    pub fn device(&self) -> ComputeDevice {
        self.state().device.clone()
    }

    /// Returns the reason if the device is lost.
    pub fn lost(&self) -> Option<String> {
        self.state().lost.clone()
    }

    /// Returns the reason if the device is lost and its thread still tries to open it again.
    pub fn lost_and_busy(&self) -> Option<String> {
        let state = self.state();
        state.busy.and(state.lost.clone())
    }

    /// Notes that the device is lost.
    pub fn lose(&self, reason: String) {
        self.state().lost = Some(reason);
    }

    /// Notes that the device is open, possibly again.
    pub fn reopened(&self, device: ComputeDevice) {
        let mut state = self.state();
        state.device = device;
        state.lost = None;
    }

    /// Notes that the thread begins to work.
    pub fn begin(&self) {
        let mut state = self.state();
        state.busy = Some(Instant::now());
        state.heard = state.busy;
    }

    /// Notes that the thread has nothing to do.
    pub fn rest(&self) {
        let mut state = self.state();
        (state.busy, state.heard, state.asked) = (None, None, None);
    }

    /// Notes a sign of life.
    pub fn hear(&self) {
        let mut state = self.state();
        state.heard = state.busy.map(|_| Instant::now());
        state.asked = None;
    }

    /// Returns whether a device of another machine has given no sign of life for `patience`.
    ///
    /// When half of `patience` is over, the device is asked for a sign of life: a small sum, on a
    /// thread of its own. So a device that computes for a long time is not mistaken for a lost one.
    pub fn is_silent(self: &Arc<Self>, patience: Duration) -> bool {
        let mut state = self.state();
        let Some(heard) = state.heard else { return false };
        match state.asked {
            Some(asked) => asked.elapsed() >= patience / 2,
            None => {
                if heard.elapsed() >= patience / 2 {
                    state.asked = Some(Instant::now());
                    let device = state.device.device().clone();
                    drop(state);
                    let status = Arc::clone(self);
                    // If the system has no thread to spare, the device counts as silent.
                    let _ = std::thread::Builder::new().spawn(move || {
                        if answers(&device) {
                            status.hear();
                        }
                    });
                }
                false
            }
        }
    }
}

/// Returns whether a device computes at all.
fn answers(device: &Device) -> bool {
    let sum = attempt(
        || {
            let sum = Tensor::<1>::from_data([1.0, 2.0], device).sum().try_into_data();
            sum.map_err(|error| errors::device(error.reason()))
        },
        errors::device,
    );
    sum.is_ok()
}
