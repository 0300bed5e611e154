//! The devices of the machine, and the one that computes.

use std::fmt::Display;

use saliency::backends::{Backend, ComputeDevice};

use crate::Result;
use crate::output::say;

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

/// Prints the devices of the machine, and why others are missing.
pub fn list() {
    let preferred = Backend::open_preferred();
    let print = |backend: &dyn Display, kind: &dyn Display, text: &dyn Display| {
        say(format_args!("{:<12} {:<15} {text}", backend.to_string(), kind.to_string()));
    };
    for device in Backend::available() {
        let is_preferred = preferred.as_ref().is_ok_and(|it| *it.backend() == device.backend);
        let note = if is_preferred { " (default)" } else { "" };
        let name = format!("{}{note}", device.name);
        print(&device.backend, &device.hardware, &name);
    }
    for missing in Backend::unavailable() {
        print(&missing.backend, &"-", &missing.reason);
    }
    if let Err(error) = preferred {
        print(&"default", &"-", &error);
    }
    print(&"remote:URL", &"-", &"a server's device, not looked for");
}
