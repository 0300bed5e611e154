//! Names of backends, read and written.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// What computes, by name.
///
/// | name | means |
/// |---|---|
/// | `flex` | Burn's fast CPU backend |
/// | `ndarray` | Burn's older CPU backend |
/// | `wgpu`, `vulkan`, `metal`, `webgpu` | a GPU through its graphics driver; of several the best |
/// | `vulkan:discrete`, `vulkan:integrated`, `vulkan:cpu` | the first adapter of that kind; `cpu` is a GPU imitated by software |
/// | `vulkan:1` | the second adapter in the list of all |
/// | `cuda`, `cuda:1`, `rocm`, `rocm:1` | the first or second GPU of NVIDIA or AMD |
/// | `remote:ws://HOST:PORT`, `remote:ws://HOST:PORT#1` | the first or second device of a server on a trusted network |
/// | `remote:iroh://ID`, `remote:iroh://ID@ADDRESS:PORT` | of a server anywhere, authenticated and encrypted; with an address directly, otherwise through public relays |
///
/// # Example
/// ```
/// use saliency_backends::{Adapter, Backend};
///
/// assert_eq!("vulkan:1".parse::<Backend>()?, Backend::Vulkan(Adapter::Nth(1)));
/// assert_eq!(Backend::Cuda(0).to_string(), "cuda:0");
/// let error = "gpu".parse::<Backend>().unwrap_err();
/// assert!(error.to_string().starts_with("expected a backend such as"));
/// # Ok::<(), saliency_backends::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Burn's fast CPU backend.
    Flex,
    /// Burn's older CPU backend.
    NdArray,
    /// A GPU through whichever graphics API there is.
    Wgpu(Adapter),
    /// A GPU through Vulkan.
    Vulkan(Adapter),
    /// A GPU through Apple's Metal.
    Metal(Adapter),
    /// A GPU through a browser's WebGPU.
    WebGpu(Adapter),
    /// An NVIDIA GPU through CUDA, by its number.
    Cuda(usize),
    /// An AMD GPU through ROCm, by its number.
    Rocm(usize),
    /// A device of another machine.
    Remote {
        /// `ws://HOST:PORT`, `iroh://ID` or `iroh://ID@ADDRESS:PORT`.
        url: String,
        /// Which of the devices that it serves.
        index: usize,
    },
}

/// Which of a graphics API's adapters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Adapter {
    /// The first discrete GPU, or else integrated one, or else any other, or else one that software
    /// imitates.
    #[default]
    Best,
    /// The first GPU with memory of its own.
    Discrete,
    /// The first GPU that shares the processor's memory.
    Integrated,
    /// A GPU that software imitates on the CPU.
    Cpu,
    /// By its place in the list of all, from 0.
    Nth(usize),
}

impl Backend {
    /// The Cargo feature that it needs.
    pub fn feature(&self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::NdArray => "ndarray",
            Self::Wgpu(_) => "wgpu",
            Self::Vulkan(_) => "vulkan",
            Self::Metal(_) => "metal",
            Self::WebGpu(_) => "webgpu",
            Self::Cuda(_) => "cuda",
            Self::Rocm(_) => "rocm",
            Self::Remote { .. } => "remote",
        }
    }
}

impl FromStr for Backend {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let (kind, which) = match name.split_once(':') {
            Some((kind, which)) => (kind, Some(which)),
            None => (name, None),
        };
        let unknown =
            |expected: String| Error::UnknownSelector { expected, found: name.to_owned() };
        let adapter = || {
            match which {
            None => Ok(Adapter::Best),
            Some("discrete") => Ok(Adapter::Discrete),
            Some("integrated") => Ok(Adapter::Integrated),
            Some("cpu") => Ok(Adapter::Cpu),
            Some(number) => number.parse().map(Adapter::Nth).map_err(|_| {
                unknown(format!(
                    "`{kind}` alone or with `:discrete`, `:integrated`, `:cpu` or a number from `:0`"
                ))
            }),
        }
        };
        let number = || {
            let number = which.map_or(Ok(0), str::parse);
            number.map_err(|_| unknown(format!("`{kind}` alone or with a number from `:0`")))
        };
        let alone = |backend| match which {
            None => Ok(backend),
            Some(_) => Err(unknown(format!("`{kind}` with nothing after it"))),
        };
        match kind {
            "flex" => alone(Self::Flex),
            "ndarray" => alone(Self::NdArray),
            "wgpu" => adapter().map(Self::Wgpu),
            "vulkan" => adapter().map(Self::Vulkan),
            "metal" => adapter().map(Self::Metal),
            "webgpu" => adapter().map(Self::WebGpu),
            "cuda" => number().map(Self::Cuda),
            "rocm" => number().map(Self::Rocm),
            "remote" => {
                let unknown = || {
                    unknown(
                        "`remote:ws://HOST:PORT`, `remote:iroh://ID` or \
                         `remote:iroh://ID@ADDRESS:PORT`, with `#1` for the second device"
                            .to_owned(),
                    )
                };
                let which = which.ok_or_else(unknown)?;
                let (url, index) = match which.split_once('#') {
                    Some((url, index)) => (url, index.parse().map_err(|_| unknown())?),
                    None => (which, 0),
                };
                let server = ["ws://", "iroh://"].iter().find_map(|kind| url.strip_prefix(kind));
                match server {
                    Some(server) if !server.is_empty() => {
                        Ok(Self::Remote { url: url.to_owned(), index })
                    }
                    _ => Err(unknown()),
                }
            }
            _ => Err(Error::UnknownBackend { found: name.to_owned() }),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.feature())?;
        match self {
            Self::Flex | Self::NdArray => Ok(()),
            Self::Wgpu(adapter)
            | Self::Vulkan(adapter)
            | Self::Metal(adapter)
            | Self::WebGpu(adapter) => match adapter {
                Adapter::Best => Ok(()),
                Adapter::Discrete => f.write_str(":discrete"),
                Adapter::Integrated => f.write_str(":integrated"),
                Adapter::Cpu => f.write_str(":cpu"),
                Adapter::Nth(number) => write!(f, ":{number}"),
            },
            Self::Cuda(number) | Self::Rocm(number) => write!(f, ":{number}"),
            Self::Remote { url, index: 0 } => write!(f, ":{url}"),
            Self::Remote { url, index } => write!(f, ":{url}#{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        let names = [
            "flex",
            "ndarray",
            "wgpu",
            "wgpu:discrete",
            "vulkan:integrated",
            "vulkan:cpu",
            "metal:0",
            "webgpu",
            "cuda:0",
            "rocm:3",
            "remote:ws://gpu:3000",
            "remote:ws://gpu:3000#2",
            "remote:iroh://abc@[::1]:4433",
        ];
        for name in names {
            let backend: Backend = name.parse().unwrap();
            assert_eq!(backend.to_string(), name);
            assert_eq!(backend.to_string().parse::<Backend>().unwrap(), backend);
        }
        assert_eq!("cuda".parse::<Backend>().unwrap(), Backend::Cuda(0));
    }

    #[test]
    fn names_that_nothing_has_are_refused_with_those_that_are_known() {
        let message = |name: &str| name.parse::<Backend>().unwrap_err().to_string();
        let unknown = message("opencl");
        assert!(unknown.contains("`opencl`") && unknown.contains("flex"), "{unknown}");
        for name in [
            "flex:0",
            "ndarray:cpu",
            "wgpu:fast",
            "cuda:x",
            "rocm:-1",
            "vulkan:",
            "remote",
            "remote:gpu:3000",
            "remote:ws://",
            "remote:ws://gpu:3000#x",
        ] {
            let message = message(name);
            assert!(message.starts_with("expected ") && message.contains("found"), "{message}");
        }
    }
}
