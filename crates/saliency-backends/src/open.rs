//! From a name to a device.

#[cfg(feature = "wgpu")]
use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;

use crate::backend::{Adapter, Backend};
use crate::check::{Fault, check};
use crate::compute::ComputeDevice;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::list::{Found, devices, here};

/// The variable of the environment that holds the token for remote devices.
const TOKEN_VARIABLE: &str = "SALIENCY_TOKEN";

impl Backend {
    /// Opens the device. A remote server is shown the token in the variable `SALIENCY_TOKEN`, if
    /// there is one; over `ws://` it can be read on the way.
    ///
    /// # Errors
    /// [`Error::FeatureMissing`], [`Error::DriverMissing`], [`Error::NoSuchDevice`],
    /// [`Error::NotOpened`], and [`Error::WrongNumbers`] for a device that computes something else
    /// than it should: each but the CPU is tried with a small network first. Of a remote device also
    /// [`Error::Unreachable`], after 15 seconds where nobody listens, and [`Error::Unauthorized`].
    ///
    /// # Example
    /// ```
    /// use saliency_backends::{Backend, Error};
    ///
    /// let device = Backend::Flex.open()?.device().clone();
    /// // No machine has that many.
    /// let error = Backend::Cuda(1000).open().unwrap_err();
    /// println!("{error}");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn open(&self) -> Result<ComputeDevice> {
        let token = std::env::var(TOKEN_VARIABLE).unwrap_or_default();
        self.open_with_token(&token)
    }

    /// Opens the device, showing `token` to the server where it is a remote one.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_with_token(&self, token: &str) -> Result<ComputeDevice> {
        if !self.built() {
            let (backend, feature) = (self.to_string(), self.feature());
            return Err(Error::FeatureMissing { backend, feature, here: here() });
        }
        if let Self::Remote { url, index } = self {
            let device = open_remote(url, *index, token)?;
            check(&device).map_err(|fault| match fault {
                // Burn keeps a connection for the life of the program, lost or not.
                Fault::Failed(reason) => Error::Unreachable {
                    url: url.clone(),
                    reason: format!(
                        "{reason}; a device that was lost is opened again only by a new program"
                    ),
                },
                wrong => wrong.of(self, url),
            })?;
            let (backend, name) = (self.clone(), url.clone());
            return Ok(ComputeDevice { device, backend, kind: Kind::Remote, name });
        }
        let mut found = devices(self);
        if found.is_empty() {
            let (backend, needed) = (self.to_string(), self.needed());
            return Err(Error::DriverMissing { backend, needed, here: here() });
        }
        match self.choose(&found) {
            Some(chosen) => found.swap_remove(chosen).open(),
            None => {
                let names: Vec<String> = found
                    .iter()
                    .map(|found| format!("{} ({})", found.backend, found.kind))
                    .collect();
                Err(Error::NoSuchDevice { backend: self.to_string(), found: names.join(", ") })
            }
        }
    }

    /// Which of the backend's devices is meant.
    fn choose(&self, found: &[Found]) -> Option<usize> {
        let first = |kind: Kind| found.iter().position(|found| found.kind == kind);
        match self {
            Self::Cuda(number) | Self::Rocm(number) => (*number < found.len()).then_some(*number),
            Self::Wgpu(adapter)
            | Self::Vulkan(adapter)
            | Self::Metal(adapter)
            | Self::WebGpu(adapter) => match adapter {
                Adapter::Best => first(Kind::DiscreteGpu)
                    .or_else(|| first(Kind::IntegratedGpu))
                    .or_else(|| first(Kind::OtherGpu))
                    .or_else(|| first(Kind::SoftwareGpu)),
                Adapter::Discrete => first(Kind::DiscreteGpu),
                Adapter::Integrated => first(Kind::IntegratedGpu),
                Adapter::Cpu => first(Kind::SoftwareGpu),
                Adapter::Nth(number) => (*number < found.len()).then_some(*number),
            },
            _ => Some(0),
        }
    }
}

/// Which graphics adapter a device is. Burn tells by the device's name only: `DiscreteGpu(1)`.
#[cfg(feature = "wgpu")]
pub(crate) fn adapter(device: &Device) -> Option<DeviceKind> {
    let name = format!("{device:?}");
    let number = |kind: &str| {
        let (_, rest) = name.split_once(&format!("{kind}("))?;
        rest.split_once(')')?.0.parse().ok()
    };
    number("DiscreteGpu")
        .map(DeviceKind::DiscreteGpu)
        .or_else(|| number("IntegratedGpu").map(DeviceKind::IntegratedGpu))
        .or_else(|| number("VirtualGpu").map(DeviceKind::VirtualGpu))
        .or_else(|| name.contains("Cpu").then_some(DeviceKind::Cpu))
}

/// The graphics adapters that this program has opened; Burn keeps each open as long as it runs.
/// Opening one again, or two at a time, aborts the program with some drivers (Mesa's OpenGL).
#[cfg(feature = "wgpu")]
static OPEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Opens a graphics adapter. Burn would do so at the first use, and panic where it fails.
#[cfg(feature = "wgpu")]
pub(crate) fn open_graphics(device: &Device, backend: &Backend) -> Result<()> {
    use burn::tensor::wgpu::{WgpuBackend, WgpuInitError};

    let api = match backend {
        Backend::Wgpu(_) => WgpuBackend::Auto,
        Backend::Vulkan(_) => WgpuBackend::Vulkan,
        Backend::Metal(_) => WgpuBackend::Metal,
        Backend::WebGpu(_) => WgpuBackend::WebGpu,
        _ => return Ok(()),
    };
    let Some(kind) = adapter(device) else { return Ok(()) };
    let name = format!("{device:?}");
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if open.contains(&name) {
        return Ok(());
    }
    match Device::wgpu_options().device_kind(kind).graphics_api(api).init() {
        // The program itself may have opened it through Burn.
        Ok(_) | Err(WgpuInitError::Registration { .. }) => {
            open.push(name);
            Ok(())
        }
        Err(error) => {
            Err(Error::NotOpened { backend: backend.to_string(), reason: error.to_string() })
        }
    }
}

#[cfg(not(feature = "remote"))]
fn open_remote(_: &str, _: usize, _: &str) -> Result<Device> {
    unreachable!("a missing feature is an error before")
}

#[cfg(feature = "remote")]
fn open_remote(url: &str, index: usize, token: &str) -> Result<Device> {
    use burn::remote::{ConnectError, RemoteHost};

    let unreachable = |reason: String| Error::Unreachable { url: url.to_owned(), reason };
    let host = match url.strip_prefix("iroh://") {
        Some(id) => RemoteHost::iroh(iroh_host(id).map_err(unreachable)?),
        None => RemoteHost::websocket(url),
    };
    let host = if token.is_empty() { host } else { host.with_credential(token) };
    Device::remote_options(&host).device_index(index).init().map_err(|error| match error {
        ConnectError::Unauthorized => Error::Unauthorized { url: url.to_owned() },
        ConnectError::NoSuchDevice { device_count } => Error::NoSuchDevice {
            backend: format!("device {index}"),
            found: format!("the {device_count} devices of {url}, counted from 0"),
        },
        error => unreachable(error.to_string()),
    })
}

/// `ID`, reached through public relays, or `ID@ADDRESS:PORT`, reached directly.
#[cfg(feature = "remote")]
fn iroh_host(id: &str) -> Result<burn::remote::IrohHost, String> {
    use burn::remote::{EndpointId, IrohHost, IrohRelays};

    let (id, address) = match id.split_once('@') {
        Some((id, address)) => (id, Some(address)),
        None => (id, None),
    };
    let id: EndpointId =
        id.parse().map_err(|error| format!("`{id}` is no server's id: {error}"))?;
    let host = IrohHost::new(id);
    let Some(address) = address else { return Ok(host) };
    let address = address
        .parse()
        .map_err(|_| format!("`{address}` is not an address and a port such as 10.0.0.7:4433"))?;
    Ok(host.with_relays(IrohRelays::Disabled).with_address(address))
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    fn found(kinds: &[Kind]) -> Vec<Found> {
        let found = |(number, &kind): (usize, &Kind)| {
            let backend = Backend::Vulkan(Adapter::Nth(number));
            Found { device: Device::flex(), backend, kind }
        };
        kinds.iter().enumerate().map(found).collect()
    }

    #[test]
    fn of_several_adapters_the_one_that_is_meant_is_chosen() {
        let all = [Kind::SoftwareGpu, Kind::IntegratedGpu, Kind::DiscreteGpu, Kind::DiscreteGpu];
        let choose = |adapter, kinds: &[Kind]| Backend::Vulkan(adapter).choose(&found(kinds));
        assert_eq!(choose(Adapter::Best, &all), Some(2));
        assert_eq!(choose(Adapter::Best, &all[..2]), Some(1));
        assert_eq!(choose(Adapter::Best, &all[..1]), Some(0));
        assert_eq!(choose(Adapter::Discrete, &all), Some(2));
        assert_eq!(choose(Adapter::Integrated, &all), Some(1));
        assert_eq!(choose(Adapter::Cpu, &all), Some(0));
        assert_eq!(choose(Adapter::Nth(3), &all), Some(3));
        assert_eq!(choose(Adapter::Nth(4), &all), None);
        assert_eq!(choose(Adapter::Discrete, &all[..2]), None);
        assert_eq!(Backend::Cuda(4).choose(&found(&all)), None);
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
        match devices(&backend).is_empty() {
            true => assert!(matches!(error, Error::DriverMissing { .. }), "{error}"),
            false => {
                assert!(matches!(error, Error::NoSuchDevice { .. }), "{error}");
                assert!(error.to_string().contains("wgpu:0 ("), "{error}");
            }
        }
    }

    #[test]
    fn a_device_may_be_opened_twice() {
        for found in Backend::available() {
            for _ in 0..2 {
                if let Ok(open) = found.backend.open() {
                    assert_eq!((open.backend(), open.kind()), (&found.backend, found.kind));
                }
            }
        }
    }
}
