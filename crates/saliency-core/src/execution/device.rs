//! The only place that reads device names.

use std::cell::RefCell;

use burn::tensor::Device;

/// Returns whether a device computes on the threads of its caller: Burn's CPU backends do.
///
/// Burn offers no other way to find this out than the name of the device. A device that is not
/// recognised gets one worker and large chunks, which is slower on a CPU but never wrong.
pub fn computes_on_calling_thread(device: &Device) -> bool {
    thread_local! {
        /// The last answer: to make a name takes as long as some operations of a small network.
        static LAST: RefCell<Option<(Device, bool)>> = const { RefCell::new(None) };
    }
    let last =
        LAST.with_borrow(|last| last.as_ref().filter(|last| last.0 == *device).map(|it| it.1));
    last.unwrap_or_else(|| {
        let name = format!("{:?}", device.clone().inner());
        let computes = ["Flex", "NdArray"].iter().any(|backend| name.contains(backend));
        LAST.set(Some((device.clone(), computes)));
        computes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flex_computes_on_the_calling_thread_with_and_without_autodiff() {
        assert!(computes_on_calling_thread(&Device::flex()));
        assert!(computes_on_calling_thread(&Device::flex().autodiff()));
    }
}
