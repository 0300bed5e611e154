//! Lends devices to other programs and machines.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use burn::server::{
    IrohIdentity, IrohRelays, IrohTransport, RemoteServer, TokenAuthorizer, WebSocketTransport,
};
use saliency::backends::{Backend, ComputeDevice};
use saliency_program::Result;

const TOKEN: &str = "SALIENCY_TOKEN";

/// Ends this program when its input ends. The input ends with the program that started this one, no
/// matter how that program ends.
pub fn end_with_input() {
    std::thread::spawn(|| {
        // The text that is read does not matter. An error ends the input too.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
}

/// Serves a device until the program is stopped. Prints its address once it listens.
pub fn serve(device: &Backend, listen: Option<SocketAddr>, iroh: Option<PathBuf>) -> Result<()> {
    let token = std::env::var(TOKEN)
        .map_err(|_| format!("expected a token for clients to know in {TOKEN}, found none"))?;
    let device = device.open()?;
    let server =
        RemoteServer::new([device.device().clone()]).with_authorizer(TokenAuthorizer::new(token)?);
    if let Some(identity) = iroh {
        let mut transport = IrohTransport::new(IrohIdentity::load_or_create(identity)?);
        let mut url = format!("iroh://{}", transport.id());
        if let Some(address) = listen {
            transport = transport.with_relays(IrohRelays::Disabled).with_port(address.port());
            url = format!("{url}@{address}");
        }
        println!("remote:{url} serves {}", device.backend());
        return Ok(server.serve(transport)?);
    }
    let listen = listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000)));
    let listener = TcpListener::bind(listen)?;
    let address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        println!("remote:ws://HOST:{} serves {}", address.port(), device.backend());
    } else {
        println!("remote:ws://{address} serves {}", device.backend());
    }
    Ok(server.serve(WebSocketTransport::from_listener(listener))?)
}

/// Servers, and the token that they ask for. When this value is dropped, the servers end.
pub struct Servers {
    servers: Vec<Child>,
    devices: Vec<Backend>,
    token: String,
}

impl Servers {
    /// Opens the servers' devices.
    pub fn open(&self) -> Result<Vec<ComputeDevice>> {
        let open = |device: &Backend| Ok(device.open_with_token(&self.token)?);
        self.devices.iter().map(open).collect()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.servers {
            // A server that has ended already cannot be stopped again.
            let _ = server.kill().and_then(|()| server.wait());
        }
    }
}

/// Starts two servers that only this machine can reach.
pub fn two_on_this_machine() -> Result<Servers> {
    // The random numbers of the standard library come from the operating system.
    let token = format!("{:016x}", RandomState::new().build_hasher().finish());
    let mut all = Servers { servers: Vec::new(), devices: Vec::new(), token };
    for _ in 0..2 {
        let mut server = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--end-with-input"])
            .env(TOKEN, &all.token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = server.stdout.take().expect("a pipe");
        all.servers.push(server);
        let said = BufReader::new(out).lines().next();
        let said = said.ok_or("expected a server, found one that ended at once")??;
        println!("{said}");
        all.devices.push(said.split(' ').next().unwrap_or_default().parse()?);
    }
    Ok(all)
}
