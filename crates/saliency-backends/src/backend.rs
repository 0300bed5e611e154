//! The names of backends.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A backend with one of its devices, by name.
///
/// | name | device |
/// |---|---|
/// | `flex` | Burn's fast CPU backend |
/// | `ndarray` | Burn's older CPU backend |
/// | `wgpu`, `vulkan`, `metal`, `webgpu` | the best GPU through its graphics driver |
/// | `vulkan:discrete`, `vulkan:integrated`, `vulkan:cpu` | the first of that kind; `cpu` is software |
/// | `vulkan:1` | the second adapter in the list of all |
/// | `cuda`, `cuda:1`, `rocm`, `rocm:1` | the first or second GPU of NVIDIA or AMD |
/// | `remote:ws://HOST:PORT` | a server on a trusted network; `#1` for its second device |
/// | `remote:iroh://ID` | a server anywhere, through public relays |
/// | `remote:iroh://ID@ADDRESS:PORT` | the same, reached directly |
///
/// Connections to `iroh://` are authenticated and encrypted, those to `ws://` are not.
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
    /// A GPU through any graphics API of the machine.
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
        /// The index of the device, among those that the server lends.
        index: usize,
    },
}

/// The choice among the adapters of a graphics API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Adapter {
    /// The first adapter of the best kind that the machine has. From best to worst: a discrete GPU,
    /// an integrated one, any other, an emulated one.
    #[default]
    Best,
    /// The first GPU with memory of its own.
    Discrete,
    /// The first GPU that shares the processor's memory.
    Integrated,
    /// A GPU emulated by software on the CPU.
    Cpu,
    /// The adapter at this index in the list of all, from 0.
    Nth(usize),
}

impl Backend {
    /// Returns the Cargo feature that the backend needs.
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

impl Backend {
    /// Returns whether this program was built with the backend.
    pub(crate) fn built(&self) -> bool {
        match self {
            Self::Flex => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Wgpu(_) => cfg!(feature = "wgpu"),
            Self::Vulkan(_) => cfg!(feature = "vulkan"),
            Self::Metal(_) => cfg!(feature = "metal"),
            Self::WebGpu(_) => cfg!(feature = "webgpu"),
            Self::Cuda(_) => cfg!(feature = "cuda"),
            Self::Rocm(_) => cfg!(feature = "rocm"),
            Self::Remote { .. } => cfg!(feature = "remote"),
        }
    }

    /// Returns the driver or hardware that a machine must have for the backend.
    pub(crate) fn needed(&self) -> &'static str {
        match self {
            Self::Flex | Self::NdArray => "a processor",
            Self::Wgpu(_) => "a graphics driver (Vulkan, Metal or DirectX 12)",
            Self::Vulkan(_) => {
                "a Vulkan driver (on Debian and Ubuntu the package mesa-vulkan-drivers, or the one \
                 of the GPU's maker)"
            }
            Self::Metal(_) => "Metal, which Apple's computers have",
            Self::WebGpu(_) => "a browser with WebGPU",
            Self::Cuda(_) => "an NVIDIA GPU with its driver and the CUDA toolkit",
            Self::Rocm(_) => "an AMD GPU with ROCm",
            Self::Remote { .. } => "a server",
        }
    }
}

impl FromStr for Backend {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let selector = Selector::new(name);
        match selector.backend {
            "flex" => selector.alone(Self::Flex),
            "ndarray" => selector.alone(Self::NdArray),
            "wgpu" => selector.adapter().map(Self::Wgpu),
            "vulkan" => selector.adapter().map(Self::Vulkan),
            "metal" => selector.adapter().map(Self::Metal),
            "webgpu" => selector.adapter().map(Self::WebGpu),
            "cuda" => selector.number().map(Self::Cuda),
            "rocm" => selector.number().map(Self::Rocm),
            "remote" => selector.remote(),
            _ => Err(Error::UnknownBackend { found: name.to_owned() }),
        }
    }
}

/// A name, split at its first colon.
struct Selector<'a> {
    name: &'a str,
    backend: &'a str,
    /// The part after the colon.
    which: Option<&'a str>,
}

impl<'a> Selector<'a> {
    fn new(name: &'a str) -> Self {
        match name.split_once(':') {
            Some((backend, which)) => Self { name, backend, which: Some(which) },
            None => Self { name, backend: name, which: None },
        }
    }

    /// Returns `backend` if nothing follows its name.
    fn alone(&self, backend: Backend) -> Result<Backend> {
        if self.which.is_some() {
            return Err(self.unknown(format!("`{}` with nothing after it", self.backend)));
        }
        Ok(backend)
    }

    /// Reads the choice of an adapter.
    fn adapter(&self) -> Result<Adapter> {
        match self.which {
            None => Ok(Adapter::Best),
            Some("discrete") => Ok(Adapter::Discrete),
            Some("integrated") => Ok(Adapter::Integrated),
            Some("cpu") => Ok(Adapter::Cpu),
            Some(number) => number.parse().map(Adapter::Nth).map_err(|_| {
                let choices = "`:discrete`, `:integrated`, `:cpu` or a number from `:0`";
                self.unknown(format!("`{}` alone or with {choices}", self.backend))
            }),
        }
    }

    /// Reads the number of a device.
    fn number(&self) -> Result<usize> {
        let Some(number) = self.which else { return Ok(0) };
        number.parse().map_err(|_| {
            self.unknown(format!("`{}` alone or with a number from `:0`", self.backend))
        })
    }

    /// Reads the address of a server and the number of a device.
    fn remote(&self) -> Result<Backend> {
        let unknown = || {
            self.unknown(
                "`remote:ws://HOST:PORT`, `remote:iroh://ID` or `remote:iroh://ID@ADDRESS:PORT`, \
                 with `#1` for the second device"
                    .to_owned(),
            )
        };
        let which = self.which.ok_or_else(unknown)?;
        let (url, index) = match which.split_once('#') {
            Some((url, index)) => (url, index.parse().map_err(|_| unknown())?),
            None => (which, 0),
        };
        let right = match url.split_once("://") {
            Some(("ws", server)) => has_host_and_port(server),
            Some(("iroh", server)) => !server.is_empty(),
            _ => false,
        };
        if !right {
            return Err(unknown());
        }
        Ok(Backend::Remote { url: url.to_owned(), index })
    }

    fn unknown(&self, expected: String) -> Error {
        Error::UnknownSelector { expected, found: self.name.to_owned() }
    }
}

/// Returns whether a text is `HOST:PORT` and nothing else.
fn has_host_and_port(server: &str) -> bool {
    let Some((host, port)) = server.rsplit_once(':') else { return false };
    let port = port.parse::<u16>().is_ok_and(|port| port > 0);
    port && !host.is_empty() && !host.contains(['/', '?', '@'])
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
            "remote:ws://gpu",
            "remote:ws://gpu:",
            "remote:ws://gpu:0",
            "remote:ws://gpu:99999",
            "remote:ws://gpu:3000/path",
            "remote:ws://:3000",
            "remote:wss://gpu:3000",
            "remote:iroh://",
        ] {
            let message = message(name);
            assert!(message.starts_with("expected ") && message.contains("found"), "{message}");
        }
    }
}
