/// What an audit reports while it runs, in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The audit reads the photos, to find out which of them have changed.
    #[non_exhaustive]
    Reading {
        /// How many photos the folder has.
        photos: usize,
    },
    /// The boxes are read.
    #[non_exhaustive]
    BoxesRead {
        /// What kind of file they are in, such as "COCO".
        format: &'a str,
        /// How many boxes there are for photos of the folder.
        boxes: usize,
        /// How many photos of the folder have boxes.
        photos: usize,
    },
    /// The file of boxes names files that are not in the folder.
    #[non_exhaustive]
    BoxesWithoutPhoto {
        /// How many files.
        files: usize,
        /// The name of the first.
        first: &'a str,
    },
    /// The audit knows which photos it has to explain. The others were explained by an earlier
    /// audit.
    #[non_exhaustive]
    Started {
        /// How many photos are to be explained.
        waiting: usize,
        /// How many photos the folder has.
        photos: usize,
    },
    /// Some photos are finished. Reported for the first time, with none of them, when the devices
    /// are ready.
    #[non_exhaustive]
    Explained {
        /// How many of the waiting photos are finished by now.
        photos: usize,
    },
    /// All photos that were waiting are finished. Not reported if none was.
    Finished,
}
