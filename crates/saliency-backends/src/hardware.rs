use std::fmt;

use saliency_core::Schedule;

/// What kind of hardware computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The processor of this machine.
    Cpu,
    /// A GPU with memory of its own.
    DiscreteGpu,
    /// A GPU that shares the processor's memory.
    IntegratedGpu,
    /// A GPU that cannot be told more of, such as one that a virtual machine passes on.
    OtherGpu,
    /// A GPU that software imitates on the CPU: for tests, slower than the CPU itself.
    SoftwareGpu,
    /// A device of another machine.
    Remote,
}

impl Kind {
    /// Whether it is a real GPU.
    pub fn is_gpu(self) -> bool {
        matches!(self, Self::DiscreteGpu | Self::IntegratedGpu | Self::OtherGpu)
    }

    /// How work is run on it.
    ///
    /// - on a CPU: small chunks, one worker for each core
    /// - on a GPU: one worker, chunks of 4 million input values, which are halved where memory does
    ///   not suffice
    /// - on a device of another machine, of which nobody knows what it is: one worker, chunks of a
    ///   million input values
    /// - on a GPU that software imitates: one worker, small chunks
    pub fn schedule(self) -> Schedule {
        match self {
            Self::SoftwareGpu => Schedule::new().with_chunk_values(1 << 16),
            Self::Remote => Schedule::new().with_chunk_values(1 << 20),
            _ => Schedule::new(),
        }
    }
}

impl fmt::Display for Kind {
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
