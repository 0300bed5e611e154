//! Opens the devices and the address, and serves.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use burn::server::{
    AuthorizationRequest, ClientId, IrohIdentity, IrohRelays, IrohTransport, RemoteServer,
    WebSocketTransport,
};
use saliency::backends::ComputeDevice;
use saliency_program::Result;
use saliency_program::devices;
use saliency_program::output::say;
use saliency_program::program::{is_stopped, unusable};

use super::ServeArgs;
use super::gate::{Gate, Health};
use super::limits::Limits;
use super::log::log;
use super::tokens::Tokens;

/// The address to listen on if no other is named: only this machine can reach it.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);

/// How long the server waits before it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// Serves until the program is ended.
pub fn run(args: &ServeArgs) -> Result<()> {
    let tokens = Tokens::new(args.token_file.as_deref()).map_err(unusable)?;
    let devices = open(&args.devices).map_err(unusable)?;
    let names: Vec<String> = devices.iter().map(|it| it.backend().to_string()).collect();
    let server = RemoteServer::new(devices.iter().map(|it| it.device().clone()));
    match &args.iroh {
        Some(identity) => serve_iroh(args, identity, server, tokens, &names),
        None => serve(args, server, tokens, names),
    }
}

fn open(names: &[String]) -> Result<Vec<ComputeDevice>> {
    if names.is_empty() {
        return Ok(vec![devices::open(None)?]);
    }
    names.iter().map(|name| devices::open(Some(name))).collect()
}

/// Serves over WebSockets, behind the gate.
fn serve(
    args: &ServeArgs,
    server: RemoteServer,
    tokens: Tokens,
    devices: Vec<String>,
) -> Result<()> {
    let listen = args.listen.unwrap_or(DEFAULT);
    let listener =
        TcpListener::bind(listen).map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    // Burn's server, which only this machine can reach, and which knows only clients of the gate.
    let behind = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let limits = Limits {
        connections: args.connections,
        per_client: args.connections_per_client,
        patience: Duration::from_secs(args.token_seconds),
        ..Limits::default()
    };
    let lent = devices.join(", ");
    let gate = Arc::new(Gate::new(behind.local_addr()?, limits, Health::new(devices)));
    let server = server.with_authorizer({
        let gate = Arc::clone(&gate);
        move |request: AuthorizationRequest<'_>| {
            let ClientId::WebSocket(address) = request.client else {
                return Err("expected a WebSocket".to_owned());
            };
            let device = request.device_index;
            gate.authorize(address, device, tokens.name_of(request))
        }
    });
    let address = listener.local_addr()?;
    let host = match address.ip() {
        ip if ip.is_unspecified() => format!("HOST:{}", address.port()),
        _ => address.to_string(),
    };
    say(format_args!("remote:ws://{host} serves {lent}"));
    std::thread::Builder::new().name("gate".to_owned()).spawn(move || gate.listen(&listener))?;
    until_stopped(server.serve_async(WebSocketTransport::from_listener(behind)))
}

/// Serves over Iroh.
fn serve_iroh(
    args: &ServeArgs,
    identity: &Path,
    server: RemoteServer,
    tokens: Tokens,
    devices: &[String],
) -> Result<()> {
    let mut transport = IrohTransport::new(IrohIdentity::load_or_create(identity)?);
    let mut url = format!("iroh://{}", transport.id());
    if let Some(address) = args.listen {
        transport = transport.with_relays(IrohRelays::Disabled).with_port(address.port());
        url = format!("{url}@{address}");
    }
    let server = server.with_authorizer(move |request: AuthorizationRequest<'_>| {
        let (client, device) = (request.client, request.device_index);
        let name = tokens.name_of(request);
        match &name {
            Ok(name) => log(format_args!("{client} opens device {device}, token of {name}")),
            Err(reason) => log(format_args!("{client} refused: {reason}")),
        }
        name.map(|_| ())
    });
    say(format_args!("remote:{url} serves {}", devices.join(", ")));
    until_stopped(server.serve_async(transport))
}

/// Serves until the program is ended.
fn until_stopped<E: std::error::Error + Send + Sync + 'static>(
    server: impl Future<Output = std::result::Result<(), E>> + Send + 'static,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let server = runtime.spawn(server);
    while !is_stopped() && !server.is_finished() {
        sleep(LOOK);
    }
    if server.is_finished() {
        return Ok(runtime.block_on(server)??);
    }
    log("the server ends");
    // Sessions that are under way are not waited for.
    runtime.shutdown_background();
    Ok(())
}
