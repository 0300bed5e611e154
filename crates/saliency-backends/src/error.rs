/// The result of opening a device.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no device. Every message says what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that no backend has.
    #[error(
        "expected a backend such as flex, ndarray, wgpu, vulkan, metal, webgpu, cuda:0, rocm:0 or \
         remote:ws://HOST:PORT, found `{found}`"
    )]
    UnknownBackend {
        /// The name.
        found: String,
    },

    /// What follows the name of a backend cannot be read.
    #[error("expected {expected}, found `{found}`")]
    UnknownSelector {
        /// What may follow it.
        expected: String,
        /// The whole name.
        found: String,
    },

    /// A backend that this program was built without.
    #[error(
        "expected a program built with the Cargo feature `{feature}` for {backend}, found one \
         without; here are: {here}"
    )]
    FeatureMissing {
        /// The backend asked for.
        backend: String,
        /// The feature that is missing.
        feature: &'static str,
        /// What this program can open on this machine.
        here: String,
    },

    /// No driver, or one that finds no hardware.
    #[error("expected {needed} for {backend}, found none on this machine; here are: {here}")]
    DriverMissing {
        /// The backend asked for.
        backend: String,
        /// What it needs.
        needed: &'static str,
        /// What this program can open on this machine.
        here: String,
    },

    /// There are devices of this backend, but not this one.
    #[error("expected one of {found}, found no {backend}")]
    NoSuchDevice {
        /// The backend asked for.
        backend: String,
        /// Those that there are.
        found: String,
    },

    /// A program that was built without any backend.
    #[error("expected a device to compute with, found none: build with the Cargo feature `flex`")]
    NothingHere,

    /// The driver knows the device and cannot open it.
    #[error("expected to open {backend}, found: {reason}")]
    NotOpened {
        /// The backend asked for.
        backend: String,
        /// What the driver said.
        reason: String,
    },

    /// The device opens and computes, but not what it should.
    #[error(
        "expected {backend} ({name}) to compute scores and gradients of a small network rightly, \
         found {reason}"
    )]
    WrongNumbers {
        /// The backend asked for.
        backend: String,
        /// What the driver calls the device.
        name: String,
        /// What it computed.
        reason: String,
    },

    /// A server that does not answer.
    #[error("expected a server at {url}, found none: {reason}")]
    Unreachable {
        /// The server's address.
        url: String,
        /// What went wrong.
        reason: String,
    },

    /// A server that does not let this program in.
    #[error(
        "expected the server at {url} to accept the token, found that it refuses it: set \
         SALIENCY_TOKEN to the token that the server was started with"
    )]
    Unauthorized {
        /// The server's address.
        url: String,
    },
}
