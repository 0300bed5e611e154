//! How much the gate lets in.

use std::time::Duration;

/// How much the gate lets in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections of all clients.
    pub connections: usize,
    /// The most connections of one address.
    pub per_client: usize,
    /// A client must show its token within this time.
    pub patience: Duration,
    /// The most bytes of a client before its token. The first message has the token and little else.
    pub before_token: u64,
    /// The most bytes that another server sends to fetch tensors of this one. It sends only their
    /// numbers, and no token.
    pub of_transfer: u64,
    /// The most bytes of the head of a request.
    pub head: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            per_client: 16,
            patience: Duration::from_secs(10),
            before_token: 64 << 10,
            of_transfer: 16 << 20,
            head: 8 << 10,
        }
    }
}
