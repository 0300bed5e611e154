//! The devices that this program can open on this machine.

use burn::tensor::{Device, DeviceType};

use crate::backend::{Adapter, Backend};
use crate::check::check;
use crate::compute::{Again, ComputeDevice};
use crate::error::Result;
#[cfg(feature = "wgpu")]
use crate::graphics::hardware_of;
use crate::hardware::Hardware;

/// A device that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Available {
    /// The name that opens the device.
    pub backend: Backend,
    /// The kind of hardware.
    pub hardware: Hardware,
    /// The driver's name for the device, or the reason if it cannot be opened.
    pub name: String,
}

/// A backend that has no device here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unavailable {
    /// The backend's name.
    pub backend: &'static str,
    /// The feature or the driver that is missing.
    pub reason: String,
}

/// A device that was found, and not opened yet.
pub(crate) struct Found {
    pub device: Device,
    pub backend: Backend,
    pub hardware: Hardware,
}

/// The backends of GPUs. If several can use the same GPU, the best comes first.
const GPU_BACKENDS: [Backend; 6] = [
    Backend::Cuda(0),
    Backend::Metal(Adapter::Best),
    Backend::Rocm(0),
    Backend::Vulkan(Adapter::Best),
    Backend::Wgpu(Adapter::Best),
    Backend::WebGpu(Adapter::Best),
];

impl Backend {
    /// Lists every device that this program can open on this machine, best first. Remote devices
    /// are not looked for.
    ///
    /// Opens each GPU to ask for its name, which takes a moment.
    pub fn available() -> Vec<Available> {
        let named = |found: Found| {
            let (backend, hardware) = (found.backend.clone(), found.hardware);
            let name = found.open().map_or_else(|error| error.to_string(), |open| open.name);
            Available { backend, hardware, name }
        };
        found().into_iter().map(named).collect()
    }

    /// Lists the backends that have no device here, with the missing part for each.
    pub fn unavailable() -> Vec<Unavailable> {
        let cpus = [Self::Flex, Self::NdArray];
        let all = GPU_BACKENDS.iter().chain(&cpus);
        let missing = all.filter(|backend| devices(backend).is_empty()).map(|backend| {
            let feature = backend.feature();
            let reason = if backend.built() {
                format!("needs {}, found none", backend.needed())
            } else {
                format!("not in this program: needs the Cargo feature `{feature}`")
            };
            Unavailable { backend: feature, reason }
        });
        missing.collect()
    }
}

/// Lists the names of all devices, for error messages.
pub(crate) fn here() -> String {
    let names: Vec<String> = found().iter().map(|found| found.backend.to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Finds every device, best first: real GPUs, CPUs, emulated GPUs.
pub(crate) fn found() -> Vec<Found> {
    let (gpus, software): (Vec<Found>, Vec<Found>) =
        GPU_BACKENDS.iter().flat_map(devices).partition(|found| found.hardware.is_gpu());
    let cpus = [Backend::Flex, Backend::NdArray];
    gpus.into_iter().chain(cpus.iter().flat_map(devices)).chain(software).collect()
}

/// Finds the devices of one backend, in the order of their numbers.
pub(crate) fn devices(backend: &Backend) -> Vec<Found> {
    let Some(device_type) = device_type(backend) else { return Vec::new() };
    let devices = Device::enumerate(device_type).into_vec().into_iter().enumerate();
    let numbered = |(number, device): (usize, Device)| {
        let adapter = Adapter::Nth(number);
        let (backend, hardware) = match backend {
            Backend::Flex | Backend::NdArray => (backend.clone(), Hardware::Cpu),
            Backend::Cuda(_) => (Backend::Cuda(number), Hardware::DiscreteGpu),
            Backend::Rocm(_) => (Backend::Rocm(number), Hardware::DiscreteGpu),
            Backend::Wgpu(_) => (Backend::Wgpu(adapter), hardware_of(&device)),
            Backend::Vulkan(_) => (Backend::Vulkan(adapter), hardware_of(&device)),
            Backend::Metal(_) => (Backend::Metal(adapter), hardware_of(&device)),
            Backend::WebGpu(_) => (Backend::WebGpu(adapter), hardware_of(&device)),
            Backend::Remote { .. } => (backend.clone(), Hardware::Remote),
        };
        Found { device, backend, hardware }
    };
    devices.map(numbered).collect()
}

/// Returns Burn's name for a backend, or `None` if the program was built without it.
// Without any of these features, `_` is all that is left.
#[allow(clippy::match_single_binding)]
fn device_type(backend: &Backend) -> Option<DeviceType> {
    match backend {
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
    }
}

#[cfg(not(feature = "wgpu"))]
fn hardware_of(_: &Device) -> Hardware {
    Hardware::OtherGpu
}

impl Found {
    /// Opens the device and tries it, so that failures happen here.
    pub fn open(self) -> Result<ComputeDevice> {
        let Self { device, backend, hardware } = self;
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
        let again = Again::new({
            let backend = backend.clone();
            move || backend.open()
        });
        Ok(ComputeDevice { device, backend, hardware, name, cpus: 1, again })
    }
}

/// Opens a GPU and asks for its name.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
fn gpu_name(device: &Device, backend: &Backend) -> Result<String> {
    use crate::error::{Cause, Error};
    use crate::panics::attempt;

    #[cfg(feature = "wgpu")]
    crate::graphics::open_graphics(device, backend)?;
    let identity = attempt(
        || Ok(device.identity()),
        |panic| Error::NotOpened { backend: backend.to_string(), source: Cause::new(panic) },
    )?;
    Ok(identity.map_or_else(|| backend.to_string(), |identity| identity.name))
}

#[cfg(not(any(feature = "wgpu", feature = "cuda", feature = "rocm")))]
fn gpu_name(_: &Device, backend: &Backend) -> Result<String> {
    Ok(backend.to_string())
}
