//! The shared parts of the programs that audit a folder of photos: [`args`] (the options),
//! [`audit`] (from options to an audit), [`demonstration`] (photos for a try) and [`progress`] (the
//! output).

pub mod args;
pub mod audit;
pub mod demonstration;
pub mod progress;
