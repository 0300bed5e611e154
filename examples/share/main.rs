//! Explains one batch of 64 pictures on several devices, of this machine or of others.
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
//! `ws://` is not encrypted: use it only on networks that you trust. On other networks,
//! `serve --iroh server.key` prints the address of a server with encrypted and authenticated
//! connections.

#[cfg(feature = "remote-server")]
mod server;
mod sheet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use clap::{Parser, Subcommand};
use saliency::backends::{Access, Backend, ComputeDevice, DevicePool, PoolEvent};
use saliency::photo::{Map, Preparation, Reduce};
use saliency::{Explainer, Gradient};
use saliency_models::EfficientNetLite0;
use saliency_program::Result;
use saliency_program::program::ended;

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
        /// The address to listen on. Port 0 takes any free port. With --iroh only the port counts:
        /// the server listens on every interface, and prints this address for clients
        #[arg(long)]
        listen: Option<std::net::SocketAddr>,
        /// Encrypt connections, with the identity in this file. The file is made if it is missing
        #[arg(long)]
        iroh: Option<PathBuf>,
        /// End when the input ends, as it does when the program that started this one is gone
        #[arg(long, hide = true)]
        end_with_input: bool,
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
    ended(run(Args::parse().command))
}

fn run(command: Option<Command>) -> Result<()> {
    match command {
        #[cfg(feature = "remote-server")]
        Some(Command::Serve { device, listen, iroh, end_with_input }) => {
            if end_with_input {
                server::end_with_input();
            }
            server::serve(&device, listen, iroh)
        }
        Some(Command::Explain { devices, out }) => explain(open(&devices)?, &out),
        #[cfg(feature = "remote-server")]
        None => {
            // When this value is dropped, the servers end.
            let servers = server::two_on_this_machine()?;
            explain(servers.open()?, Path::new("maps"))
        }
        #[cfg(not(feature = "remote-server"))]
        None => explain(vec![Backend::Flex.open()?], Path::new("maps")),
    }
}

/// Opens devices at the same time, and continues with those that answer.
fn open(backends: &[Backend]) -> Result<Vec<ComputeDevice>> {
    let mut devices = Vec::new();
    for (backend, opened) in backends.iter().zip(Backend::open_all(backends, &Access::new())) {
        match opened {
            Ok(device) => devices.push(device),
            Err(error) if backends.len() == 1 => return Err(error.into()),
            Err(error) => eprintln!("without {backend}: {error}"),
        }
    }
    if devices.is_empty() {
        return Err("none of the devices can be opened".into());
    }
    Ok(devices)
}

fn explain(devices: Vec<ComputeDevice>, out: &Path) -> Result<()> {
    let pictures = sheet::pictures();
    let home = Device::flex();
    let preparation = Preparation::imagenet();
    let inputs = pictures.iter().map(|picture| preparation.tensor(picture, &home)).collect();
    let net = EfficientNetLite0::embedded(&home);

    // The devices share the rows, and report which of them they have explained.
    let rows_of: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let pool = DevicePool::new(devices, |device| Gradient::new().with_schedule(device.schedule()));
    let pool = pool.with_observer({
        let rows_of = Arc::clone(&rows_of);
        move |event| match event {
            PoolEvent::RowsDone { device, rows, done, total, .. } => {
                let mut rows_of = rows_of.lock().expect("no observer panics");
                *rows_of.entry(device.to_string()).or_default() += rows.len();
                let last = rows.end - 1;
                println!("{done:3} of {total}: {device} has explained {} to {last}", rows.start);
            }
            PoolEvent::DeviceLost { device, reason, .. } => println!("lost {device}: {reason}"),
            _ => {}
        }
    });
    let start = Instant::now();
    let map = pool.attribute(&net, Tensor::cat(inputs, 0))?;
    println!("{} pictures in {:.1} s", sheet::PICTURES, start.elapsed().as_secs_f64());
    for (device, rows) in rows_of.lock().expect("no observer panics").iter() {
        println!("  {rows:2} by {device}");
    }
    for warning in &map.warnings {
        println!("warning: {warning}");
    }
    let maps = (0..sheet::PICTURES).map(|row| Map::of_row(&map.values, row, Reduce::default()));
    let maps: Vec<Map> = maps.collect::<std::result::Result<_, _>>()?;
    sheet::write(&pictures, &maps, &out.join("share.png"))
}
