//! The devices of the machine, and the one that computes.

use saliency::backends::{Backend, ComputeDevice};
use serde::Serialize;

use crate::Result;
use crate::output::{answer, say};

/// Opens the device of that name; without a name, the one that SALIENCY_DEVICE names, or the best
/// of the machine.
///
/// # Errors
/// An error if there is no such device.
pub fn open(name: Option<&str>) -> Result<ComputeDevice> {
    match name {
        Some(name) => Ok(name.parse::<Backend>()?.open()?),
        None => Ok(Backend::open_preferred()?),
    }
}

/// A device of the machine, or a backend that has none. For programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DeviceReport {
    name: String,
    /// The kind of hardware; none if there is no device.
    hardware: Option<String>,
    /// The driver's name for the device, or the reason why there is none.
    description: String,
    /// Whether the device computes if no other is named.
    is_default: bool,
}

/// Returns the devices of the machine, and the backends that have none.
fn reports() -> Vec<DeviceReport> {
    let preferred = Backend::open_preferred();
    let is_default = |backend: &Backend| preferred.as_ref().is_ok_and(|it| it.backend() == backend);
    let devices = Backend::available().into_iter().map(|device| DeviceReport {
        name: device.backend.to_string(),
        hardware: Some(device.hardware.to_string()),
        is_default: is_default(&device.backend),
        description: device.name,
    });
    let missing = Backend::unavailable().into_iter().map(|missing| DeviceReport {
        name: missing.backend.to_owned(),
        hardware: None,
        description: missing.reason,
        is_default: false,
    });
    let mut reports: Vec<_> = devices.chain(missing).collect();
    if let Err(error) = preferred {
        reports.push(DeviceReport {
            name: "default".to_owned(),
            hardware: None,
            description: error.to_string(),
            is_default: false,
        });
    }
    reports
}

/// Prints the devices of the machine, and why others are missing.
pub fn list() {
    for DeviceReport { name, hardware, description, is_default } in reports() {
        let hardware = hardware.unwrap_or_else(|| "-".to_owned());
        let note = if is_default { " (default)" } else { "" };
        say(format_args!("{name:<12} {hardware:<15} {description}{note}"));
    }
    say(format_args!("{:<12} {:<15} a server's device, not looked for", "remote:URL", "-"));
}

/// Prints the same as JSON: a list, on stdout.
///
/// # Errors
/// An error if stdout cannot be written.
pub fn list_as_json() -> Result<()> {
    answer(serde_json::to_string(&reports())?)
}
