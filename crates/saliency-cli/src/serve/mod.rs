//! Lends devices of this machine to other programs and machines.
//!
//! Burn's server listens on this machine only. In front of it is a `gate`, which others connect to:
//! it limits connections (`limits`), and what is sent before the token (`session`), answers whether the
//! server is well (`http`), and keeps a log (`log`). `tokens` says who may come in.

#[cfg(feature = "remote-server")]
mod gate;
#[cfg(feature = "remote-server")]
mod http;
#[cfg(feature = "remote-server")]
mod limits;
#[cfg(feature = "remote-server")]
mod log;
#[cfg(feature = "remote-server")]
mod server;
#[cfg(feature = "remote-server")]
mod session;
#[cfg(feature = "remote-server")]
mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as Options;
use saliency_program::Result;

/// The options of `serve`.
#[derive(Clone, Debug, Options)]
pub struct ServeArgs {
    /// A device to lend, such as cuda:0; may be given several times, for devices of one kind. A
    /// client picks the second by #1 behind the address [default: the best of the machine]
    #[arg(long = "device", value_name = "NAME")]
    pub devices: Vec<String>,
    /// The address to listen on. 0.0.0.0:3000 lets other machines in; port 0 takes any free port
    /// [default: 127.0.0.1:3000]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// A file with a token on each line, and a name behind it for the log. It is read again for each
    /// client, so that a token can be added or removed while the server runs [default: the token in
    /// SALIENCY_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The most connections of one client, by its address
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub connections_per_client: usize,
    /// The most connections of all clients
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub connections: usize,
    /// A client must show its token within this time
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub token_seconds: u64,
    /// Encrypt connections by Iroh, with the identity in this file, which is made if it is missing.
    /// Connections go through public relays, or directly to the port of --listen. The limits of
    /// connections and the health check are only for connections without Iroh
    #[arg(long, value_name = "FILE")]
    pub iroh: Option<PathBuf>,
}

/// Serves until the program is ended.
///
/// # Errors
/// An error if a device cannot be opened, the address is taken, or there is no token.
#[cfg(feature = "remote-server")]
pub fn run(args: &ServeArgs) -> Result<()> {
    server::run(args)
}

/// Says that the program was built without a server.
///
/// # Errors
/// Always.
#[cfg(not(feature = "remote-server"))]
pub fn run(_: &ServeArgs) -> Result<()> {
    Err(saliency_program::program::unusable(
        "this program was built without a server; build it with cargo install --path \
         crates/saliency-cli --features remote-server, and with the feature of your GPU, such as cuda",
    ))
}
