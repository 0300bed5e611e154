//! Devices of other machines.

mod connections;

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use burn::remote::{ConnectError, EndpointId, IrohHost, IrohRelays, RemoteHost};
use burn::tensor::Device;

use crate::access::Access;
use crate::backend::Backend;
use crate::check::{Fault, check};
use crate::compute::{Again, ComputeDevice};
use crate::error::{Cause, Error, Result};
use crate::hardware::Hardware;
use connections::{Address, Opening};

/// Connects to a device of a server and tries it. Waits no longer than the patience.
pub(crate) fn open(url: &str, index: usize, access: &Access) -> Result<ComputeDevice> {
    let silent = || Error::Silent { url: url.to_owned(), patience: access.patience };

    // One opening for each address at a time: a server that hangs blocks one thread, not more.
    let start = Instant::now();
    let address = Address::new(url, index, access);
    let opening = Opening::begin(&address, access.patience).ok_or_else(silent)?;
    let left = access.patience.saturating_sub(start.elapsed());
    let (answer, answers) = channel();
    let thread = std::thread::Builder::new().spawn({
        let access = access.clone();
        move || {
            let device = connect(opening.address(), &access);
            drop(opening);
            // If this took too long, nobody waits any more.
            let _ = answer.send(device);
        }
    });
    thread.map_err(|error| unreachable(url, error))?;
    answers.recv_timeout(left).unwrap_or_else(|_| Err(silent()))
}

/// Connects to a device of a server and tries it. If the connection that Burn keeps is broken,
/// makes another one.
fn connect(address: &Address, access: &Access) -> Result<ComputeDevice> {
    reach(&address.url, access.patience)?;
    let device = connect_once(address, access);
    match device {
        Err(Error::Unreachable { .. }) => connect_once(address, access),
        device => device,
    }
}

/// Connects to a device of a server and tries it. If the connection is broken, the next call makes
/// another one.
fn connect_once(address: &Address, access: &Access) -> Result<ComputeDevice> {
    let Address { url, index, .. } = address.clone();
    let number = connections::number(address);
    let device = connect_as(address, number)?;
    let backend = Backend::Remote { url: url.clone(), index };
    check(&device).map_err(|fault| match fault {
        Fault::Failed(source) => {
            connections::renew(address, number);
            Error::Unreachable { url: url.clone(), source }
        }
        wrong => wrong.of(&backend, &url),
    })?;
    let (address, access) = (address.clone(), access.clone());
    let again = Again::new(move || {
        connections::renew(&address, number);
        open(&address.url, address.index, &access)
    });
    Ok(ComputeDevice { device, backend, hardware: Hardware::Remote, name: url, cpus: 1, again })
}

/// Finds out at once if no program listens at a WebSocket's address. Burn would try for 15 seconds.
fn reach(url: &str, patience: Duration) -> Result<()> {
    let Some(address) = url.strip_prefix("ws://") else { return Ok(()) };
    let addresses = address.to_socket_addrs().map_err(|error| unreachable(url, error))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(_) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(
        || unreachable(url, "the name has no address"),
        |error| unreachable(url, error),
    ))
}

/// Connects to a device of a server through the connection with the given number.
fn connect_as(address: &Address, number: usize) -> Result<Device> {
    let url = address.url.as_str();
    let host = match url.strip_prefix("iroh://") {
        Some(id) => RemoteHost::iroh(iroh_host(id).map_err(|error| unreachable(url, error))?),
        None => RemoteHost::websocket(&address.numbered(number)),
    };
    let token = address.token.as_str();
    let host = if token.is_empty() { host } else { host.with_credential(token) };
    let device = Device::remote_options(&host).device_index(address.index).init();
    device.map_err(|error| match error {
        ConnectError::Unauthorized => Error::Unauthorized { url: url.to_owned() },
        ConnectError::NoSuchDevice { device_count } => Error::NoSuchDevice {
            backend: format!("device {}", address.index),
            found: format!("the {device_count} devices of {url}, counted from 0"),
        },
        ConnectError::IncompatibleProtocol { .. } => {
            Error::OtherVersion { url: url.to_owned(), source: Cause::new(error) }
        }
        // A program listens there: `reach` has found that out.
        error if url.starts_with("ws://") => {
            Error::NoServer { url: url.to_owned(), source: Cause::new(error) }
        }
        error => unreachable(url, error),
    })
}

fn unreachable(url: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unreachable { url: url.to_owned(), source: Cause::new(error) }
}

/// Reads `ID`, reached through public relays, or `ID@ADDRESS:PORT`, reached directly.
fn iroh_host(id: &str) -> Result<IrohHost, Cause> {
    let (id, address) = match id.split_once('@') {
        Some((id, address)) => (id, Some(address)),
        None => (id, None),
    };
    let id: EndpointId =
        id.parse().map_err(|error| Cause::new(format!("`{id}` is no server's id: {error}")))?;
    let host = IrohHost::new(id);
    let Some(address) = address else { return Ok(host) };
    let address = address.parse().map_err(|_| {
        Cause::new(format!("`{address}` is not an address and a port such as 10.0.0.7:4433"))
    })?;
    Ok(host.with_relays(IrohRelays::Disabled).with_address(address))
}
