//! One batch, several devices, of this machine or others: 64 pictures explained together.
//!
//! ```text
//! cargo run --features remote-server --example share     # two servers on this machine, for a try
//!
//! # On the machine with the GPU, and then on the laptop:
//! SALIENCY_TOKEN=secret cargo run --features remote-server,cuda --example share -- \
//!     serve --device cuda:0 --listen 0.0.0.0:3000
//! SALIENCY_TOKEN=secret cargo run --features remote --example share -- \
//!     explain --device remote:ws://gpu:3000 --device flex
//! ```
//!
//! `ws://` is not encrypted: for trusted networks. Between others, `serve --iroh server.key` prints
//! the address of a server that is reached encrypted and authenticated.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use clap::{Parser, Subcommand};
use image::RgbImage;
use image::imageops::{FilterType, crop_imm, replace, resize};
use saliency::backends::{Backend, ComputeDevice, DevicePool, PoolEvent};
use saliency::photo::{Map, Preparation, Reduce};
use saliency::viz::{Picture, write_picture};
use saliency::{Explainer, Gradient};
use saliency_examples::ended;
use saliency_models::{EfficientNetLite0, photos};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Explains 64 pictures over several devices.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Lends a device to others, who must know the token in SALIENCY_TOKEN
    #[cfg(feature = "remote-server")]
    Serve {
        /// The device
        #[arg(long, default_value = "flex")]
        device: Backend,
        /// Where to listen; port 0 takes any that is free. With --iroh only the port counts: it
        /// listens on every interface, and the address is the one to print for clients
        #[arg(long)]
        listen: Option<std::net::SocketAddr>,
        /// Encrypted, with the identity that this file keeps; it is made where there is none
        #[arg(long)]
        iroh: Option<PathBuf>,
    },
    /// Explains 64 pictures
    Explain {
        /// A device; give several, such as remote:ws://gpu:3000 and flex
        #[arg(long = "device", required = true)]
        devices: Vec<Backend>,
        /// The folder to write the picture to
        #[arg(long, default_value = "maps")]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        #[cfg(feature = "remote-server")]
        Some(Command::Serve { device, listen, iroh }) => server::serve(&device, listen, iroh),
        Some(Command::Explain { devices, out }) => {
            let devices: Result<Vec<_>> = devices.iter().map(|device| Ok(device.open()?)).collect();
            devices.and_then(|devices| explain(devices, &out))
        }
        #[cfg(feature = "remote-server")]
        None => server::two_on_this_machine()
            .and_then(|servers| explain(servers.open()?, Path::new("maps"))),
        #[cfg(not(feature = "remote-server"))]
        None => Backend::Flex
            .open()
            .map_err(Into::into)
            .and_then(|flex| explain(vec![flex], Path::new("maps"))),
    };
    ended(done)
}

const PICTURES: usize = 64;

fn explain(devices: Vec<ComputeDevice>, out: &Path) -> Result<()> {
    let pictures = pictures();
    let preparation = Preparation::imagenet();
    let home = Device::flex();
    let inputs = pictures.iter().map(|picture| preparation.tensor(picture, &home)).collect();
    let inputs = Tensor::cat(inputs, 0);
    let net = EfficientNetLite0::embedded(&home);

    let rows_of: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let pool = DevicePool::new(devices, |device| Gradient::new().with_schedule(device.schedule()));
    let pool = pool.with_observer({
        let rows_of = Arc::clone(&rows_of);
        move |event| match event {
            PoolEvent::RowsDone { device, rows, done, total, .. } => {
                let mut rows_of = rows_of.lock().expect("no observer panics");
                *rows_of.entry(device.to_string()).or_default() += rows.len();
                println!(
                    "{done:3} of {total}: {device} has explained {} to {}",
                    rows.start,
                    rows.end - 1
                );
            }
            PoolEvent::DeviceLost { device, reason, .. } => println!("lost {device}: {reason}"),
            _ => {}
        }
    });

    let start = Instant::now();
    let map = pool.attribute(&net, inputs)?;
    println!("{PICTURES} pictures in {:.1} s", start.elapsed().as_secs_f64());
    for (device, rows) in rows_of.lock().expect("no observer panics").iter() {
        println!("  {rows:2} by {device}");
    }
    for warning in &map.warnings {
        println!("warning: {warning}");
    }

    std::fs::create_dir_all(out)?;
    let (across, side) = (8, 112);
    let mut sheet = RgbImage::new(across * side, PICTURES as u32 / across * side);
    for (row, photo) in pictures.iter().enumerate() {
        let map = Map::of_row(&map.values, row, Reduce::default())?.clip(99.0)?;
        let overlay = Picture::new(preparation.view(photo), &map)?.overlay();
        let overlay = resize(&overlay, side, side, FilterType::Triangle);
        let (x, y) = (row as u32 % across * side, row as u32 / across * side);
        replace(&mut sheet, &overlay, x.into(), y.into());
    }
    let path = out.join("share.png");
    write_picture(&path, &sheet)?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Squares cut from the two photos that ship, each from another place.
fn pictures() -> Vec<RgbImage> {
    let photos = [photos::chelsea(), photos::coffee()];
    let cut = |at: usize| {
        let photo = &photos[at % 2];
        let side = photo.height().min(photo.width()) * 4 / 5;
        let step = |room: u32, step: usize| room * (step % 8) as u32 / 7;
        let (x, y) = (step(photo.width() - side, at / 2), step(photo.height() - side, at / 8));
        let square = crop_imm(photo, x, y, side, side).to_image();
        resize(&square, 224, 224, FilterType::Triangle)
    };
    (0..PICTURES).map(cut).collect()
}

#[cfg(feature = "remote-server")]
mod server {
    use std::hash::{BuildHasher, Hasher, RandomState};
    use std::io::{BufRead, BufReader};
    use std::net::{SocketAddr, TcpListener};
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};

    use burn::server::{
        IrohIdentity, IrohRelays, IrohTransport, RemoteServer, TokenAuthorizer, WebSocketTransport,
    };
    use saliency::backends::{Backend, ComputeDevice};

    use super::Result;

    const TOKEN: &str = "SALIENCY_TOKEN";

    /// Serves until the program is ended. Says where once it listens.
    pub fn serve(
        device: &Backend,
        listen: Option<SocketAddr>,
        iroh: Option<PathBuf>,
    ) -> Result<()> {
        let token = std::env::var(TOKEN)
            .map_err(|_| format!("expected a token for clients to know in {TOKEN}, found none"))?;
        let device = device.open()?;
        let server = RemoteServer::new([device.device().clone()])
            .with_authorizer(TokenAuthorizer::new(token)?);
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
        match address.ip().is_unspecified() {
            true => println!("remote:ws://HOST:{} serves {}", address.port(), device.backend()),
            false => println!("remote:ws://{address} serves {}", device.backend()),
        }
        Ok(server.serve(WebSocketTransport::from_listener(listener))?)
    }

    /// Servers that end with this value, and the token that they want to be shown.
    pub struct Servers {
        servers: Vec<Child>,
        devices: Vec<Backend>,
        token: String,
    }

    impl Servers {
        pub fn open(&self) -> Result<Vec<ComputeDevice>> {
            let open = |device: &Backend| Ok(device.open_with_token(&self.token)?);
            self.devices.iter().map(open).collect()
        }
    }

    impl Drop for Servers {
        fn drop(&mut self) {
            for server in &mut self.servers {
                // One that has ended already cannot be ended again.
                let _ = server.kill().and_then(|()| server.wait());
            }
        }
    }

    /// Two servers that only this machine can reach.
    pub fn two_on_this_machine() -> Result<Servers> {
        // The standard library's own random numbers are from the operating system.
        let token = format!("{:016x}", RandomState::new().build_hasher().finish());
        let mut all = Servers { servers: Vec::new(), devices: Vec::new(), token };
        for _ in 0..2 {
            let mut server = Command::new(std::env::current_exe()?)
                .args(["serve", "--listen", "127.0.0.1:0"])
                .env(TOKEN, &all.token)
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
}
