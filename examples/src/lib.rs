//! The programs are the files beside `src`, one for each task.
