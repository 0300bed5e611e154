use std::fmt;
use std::time::Duration;

/// The environment variable with the token for devices of other machines.
const TOKEN_VARIABLE: &str = "SALIENCY_TOKEN";

/// How to open devices of other machines. Devices of this machine do not need it.
///
/// # Defaults
/// - token: the environment variable `SALIENCY_TOKEN`, or none
/// - patience: 15 seconds
///
/// # Example
/// ```
/// use std::time::Duration;
/// use saliency_backends::{Access, Backend};
///
/// let access = Access::new().with_patience(Duration::from_secs(5));
/// let backends = ["flex".parse()?, "remote:ws://localhost:9".parse()?];
/// // No server listens there.
/// let devices = Backend::open_all(&backends, &access);
/// assert!(devices[0].is_ok() && devices[1].is_err());
/// # Ok::<(), saliency_backends::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    pub(crate) token: String,
    pub(crate) patience: Duration,
}

impl Access {
    /// Returns the defaults.
    pub fn new() -> Self {
        let token = std::env::var(TOKEN_VARIABLE).unwrap_or_default();
        Self { token, patience: Duration::from_secs(15) }
    }

    /// Sends this token to the server, which may require one. Over `ws://` others can read the
    /// token on the way.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// Waits at most this long for a server.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl Default for Access {
    fn default() -> Self {
        Self::new()
    }
}

/// Leaves out the token.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("patience", &self.patience).finish_non_exhaustive()
    }
}
