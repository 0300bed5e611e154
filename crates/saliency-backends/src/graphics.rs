//! GPUs through their graphics driver.

use std::sync::{Mutex, PoisonError};

use burn::backend::{CubeDevice, DispatchDevice, WgpuDevice, WgpuDeviceKind};
use burn::tensor::wgpu::{WgpuBackend, WgpuInitError};
use burn::tensor::{Device, DeviceKind};

use crate::backend::Backend;
use crate::error::{Cause, Error, Result};
use crate::hardware::Hardware;

/// The graphics adapters that this program has opened. Burn keeps each of them open as long as the
/// program runs. With some drivers (Mesa's OpenGL), opening an adapter again or opening two at the
/// same time aborts the program.
static OPEN: Mutex<Vec<Device>> = Mutex::new(Vec::new());

/// Returns the kind of hardware that a graphics adapter is.
pub(crate) fn hardware_of(device: &Device) -> Hardware {
    match adapter(device).map(|adapter| adapter.kind) {
        Some(WgpuDeviceKind::DiscreteGpu(_)) => Hardware::DiscreteGpu,
        Some(WgpuDeviceKind::IntegratedGpu(_)) => Hardware::IntegratedGpu,
        Some(WgpuDeviceKind::Cpu) => Hardware::SoftwareGpu,
        _ => Hardware::OtherGpu,
    }
}

/// Opens a graphics adapter. Without this, Burn would open it at the first use, and panic on
/// failure.
pub(crate) fn open_graphics(device: &Device, backend: &Backend) -> Result<()> {
    let api = match backend {
        Backend::Wgpu(_) => WgpuBackend::Auto,
        Backend::Vulkan(_) => WgpuBackend::Vulkan,
        Backend::Metal(_) => WgpuBackend::Metal,
        Backend::WebGpu(_) => WgpuBackend::WebGpu,
        _ => return Ok(()),
    };
    let Some(kind) = device_kind(device) else { return Ok(()) };

    // One at a time, and each only once.
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if open.contains(device) {
        return Ok(());
    }
    match Device::wgpu_options().device_kind(kind).graphics_api(api).init() {
        // The program itself may have opened it through Burn.
        Ok(_) | Err(WgpuInitError::Registration { .. }) => {
            open.push(device.clone());
            Ok(())
        }
        Err(error) => {
            Err(Error::NotOpened { backend: backend.to_string(), source: Cause::new(error) })
        }
    }
}

/// Returns the graphics adapter of a device, or `None` if it is another kind of device.
fn adapter(device: &Device) -> Option<WgpuDevice> {
    match device.clone().inner().as_dispatch() {
        DispatchDevice::Cube(CubeDevice::Wgpu(adapter)) => Some(adapter.clone()),
        _ => None,
    }
}

/// Returns the kind of adapter under which Burn opens this device, or `None` if there is no such
/// kind.
fn device_kind(device: &Device) -> Option<DeviceKind> {
    match adapter(device)?.kind {
        WgpuDeviceKind::DiscreteGpu(number) => Some(DeviceKind::DiscreteGpu(number)),
        WgpuDeviceKind::IntegratedGpu(number) => Some(DeviceKind::IntegratedGpu(number)),
        WgpuDeviceKind::VirtualGpu(number) => Some(DeviceKind::VirtualGpu(number)),
        WgpuDeviceKind::Cpu => Some(DeviceKind::Cpu),
        _ => None,
    }
}
