use std::fmt;
use std::sync::Arc;

use burn::tensor::{Device, FloatDType};
use saliency_core::{MemoryBudget, Parallelism, Schedule};

use crate::backend::Backend;
use crate::error::Result;
use crate::hardware::Hardware;
use crate::memory;

/// An open device, as [`Backend::open`] returns it.
///
/// # Example
/// ```
/// use saliency_backends::{Backend, Hardware};
///
/// let compute = Backend::Flex.open()?;
/// assert_eq!(compute.hardware(), Hardware::Cpu);
/// println!("{}: {}, {}", compute.backend(), compute.hardware(), compute.name());
/// # Ok::<(), saliency_backends::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    pub(crate) device: Device,
    pub(crate) backend: Backend,
    pub(crate) hardware: Hardware,
    pub(crate) name: String,
    /// The number of CPU devices in its pool.
    pub(crate) cpus: usize,
    pub(crate) again: Again,
}

/// How to open a device again after it was lost.
#[derive(Clone)]
pub(crate) struct Again(Arc<dyn Fn() -> Result<ComputeDevice> + Send + Sync>);

impl Again {
    pub fn new(open: impl Fn() -> Result<ComputeDevice> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Again")
    }
}

impl ComputeDevice {
    /// Returns Burn's device, to put models and inputs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns the backend with the adapter that was chosen. Opening this backend opens the same
    /// device again.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Returns the kind of hardware.
    pub fn hardware(&self) -> Hardware {
        self.hardware
    }

    /// Returns the driver's name for the device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how to run work on the device: [`Hardware::schedule`]. If several CPU devices are in
    /// one [`DevicePool`](crate::DevicePool), each has its share of the cores.
    pub fn schedule(&self) -> Schedule {
        let schedule = self.hardware.schedule();
        if self.hardware != Hardware::Cpu || self.cpus < 2 {
            return schedule;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        schedule.with_parallelism(Parallelism::Workers((cores / self.cpus).max(1)))
    }

    /// Returns the same device as one of `cpus` CPU devices in a pool.
    pub(crate) fn beside(mut self, cpus: usize) -> Self {
        self.cpus = cpus;
        self
    }

    /// Opens a device again that was lost. If it is a device of another machine, makes a new
    /// connection.
    pub(crate) fn reopen(&self) -> Result<Self> {
        (self.again.0)().map(|device| device.beside(self.cpus))
    }

    /// Returns how far the device's values may be from the right ones, relative to the largest
    /// value.
    ///
    /// This holds for networks with few layers, for gradients and for methods that add gradients
    /// up. The tests measure it (`docs/devices.md` has the figures).
    ///
    /// - double and single precision: 1e-4 on Flex, 1e-3 on every other backend
    /// - half precision: 0.1 in `f16`, 0.25 in `bf16`
    ///
    /// In deep networks with ReLUs, single values differ by more, because rounding switches units
    /// on or off. The maps as a whole do not differ by more.
    pub fn tolerance(&self, precision: FloatDType) -> f64 {
        match precision {
            FloatDType::F16 => 0.1,
            FloatDType::BF16 => 0.25,
            _ if self.backend == Backend::Flex => 1e-4,
            _ => 1e-3,
        }
    }

    /// Returns whether the device computes in numbers of this precision.
    pub fn supports(&self, precision: FloatDType) -> bool {
        self.device.supports_dtype(precision)
    }

    /// Returns a budget of four fifths of the memory that is free now. One input of the model takes
    /// `per_input` bytes, with all activations that its gradient needs.
    ///
    /// Returns `None`
    /// - for GPUs and other machines, which do not report to Burn how much memory they have: on
    ///   them, chunks are halved when memory runs out
    /// - on systems that do not report it
    /// - if the program was built without the Cargo feature `memory`
    pub fn memory_budget(&self, per_input: u64) -> Option<MemoryBudget> {
        if self.hardware != Hardware::Cpu {
            return None;
        }
        Some(MemoryBudget::new(memory::free()? / 5 * 4, per_input))
    }
}
