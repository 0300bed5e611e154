//! Devices of other machines.

use burn::tensor::Device;

use crate::error::Result;

/// Connects to a device of a server.
#[cfg(feature = "remote")]
pub(crate) fn open_remote(url: &str, index: usize, token: &str) -> Result<Device> {
    use burn::remote::{ConnectError, RemoteHost};

    use crate::error::{Cause, Error};

    let unreachable = |source| Error::Unreachable { url: url.to_owned(), source };
    let host = match url.strip_prefix("iroh://") {
        Some(id) => RemoteHost::iroh(iroh_host(id).map_err(unreachable)?),
        None => RemoteHost::websocket(url),
    };
    let host = if token.is_empty() { host } else { host.with_credential(token) };
    Device::remote_options(&host).device_index(index).init().map_err(|error| match error {
        ConnectError::Unauthorized => Error::Unauthorized { url: url.to_owned() },
        ConnectError::NoSuchDevice { device_count } => Error::NoSuchDevice {
            backend: format!("device {index}"),
            found: format!("the {device_count} devices of {url}, counted from 0"),
        },
        error => unreachable(Cause::new(error)),
    })
}

#[cfg(not(feature = "remote"))]
pub(crate) fn open_remote(_: &str, _: usize, _: &str) -> Result<Device> {
    unreachable!("opening returns an error about the missing feature first")
}

/// Reads `ID`, reached through public relays, or `ID@ADDRESS:PORT`, reached directly.
#[cfg(feature = "remote")]
fn iroh_host(id: &str) -> Result<burn::remote::IrohHost, crate::error::Cause> {
    use burn::remote::{EndpointId, IrohHost, IrohRelays};

    use crate::error::Cause;

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
