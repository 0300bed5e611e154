use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The result of opening a device.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why there is no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No backend has this name.
    #[error(
        "expected a backend such as flex, ndarray, wgpu, vulkan, metal, webgpu, cuda:0, rocm:0 or \
         remote:ws://HOST:PORT, found `{found}`"
    )]
    #[non_exhaustive]
    UnknownBackend {
        /// The name.
        found: String,
    },

    /// The part after the name of a backend cannot be read.
    #[error("expected {expected}, found `{found}`")]
    #[non_exhaustive]
    UnknownSelector {
        /// The parts that may follow the name.
        expected: String,
        /// The whole name.
        found: String,
    },

    /// The program was built without this backend.
    #[error(
        "expected a program built with the Cargo feature `{feature}` for {backend}, found one \
         without it; here are: {here}"
    )]
    #[non_exhaustive]
    FeatureMissing {
        /// The backend asked for.
        backend: String,
        /// The feature that is missing.
        feature: &'static str,
        /// The devices that this program can open on this machine.
        here: String,
    },

    /// There is no driver, or it finds no hardware.
    #[error("expected {needed} for {backend}, found none on this machine; here are: {here}")]
    #[non_exhaustive]
    DriverMissing {
        /// The backend asked for.
        backend: String,
        /// The driver or hardware that it needs.
        needed: &'static str,
        /// The devices that this program can open on this machine.
        here: String,
    },

    /// There are devices of this backend, but not this one.
    #[error("expected one of {found}, found no {backend}")]
    #[non_exhaustive]
    NoSuchDevice {
        /// The backend asked for.
        backend: String,
        /// The devices that there are.
        found: String,
    },

    /// No device of this machine can be opened, usually because the program was built without a
    /// backend.
    #[error(
        "there is no device to compute with: build with the Cargo feature `flex` of \
         `saliency-backends` or `saliency`, or with the one of another backend"
    )]
    NoDevice,

    /// The driver lists the device, but cannot open it.
    #[error("{backend} could not be opened: {source}")]
    #[non_exhaustive]
    NotOpened {
        /// The backend asked for.
        backend: String,
        /// The driver's error.
        source: Cause,
    },

    /// The device can be opened, but computes wrong numbers.
    #[error("{backend} ({name}) computes wrong scores and gradients of a small network: {reason}")]
    #[non_exhaustive]
    WrongNumbers {
        /// The backend asked for.
        backend: String,
        /// The driver's name for the device.
        name: String,
        /// The numbers that it computed, and the right ones.
        reason: String,
    },

    /// No program listens at the address of a server, or the connection breaks.
    #[error("no server answers at {url}: {source}")]
    #[non_exhaustive]
    Unreachable {
        /// The server's address.
        url: String,
        /// The error of the connection.
        source: Cause,
    },

    /// A server accepts the connection, and then does not answer for too long.
    #[error("the server at {url} did not answer within {} seconds", patience.as_secs_f64())]
    #[non_exhaustive]
    Silent {
        /// The server's address.
        url: String,
        /// The time that the server had to answer.
        patience: Duration,
    },

    /// The program that listens at the address is not a server of devices.
    #[error("the program at {url} is not a server that lends devices: {source}")]
    #[non_exhaustive]
    NoServer {
        /// The address.
        url: String,
        /// The error of the connection.
        source: Cause,
    },

    /// A server was built with another version of Burn.
    #[error("build the server at {url} and this program with the same version of Burn: {source}")]
    #[non_exhaustive]
    OtherVersion {
        /// The server's address.
        url: String,
        /// The error of the connection.
        source: Cause,
    },

    /// A server refuses the token.
    #[error(
        "the server at {url} refuses the token: set SALIENCY_TOKEN to the token that the server \
         was started with"
    )]
    #[non_exhaustive]
    Unauthorized {
        /// The server's address.
        url: String,
    },
}

/// The error of a driver, a connection or a panic that led to an [`Error`].
///
/// Two causes are equal if their messages are equal.
#[derive(Clone)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl Cause {
    /// Keeps an error, or a message if there is no error value.
    pub(crate) fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// Returns the error itself, for example to downcast it.
    pub fn get(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Cause {}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_cause_is_kept_with_its_type() {
        let number = "x".parse::<usize>().unwrap_err();
        let error =
            Error::NotOpened { backend: "cuda:0".into(), source: Cause::new(number.clone()) };
        assert_eq!(error.to_string(), format!("cuda:0 could not be opened: {number}"));
        let cause = error.source().unwrap().downcast_ref::<Cause>().unwrap();
        assert!(cause.get().is::<std::num::ParseIntError>());
        let other = Error::NotOpened { backend: "cuda:0".into(), source: Cause::new("lost") };
        assert_eq!((error.clone(), error != other), (error, true));
    }

    #[test]
    fn errors_of_servers_are_one_sentence() {
        let (url, source) = ("ws://gpu:3000".to_owned(), Cause::new("refused"));
        let errors = [
            (
                Error::Unreachable { url: url.clone(), source: source.clone() },
                "no server answers at ws://gpu:3000: refused",
            ),
            (
                Error::Silent { url: url.clone(), patience: Duration::from_millis(1500) },
                "the server at ws://gpu:3000 did not answer within 1.5 seconds",
            ),
            (
                Error::NoServer { url: url.clone(), source: source.clone() },
                "the program at ws://gpu:3000 is not a server that lends devices: refused",
            ),
            (
                Error::OtherVersion { url, source },
                "build the server at ws://gpu:3000 and this program with the same version of \
                 Burn: refused",
            ),
        ];
        for (error, expected) in errors {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn without_a_device_the_error_names_a_feature() {
        assert!(Error::NoDevice.to_string().contains("Cargo feature `flex`"));
    }
}
