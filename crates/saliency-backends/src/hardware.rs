use std::fmt;

use saliency_core::Schedule;

/// The kind of hardware that computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hardware {
    /// The processor of this machine.
    Cpu,
    /// A GPU with memory of its own.
    DiscreteGpu,
    /// A GPU that shares the processor's memory.
    IntegratedGpu,
    /// A GPU of unknown type, for example one passed through to a virtual machine.
    OtherGpu,
    /// A GPU emulated by software on the CPU: for tests, slower than the CPU itself.
    SoftwareGpu,
    /// A device of another machine.
    Remote,
}

impl Hardware {
    /// Returns whether the hardware is a real GPU.
    pub fn is_gpu(self) -> bool {
        matches!(self, Self::DiscreteGpu | Self::IntegratedGpu | Self::OtherGpu)
    }

    /// Returns how to run work on the hardware.
    ///
    /// - on a CPU: one worker for each core, chunks of 65,536 input values
    /// - on a real GPU: one worker, chunks of 4 million (2²²) input values, halved when memory runs
    ///   out
    /// - on a device of another machine, whose hardware is unknown: one worker, chunks of a million
    ///   (2²⁰) input values, halved when memory runs out
    /// - on a GPU emulated in software: one worker, chunks of 65,536 input values, halved when
    ///   memory runs out
    ///
    /// A chunk holds at least one input, however large it is.
    pub fn schedule(self) -> Schedule {
        match self {
            Self::SoftwareGpu => Schedule::new().with_chunk_values(1 << 16),
            Self::Remote => Schedule::new().with_chunk_values(1 << 20),
            _ => Schedule::new(),
        }
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU",
            Self::DiscreteGpu => "discrete GPU",
            Self::IntegratedGpu => "integrated GPU",
            Self::OtherGpu => "GPU",
            Self::SoftwareGpu => "software GPU",
            Self::Remote => "remote",
        })
    }
}
