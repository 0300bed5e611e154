/// A report of a running audit. The variants are in the order in which they are reported.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The audit reads the photos, to find out which of them have changed.
    #[non_exhaustive]
    Reading {
        /// The number of photos in the folder.
        photos: usize,
    },
    /// The boxes are read.
    #[non_exhaustive]
    BoxesRead {
        /// The kind of file that they are in, such as "COCO".
        format: &'a str,
        /// How many boxes there are for photos of the folder.
        boxes: usize,
        /// How many photos of the folder have boxes.
        photos: usize,
    },
    /// The file of boxes has names of files that are not in the folder.
    #[non_exhaustive]
    BoxesWithoutPhoto {
        /// The number of these files.
        files: usize,
        /// The name of the first of them.
        first: &'a str,
    },
    /// The audit knows which photos it has to explain. The others were explained by an earlier
    /// audit.
    #[non_exhaustive]
    Started {
        /// How many photos are to be explained.
        waiting: usize,
        /// The number of photos in the folder.
        photos: usize,
    },
    /// Some photos are finished. This is reported for the first time when the devices are ready,
    /// with a count of 0.
    #[non_exhaustive]
    Explained {
        /// How many of the waiting photos are finished by now.
        photos: usize,
    },
    /// All waiting photos are finished. This is not reported if no photo was waiting.
    Finished,
    /// Some photos are covered and shown to the model again. The first time, `photos` is 0. This is
    /// not reported if no photo is to be covered.
    #[non_exhaustive]
    Covered {
        /// How many photos are finished by now.
        photos: usize,
        /// How many there are.
        all: usize,
    },
}
