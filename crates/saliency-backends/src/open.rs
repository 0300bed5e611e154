//! From a name to a device.

use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

use crate::access::Access;
use crate::backend::{Adapter, Backend};
use crate::compute::ComputeDevice;
use crate::devices::{Found, devices, found, here};
use crate::error::{Error, Result};
use crate::hardware::Hardware;

/// The environment variable that names the backend for [`Backend::open_preferred`].
const DEVICE_VARIABLE: &str = "SALIENCY_DEVICE";
impl Backend {
    /// Opens the device. If it is a device of another machine, the server receives the token in the
    /// environment variable `SALIENCY_TOKEN`, if there is one. Over `ws://` others can read the
    /// token on the way.
    ///
    /// # Errors
    /// [`Error::FeatureMissing`], [`Error::DriverMissing`], [`Error::NoSuchDevice`],
    /// [`Error::NotOpened`], and [`Error::WrongNumbers`] for a device that computes wrong numbers:
    /// each device except the CPU is tried with a small network first. Devices of other machines
    /// also return [`Error::Unreachable`], [`Error::NoServer`], [`Error::OtherVersion`],
    /// [`Error::Unauthorized`], and [`Error::Silent`] after 15 seconds.
    ///
    /// # Example
    /// ```
    /// use saliency_backends::{Backend, Error};
    ///
    /// let device = Backend::Flex.open()?.device().clone();
    /// // No machine has that many GPUs.
    /// let error = Backend::Cuda(1000).open().unwrap_err();
    /// println!("{error}");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn open(&self) -> Result<ComputeDevice> {
        self.open_with(&Access::new())
    }

    /// Opens the device. If it is a device of another machine, sends `token` to its server.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_with_token(&self, token: &str) -> Result<ComputeDevice> {
        self.open_with(&Access::new().with_token(token))
    }

    /// Opens several devices, those of other machines at the same time. Returns a device or an
    /// error for each backend, in order.
    pub fn open_all(backends: &[Self], access: &Access) -> Vec<Result<ComputeDevice>> {
        std::thread::scope(|scope| {
            let begin = |backend: &Self| match backend {
                Self::Remote { .. } => {
                    let backend = backend.clone();
                    Opened::Later(scope.spawn(move || backend.open_with(access)))
                }
                _ => Opened::Now(Box::new(backend.open_with(access))),
            };
            let opened: Vec<Opened> = backends.iter().map(begin).collect();
            opened.into_iter().map(Opened::wait).collect()
        })
    }

    /// Opens the device. `access` applies to devices of other machines.
    ///
    /// # Errors
    /// Those of [`open`](Self::open). [`Error::Silent`] is returned after the patience of `access`.
    pub fn open_with(&self, access: &Access) -> Result<ComputeDevice> {
        if !self.built() {
            let (backend, feature) = (self.to_string(), self.feature());
            return Err(Error::FeatureMissing { backend, feature, here: here() });
        }
        #[cfg(feature = "remote")]
        if let Self::Remote { url, index } = self {
            return crate::remote::open(url, *index, access);
        }
        #[cfg(not(feature = "remote"))]
        let _ = access;
        let mut found = devices(self);
        if found.is_empty() {
            let (backend, needed) = (self.to_string(), self.needed());
            return Err(Error::DriverMissing { backend, needed, here: here() });
        }
        let Some(chosen) = self.choose(&found) else {
            let name = |found: &Found| format!("{} ({})", found.backend, found.hardware);
            let names: Vec<String> = found.iter().map(name).collect();
            let (backend, found) = (self.to_string(), names.join(", "));
            return Err(Error::NoSuchDevice { backend, found });
        };
        found.swap_remove(chosen).open()
    }

    /// Opens the device that the environment variable `SALIENCY_DEVICE` names, if the variable is
    /// set and not empty. Otherwise opens the best device that can be opened: a real GPU, the CPU
    /// (Flex rather than NdArray), or an emulated GPU.
    ///
    /// # Errors
    /// [`Error::UnknownBackend`], [`Error::UnknownSelector`] and those of [`open`](Self::open) for
    /// the variable. [`Error::NoDevice`] if no device can be opened; it names the Cargo feature to
    /// switch on.
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
            _ => found().into_iter().find_map(|found| found.open().ok()).ok_or(Error::NoDevice),
        }
    }

    /// Returns the index of the chosen device, among those of the backend.
    fn choose(&self, found: &[Found]) -> Option<usize> {
        let first = |wanted: Hardware| found.iter().position(|found| found.hardware == wanted);
        match self {
            Self::Cuda(number) | Self::Rocm(number) => (*number < found.len()).then_some(*number),
            Self::Wgpu(adapter)
            | Self::Vulkan(adapter)
            | Self::Metal(adapter)
            | Self::WebGpu(adapter) => match adapter {
                Adapter::Best => first(Hardware::DiscreteGpu)
                    .or_else(|| first(Hardware::IntegratedGpu))
                    .or_else(|| first(Hardware::OtherGpu))
                    .or_else(|| first(Hardware::SoftwareGpu)),
                Adapter::Discrete => first(Hardware::DiscreteGpu),
                Adapter::Integrated => first(Hardware::IntegratedGpu),
                Adapter::Cpu => first(Hardware::SoftwareGpu),
                Adapter::Nth(number) => (*number < found.len()).then_some(*number),
            },
            _ => Some(0),
        }
    }
}

/// A device that is being opened.
enum Opened<'scope> {
    Now(Box<Result<ComputeDevice>>),
    Later(ScopedJoinHandle<'scope, Result<ComputeDevice>>),
}

impl Opened<'_> {
    fn wait(self) -> Result<ComputeDevice> {
        match self {
            Self::Now(device) => *device,
            Self::Later(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn of_kinds(kinds: &[Hardware]) -> Vec<Found> {
        let found = |(number, &hardware): (usize, &Hardware)| {
            let backend = Backend::Vulkan(Adapter::Nth(number));
            Found { device: Device::flex(), backend, hardware }
        };
        kinds.iter().enumerate().map(found).collect()
    }

    #[test]
    fn of_several_adapters_the_one_that_is_meant_is_chosen() {
        let all = [
            Hardware::SoftwareGpu,
            Hardware::IntegratedGpu,
            Hardware::DiscreteGpu,
            Hardware::DiscreteGpu,
        ];
        let choose =
            |adapter, kinds: &[Hardware]| Backend::Vulkan(adapter).choose(&of_kinds(kinds));
        assert_eq!(choose(Adapter::Best, &all), Some(2));
        assert_eq!(choose(Adapter::Best, &all[..2]), Some(1));
        assert_eq!(choose(Adapter::Best, &all[..1]), Some(0));
        assert_eq!(choose(Adapter::Discrete, &all), Some(2));
        assert_eq!(choose(Adapter::Integrated, &all), Some(1));
        assert_eq!(choose(Adapter::Cpu, &all), Some(0));
        assert_eq!(choose(Adapter::Nth(3), &all), Some(3));
        assert_eq!(choose(Adapter::Nth(4), &all), None);
        assert_eq!(choose(Adapter::Discrete, &all[..2]), None);
        assert_eq!(Backend::Cuda(4).choose(&of_kinds(&all)), None);
    }

    #[test]
    #[cfg(not(feature = "rocm"))]
    fn a_backend_that_was_not_built_names_its_feature_and_what_is_here() {
        let error = Backend::Rocm(0).open().unwrap_err();
        assert!(matches!(error, Error::FeatureMissing { feature: "rocm", .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("`rocm` for rocm:0") && message.contains("flex"), "{message}");
    }

    #[test]
    #[cfg(feature = "wgpu")]
    fn an_adapter_too_many_is_refused_with_those_that_there_are() {
        let backend = Backend::Wgpu(Adapter::Nth(1000));
        let error = backend.open().unwrap_err();
        // Without any driver there is nothing to list.
        if devices(&backend).is_empty() {
            assert!(matches!(error, Error::DriverMissing { .. }), "{error}");
        } else {
            assert!(matches!(error, Error::NoSuchDevice { .. }), "{error}");
            assert!(error.to_string().contains("wgpu:0 ("), "{error}");
        }
    }

    #[test]
    fn a_device_may_be_opened_twice() {
        for found in Backend::available() {
            for _ in 0..2 {
                if let Ok(open) = found.backend.open() {
                    assert_eq!((open.backend(), open.hardware()), (&found.backend, found.hardware));
                }
            }
        }
    }
}
