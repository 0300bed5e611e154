//! What this program can open on this machine.

#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
use burn::tensor::{Device, DeviceType};

use crate::backend::{Adapter, Backend};
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
use crate::check::attempt;
use crate::check::{Fault, check};
use crate::compute::ComputeDevice;
use crate::error::{Error, Result};
use crate::kind::Kind;
#[cfg(feature = "wgpu")]
use crate::open::adapter;

/// The variable of the environment that names the backend for [`Backend::open_preferred`].
const DEVICE_VARIABLE: &str = "SALIENCY_DEVICE";

/// A device that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Available {
    /// The name to open it by.
    pub backend: Backend,
    /// What kind of hardware it is.
    pub kind: Kind,
    /// What the driver calls it; where it cannot be opened, why.
    pub name: String,
}

/// A backend that has no device here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unavailable {
    /// The backend's name.
    pub backend: &'static str,
    /// What is missing.
    pub reason: String,
}

/// A device that was found, and not opened yet.
pub(crate) struct Found {
    pub device: Device,
    pub backend: Backend,
    pub kind: Kind,
}

/// The backends of GPUs: best first where the same GPU has several.
const GPU_BACKENDS: [Backend; 6] = [
    Backend::Cuda(0),
    Backend::Metal(Adapter::Best),
    Backend::Rocm(0),
    Backend::Vulkan(Adapter::Best),
    Backend::Wgpu(Adapter::Best),
    Backend::WebGpu(Adapter::Best),
];

impl Backend {
    /// Every device that this program can open on this machine, best first. Remote devices are not
    /// looked for.
    ///
    /// Opens each GPU to ask for its name, which takes a moment.
    pub fn available() -> Vec<Available> {
        let named = |found: Found| {
            let (backend, kind) = (found.backend.clone(), found.kind);
            let name = found.open().map_or_else(|error| error.to_string(), |open| open.name);
            Available { backend, kind, name }
        };
        found().into_iter().map(named).collect()
    }

    /// The backends that have no device here, and what each is missing.
    pub fn unavailable() -> Vec<Unavailable> {
        let cpus = [Self::Flex, Self::NdArray];
        let all = GPU_BACKENDS.iter().chain(&cpus);
        let missing = all.filter(|backend| devices(backend).is_empty()).map(|backend| {
            let (name, feature) = (backend.feature(), backend.feature());
            let reason = match backend.built() {
                false => format!("not in this program: needs the Cargo feature `{feature}`"),
                true => format!("needs {}, found none", backend.needed()),
            };
            Unavailable { backend: name, reason }
        });
        missing.collect()
    }

    /// Opens what the variable `SALIENCY_DEVICE` names, if it is set and not empty, or else the best
    /// of what can be opened: a real GPU, the CPU (Flex rather than NdArray), or a GPU that software
    /// imitates.
    ///
    /// # Errors
    /// [`Error::UnknownBackend`], [`Error::UnknownSelector`] and those of [`open`](Self::open) for
    /// the variable, [`Error::NothingHere`] where there is nothing to compute with.
    ///
    /// # Example
    /// ```
    /// use saliency_backends::{Backend, Error};
    ///
    /// let compute = Backend::open_preferred()?;
    /// println!("{}: {}", compute.backend(), compute.name());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn open_preferred() -> Result<ComputeDevice> {
        match std::env::var_os(DEVICE_VARIABLE) {
            Some(name) if !name.is_empty() => name.to_string_lossy().parse::<Self>()?.open(),
            _ => found().into_iter().find_map(|found| found.open().ok()).ok_or(Error::NothingHere),
        }
    }

    /// Whether this program was built with what it needs.
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

    /// What a machine must have for it.
    pub(crate) fn needed(&self) -> &'static str {
        match self {
            Self::Flex | Self::NdArray => "a processor",
            Self::Wgpu(_) => "a graphics driver (Vulkan, Metal or DirectX 12)",
            Self::Vulkan(_) => {
                "a Vulkan driver (on Debian and Ubuntu the package \
                                mesa-vulkan-drivers, or the one of the GPU's maker)"
            }
            Self::Metal(_) => "Metal, which Apple's computers have",
            Self::WebGpu(_) => "a browser with WebGPU",
            Self::Cuda(_) => "an NVIDIA GPU with its driver and the CUDA toolkit",
            Self::Rocm(_) => "an AMD GPU with ROCm",
            Self::Remote { .. } => "a server",
        }
    }
}

/// The names of what there is, for error messages.
pub(crate) fn here() -> String {
    let names: Vec<String> = found().iter().map(|found| found.backend.to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Every device, best first.
fn found() -> Vec<Found> {
    let (gpus, software): (Vec<Found>, Vec<Found>) =
        GPU_BACKENDS.iter().flat_map(devices).partition(|found| found.kind.is_gpu());
    let cpus = [Backend::Flex, Backend::NdArray];
    gpus.into_iter().chain(cpus.iter().flat_map(devices)).chain(software).collect()
}

/// The devices of one backend, in the order of their numbers.
pub(crate) fn devices(backend: &Backend) -> Vec<Found> {
    // Without any of these features, all that is left is `_`.
    #[allow(clippy::match_single_binding)]
    let types: Option<DeviceType> = match backend {
        #[cfg(feature = "flex")]
        Backend::Flex => Some(DeviceType::Flex),
        #[cfg(feature = "ndarray")]
        Backend::NdArray => Some(DeviceType::NdArray),
        #[cfg(feature = "wgpu")]
        Backend::Wgpu(_) => Some(DeviceType::Wgpu),
        #[cfg(feature = "vulkan")]
        Backend::Vulkan(_) => Some(DeviceType::Vulkan),
        #[cfg(feature = "metal")]
        Backend::Metal(_) => Some(DeviceType::Metal),
        #[cfg(feature = "webgpu")]
        Backend::WebGpu(_) => Some(DeviceType::WebGpu),
        #[cfg(feature = "cuda")]
        Backend::Cuda(_) => Some(DeviceType::Cuda),
        #[cfg(feature = "rocm")]
        Backend::Rocm(_) => Some(DeviceType::Rocm),
        _ => None,
    };
    let devices = types.map(|types| Device::enumerate(types).into_vec()).unwrap_or_default();
    let numbered = |(number, device): (usize, Device)| {
        let (backend, kind) = match backend {
            Backend::Flex | Backend::NdArray => (backend.clone(), Kind::Cpu),
            Backend::Cuda(_) => (Backend::Cuda(number), Kind::DiscreteGpu),
            Backend::Rocm(_) => (Backend::Rocm(number), Kind::DiscreteGpu),
            Backend::Wgpu(_) => (Backend::Wgpu(Adapter::Nth(number)), kind_of(&device)),
            Backend::Vulkan(_) => (Backend::Vulkan(Adapter::Nth(number)), kind_of(&device)),
            Backend::Metal(_) => (Backend::Metal(Adapter::Nth(number)), kind_of(&device)),
            Backend::WebGpu(_) => (Backend::WebGpu(Adapter::Nth(number)), kind_of(&device)),
            Backend::Remote { .. } => (backend.clone(), Kind::Remote),
        };
        Found { device, backend, kind }
    };
    devices.into_iter().enumerate().map(numbered).collect()
}

/// The kind of a graphics adapter.
#[cfg(feature = "wgpu")]
fn kind_of(device: &Device) -> Kind {
    match adapter(device) {
        Some(DeviceKind::DiscreteGpu(_)) => Kind::DiscreteGpu,
        Some(DeviceKind::IntegratedGpu(_)) => Kind::IntegratedGpu,
        Some(DeviceKind::Cpu) => Kind::SoftwareGpu,
        _ => Kind::OtherGpu,
    }
}

#[cfg(not(feature = "wgpu"))]
fn kind_of(_: &Device) -> Kind {
    Kind::OtherGpu
}

impl Found {
    /// Opens the device, so that what may fail fails here.
    pub fn open(self) -> Result<ComputeDevice> {
        let Self { device, backend, kind } = self;
        let name = match &backend {
            Backend::Flex | Backend::NdArray => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                format!("this machine's processor, {cores} cores")
            }
            _ => {
                let name = gpu_name(&device, &backend)?;
                check(&device).map_err(|fault| fault.of(&backend, &name))?;
                name
            }
        };
        Ok(ComputeDevice { device, backend, kind, name })
    }
}

/// Opens a GPU and asks for its name.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
fn gpu_name(device: &Device, backend: &Backend) -> Result<String> {
    #[cfg(feature = "wgpu")]
    crate::open::open_graphics(device, backend)?;
    let identity = attempt(|| Ok(device.identity()), |reason| reason);
    let identity = identity.map_err(|reason| {
        let backend = backend.to_string();
        Error::NotOpened { backend, reason }
    })?;
    Ok(identity.map_or_else(|| backend.to_string(), |identity| identity.name))
}

#[cfg(not(any(feature = "wgpu", feature = "cuda", feature = "rocm")))]
fn gpu_name(_: &Device, backend: &Backend) -> Result<String> {
    Ok(backend.to_string())
}

impl Fault {
    /// The error for the device that has it.
    pub fn of(self, backend: &Backend, name: &str) -> Error {
        let backend = backend.to_string();
        match self {
            Self::Wrong(reason) => Error::WrongNumbers { backend, name: name.to_owned(), reason },
            Self::Failed(reason) => Error::NotOpened { backend, reason },
        }
    }
}
