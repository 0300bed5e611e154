use std::sync::OnceLock;

use burn::tensor::Device;
use saliency_backends::{Backend, ComputeDevice, Hardware};
use saliency_core::Schedule;

/// Returns the device on which tests of a single backend run, and with which others are compared.
pub fn device() -> Device {
    Device::flex()
}

/// Returns the devices on which the tests of every backend run. The variable
/// `SALIENCY_TEST_DEVICES` names them, separated by commas. If it is not set, these are all devices
/// of this build and this machine that can be opened.
///
/// # Panics
/// Panics if a named device is missing, so that none is left out unnoticed.
pub fn devices() -> &'static [ComputeDevice] {
    static DEVICES: OnceLock<Vec<ComputeDevice>> = OnceLock::new();
    DEVICES.get_or_init(|| match std::env::var("SALIENCY_TEST_DEVICES") {
        Ok(names) => {
            let open = |name: &str| name.parse::<Backend>()?.open();
            let opened = |name| open(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            names.split(',').map(opened).collect()
        }
        Err(_) => {
            let found = Backend::available().into_iter();
            let open = found.map(|found| found.backend.open());
            open.filter_map(|opened| opened.inspect_err(|error| println!("{error}")).ok()).collect()
        }
    })
}

/// Returns the schedule for networks in tests. On a GPU in software this is one row at a time: for
/// every new number of rows, Burn first tries several kernels, which takes a minute there.
pub fn schedule(compute: &ComputeDevice) -> Schedule {
    match compute.hardware() {
        Hardware::SoftwareGpu => Schedule::new().with_chunk(1),
        _ => compute.schedule(),
    }
}

/// Runs a test on each of the [`devices`].
pub fn on_every_device(test: impl Fn(&ComputeDevice)) {
    for compute in devices() {
        println!("on {} ({}, {})", compute.backend(), compute.hardware(), compute.name());
        test(compute);
    }
}
