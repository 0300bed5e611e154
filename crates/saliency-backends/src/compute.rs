use burn::tensor::{Device, FloatDType};
use saliency_core::{MemoryBudget, Schedule};
use sysinfo::System;

use crate::backend::Backend;
use crate::kind::Kind;

/// A device that is open: what [`Backend::open`] gives.
///
/// # Example
/// ```
/// use saliency_backends::{Backend, Kind};
///
/// let compute = Backend::Flex.open()?;
/// assert_eq!(compute.kind(), Kind::Cpu);
/// println!("{}: {}, {}", compute.backend(), compute.kind(), compute.name());
/// # Ok::<(), saliency_backends::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    pub(crate) device: Device,
    pub(crate) backend: Backend,
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

impl ComputeDevice {
    /// Burn's device, to put models and inputs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The backend, with the adapter that was chosen: opens this device again.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// What kind of hardware it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the driver calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How work is run on it: [`Kind::schedule`].
    pub fn schedule(&self) -> Schedule {
        self.kind.schedule()
    }

    /// How far its values may be from the right ones, relative to the largest: of gradients, and of
    /// methods that add gradients up, for networks with few layers, as the tests measure it
    /// (`docs/devices.md` has the figures).
    ///
    /// - double and single precision: 1e-4 on Flex, 1e-3 on every other backend
    /// - half precision: 0.1 in `f16`, 0.25 in `bf16`
    ///
    /// Deep networks with ReLUs differ by more in single values where rounding switches a unit on or
    /// off; their maps as a whole do not.
    pub fn tolerance(&self, precision: FloatDType) -> f64 {
        match precision {
            FloatDType::F16 => 0.1,
            FloatDType::BF16 => 0.25,
            _ if self.backend == Backend::Flex => 1e-4,
            _ => 1e-3,
        }
    }

    /// Whether it computes in numbers of this precision.
    pub fn supports(&self, precision: FloatDType) -> bool {
        self.device.supports_dtype(precision)
    }

    /// Four fifths of what memory is free now, for a model of which one input takes `per_input`
    /// bytes with all activations that its gradient needs. None for GPUs and other machines, which
    /// do not tell Burn how much they have: there, chunks are halved when memory is exhausted. None
    /// on systems that do not tell either.
    pub fn memory_budget(&self, per_input: u64) -> Option<MemoryBudget> {
        if self.kind != Kind::Cpu {
            return None;
        }
        let mut system = System::new().ok()?;
        system.refresh_memory();
        let free = system.available_memory();
        let free = system.cgroup_limits().map_or(free, |limits| free.min(limits.free_memory));
        Some(MemoryBudget::new(free / 5 * 4, per_input))
    }
}
