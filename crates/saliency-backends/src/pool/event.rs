use std::ops::Range;

use crate::backend::Backend;

/// An event of a [`DevicePool`](crate::DevicePool) at work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolEvent {
    /// A device has explained some rows.
    #[non_exhaustive]
    RowsDone {
        /// The device.
        device: Backend,
        /// The rows.
        rows: Range<usize>,
        /// The number of rows done by all devices.
        done: usize,
        /// The number of rows of the batch.
        total: usize,
    },
    /// A device was lost. The other devices compute its rows.
    #[non_exhaustive]
    DeviceLost {
        /// The device.
        device: Backend,
        /// The rows that it worked on.
        rows: Range<usize>,
        /// The last error, as text.
        reason: String,
    },
}

/// A function that receives the events.
pub(super) type Observer = dyn Fn(&PoolEvent) + Send + Sync;
