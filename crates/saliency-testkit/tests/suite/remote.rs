//! Devices of servers, which these tests run themselves on the loopback address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use burn::server::{
    IrohIdentity, IrohRelays, IrohTransport, RemoteServer, TokenAuthorizer, WebSocketTransport,
};
use burn::tensor::Tensor;
use saliency_backends::{
    Access, Backend, ComputeDevice, DevicePool, Error as OpenError, Hardware, PoolEvent,
};
use saliency_core::{
    Cancel, Error, Explainer, Gradient, IntegratedGradients, Rows, SmoothGrad, Target, Warning,
};
use saliency_models::CifarCnn;
use saliency_testkit::{Golden, assert_close, device};
use tokio::runtime::Runtime;

const TOKEN: &str = "the right one";

fn server() -> RemoteServer {
    RemoteServer::new([device()]).with_authorizer(TokenAuthorizer::new(TOKEN).unwrap())
}

/// A server that ends, with every connection, when it is dropped.
struct Server {
    runtime: Option<Runtime>,
    backend: Backend,
}

impl Server {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        runtime.spawn(server().serve_async(WebSocketTransport::from_listener(listener)));
        Self { runtime: Some(runtime), backend: Backend::Remote { url, index: 0 } }
    }

    fn open(&self) -> ComputeDevice {
        self.backend.open_with_token(TOKEN).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.take().expect("a server ends once").shutdown_background();
    }
}

/// Makes 64 pictures.
fn pictures() -> Tensor<4> {
    let golden = Golden::cifar_zero_baseline().tensor::<4>("input", &device());
    let factor = |at: usize| golden.clone() * (1.0 - at as f64 / 50.0);
    Tensor::cat((0..22).map(factor).collect(), 0).narrow(0, 0, 64)
}

#[test]
fn a_remote_device_gives_the_maps_of_its_server() {
    let server = Server::start();
    let remote = server.open();
    assert_eq!(remote.hardware(), Hardware::Remote);
    let explainer = SmoothGrad::new(IntegratedGradients::new().with_steps(3)).with_samples(3);
    let here = explainer.attribute(&CifarCnn::embedded(&device()), pictures().narrow(0, 0, 2));
    let there = pictures().narrow(0, 0, 2).to_device(remote.device());
    let there = explainer.attribute(&CifarCnn::embedded(remote.device()), there);
    let (here, there) = (here.unwrap(), there.unwrap());
    assert_close("remote", &there.values, &here.values, 1e-5);
    assert_eq!(there.targets, here.targets);
}

#[test]
fn a_server_reached_encrypted_by_its_id_does_as_well() {
    let runtime = Runtime::new().unwrap();
    // A port that is free now: Iroh's transport takes a number.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let transport = IrohTransport::new(IrohIdentity::random());
    let transport = transport.with_relays(IrohRelays::Disabled).with_port(port);
    let name = format!("remote:iroh://{}@127.0.0.1:{port}", transport.id());
    runtime.spawn(server().serve_async(transport));
    let backend: Backend = name.parse().unwrap();
    let remote = backend.open_with_token(TOKEN).unwrap();
    let x = pictures().narrow(0, 0, 1);
    let here = Gradient::new().attribute(&CifarCnn::embedded(&device()), x.clone()).unwrap();
    let net = CifarCnn::embedded(remote.device());
    let there = Gradient::new().attribute(&net, x.to_device(remote.device())).unwrap();
    assert_close("iroh", &there.values, &here.values, 1e-5);
    assert!(matches!(backend.open_with_token("a wrong one"), Err(OpenError::Unauthorized { .. })));
    runtime.shutdown_background();
}

#[test]
fn two_servers_share_64_pictures() {
    let servers = [Server::start(), Server::start()];
    let pool = DevicePool::new(servers.iter().map(Server::open), |_| Gradient::new());
    let net = CifarCnn::embedded(&device());
    let map = pool.attribute(&net, pictures()).unwrap();
    let alone = Gradient::new().attribute(&net, pictures()).unwrap();
    assert_close("64 pictures", &map.values, &alone.values, 1e-5);
    assert_eq!((&map.scores.len(), &map.targets), (&64, &alone.targets));
    assert_eq!(map.warnings, []);
}

#[test]
fn when_a_server_ends_half_way_the_other_one_explains_its_rows() {
    let staying = Server::start();
    let leaving = Server::start();
    let devices = [leaving.open(), staying.open()];
    let leaving_name = leaving.backend.clone();
    let leaving = Mutex::new(Some(leaving));
    let lost: Arc<Mutex<Vec<usize>>> = Arc::default();
    let pool = DevicePool::new(devices, |_| IntegratedGradients::new().with_steps(4));
    let pool = pool.with_rows_at_once(2).with_observer({
        let lost = Arc::clone(&lost);
        move |event| match event {
            // It was given a piece, and more are left.
            PoolEvent::RowsDone { device, done, .. } if *device == leaving_name && *done >= 24 => {
                drop(leaving.lock().unwrap().take());
            }
            PoolEvent::DeviceLost { device, rows, reason, .. } => {
                println!("lost {device}: {reason}");
                assert_eq!(*device, leaving_name);
                lost.lock().unwrap().extend(rows.clone());
            }
            _ => {}
        }
    });
    let net = CifarCnn::embedded(&device());
    let map = pool.attribute(&net, pictures()).unwrap();
    let alone = IntegratedGradients::new().with_steps(4).attribute(&net, pictures()).unwrap();
    assert_close("64 pictures", &map.values, &alone.values, 1e-5);
    assert_eq!((&map.scores.len(), &map.targets), (&64, &alone.targets));
    let lost = lost.lock().unwrap();
    assert_eq!(lost.len(), 2, "one piece was under way");
    let warnings: Vec<Warning> = lost.iter().map(|&row| Warning::device_lost(row)).collect();
    assert_eq!(map.warnings, warnings);
    assert!(warnings[0].to_string().contains("was lost, and another one computed it"));
}

#[test]
fn where_every_server_ends_the_error_says_so() {
    let server = Server::start();
    let remote = server.open();
    drop(server);
    let pool = DevicePool::new([remote], |_| Gradient::new());
    let error = pool.attribute(&CifarCnn::embedded(&device()), pictures()).unwrap_err();
    match error {
        Error::Device { reason, .. } => {
            println!("{reason}");
            assert!(
                reason.starts_with("every device was lost (remote:ws://127.0.0.1:"),
                "{reason}"
            );
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_connection_that_is_lost_is_an_error_without_a_pool_too() {
    let server = Server::start();
    let remote = server.open();
    let net = CifarCnn::embedded(remote.device());
    let input = pictures().to_device(remote.device());
    Gradient::new().attribute(&net, input.clone().narrow(0, 0, 1)).unwrap();
    drop(server);
    let error = Gradient::new().attribute(&net, input).unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::Device { .. }), "{error:?}");
}

#[test]
fn a_wrong_token_a_missing_one_and_a_device_too_many_are_refused() {
    let server = Server::start();
    for token in ["", "a wrong one"] {
        let error = server.backend.open_with_token(token).unwrap_err();
        assert!(matches!(error, OpenError::Unauthorized { .. }), "{error}");
        assert!(error.to_string().contains("refuses the token"), "{error}");
    }
    let Backend::Remote { url, .. } = &server.backend else { unreachable!() };
    let second = Backend::Remote { url: url.clone(), index: 1 };
    let error = second.open_with_token(TOKEN).unwrap_err();
    assert!(matches!(error, OpenError::NoSuchDevice { .. }), "{error}");
    assert!(error.to_string().contains("the 1 devices of ws://127.0.0.1:"), "{error}");
}

#[test]
fn nobody_at_the_address_is_an_error_that_names_it() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", unused.local_addr().unwrap());
    drop(unused);
    let error = Backend::Remote { url: url.clone(), index: 0 }.open_with_token(TOKEN).unwrap_err();
    println!("{error}");
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&url), "{error}");
    for url in ["iroh://not-an-id", "iroh://not-an-id@127.0.0.1:1"] {
        let error = Backend::Remote { url: url.into(), index: 0 }.open_with_token("").unwrap_err();
        assert!(error.to_string().contains("is no server's id"), "{error}");
    }
}

/// A cable to a server, which can be pulled: the connections stay, and nothing comes through.
#[derive(Clone)]
struct Cable {
    address: SocketAddr,
    pulled: Arc<AtomicBool>,
    /// The bytes after which it is pulled.
    bytes: Arc<AtomicUsize>,
}

impl Cable {
    fn to(server: &Server) -> Self {
        let Backend::Remote { url, .. } = &server.backend else { unreachable!() };
        let server = url.strip_prefix("ws://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let bytes = Arc::new(AtomicUsize::new(usize::MAX));
        let address = listener.local_addr().unwrap();
        let cable = Self { address, pulled: Arc::default(), bytes };
        let ends = cable.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                for (from, to) in [(client, server), back] {
                    let cable = ends.clone();
                    std::thread::spawn(move || cable.carry(from, to));
                }
            }
        });
        cable
    }

    /// Carries bytes until one side closes. While the cable is pulled, holds them back.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let left = self.bytes.load(Ordering::Relaxed);
            self.bytes.store(left.saturating_sub(read), Ordering::Relaxed);
            while self.pulled.load(Ordering::Relaxed) || self.bytes.load(Ordering::Relaxed) == 0 {
                std::thread::sleep(Duration::from_millis(5));
            }
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    }

    fn open(&self) -> ComputeDevice {
        let url = format!("ws://{}", self.address);
        let access = Access::new().with_token(TOKEN).with_patience(Duration::from_secs(2));
        Backend::Remote { url, index: 0 }.open_with(&access).unwrap()
    }
}

/// The patience of these tests, and the time after which they must be over.
const PATIENCE: Duration = Duration::from_secs(2);
const OVER: Duration = Duration::from_secs(20);

fn pool(devices: Vec<ComputeDevice>) -> DevicePool<Gradient> {
    DevicePool::new(devices, |_| Gradient::new()).with_patience(PATIENCE)
}

#[test]
fn a_pulled_cable_loses_its_rows_to_the_others_wherever_it_is_pulled() {
    let servers = [Server::start(), Server::start()];
    let net = CifarCnn::embedded(&device());
    let alone = Gradient::new().attribute(&net, pictures()).unwrap();
    // While the model is sent, while rows are, and at the first byte.
    for bytes in [1, 30_000, 400_000, 700_000] {
        let cable = Cable::to(&servers[0]);
        let devices = vec![cable.open(), servers[1].open()];
        cable.bytes.store(bytes, Ordering::Relaxed);
        let start = Instant::now();
        let map = pool(devices).attribute(&net, pictures()).unwrap();
        assert!(start.elapsed() < OVER);
        assert_close("64 pictures", &map.values, &alone.values, 1e-5);
        assert_eq!(map.targets, alone.targets);
    }
}

#[test]
fn a_silent_device_is_named_in_every_call_until_it_is_back() {
    let servers = [Server::start(), Server::start()];
    let cable = Cable::to(&servers[0]);
    let pool = pool(vec![cable.open(), servers[1].open()]);
    let net = CifarCnn::embedded(&device());
    assert_eq!(pool.attribute(&net, pictures()).unwrap().warnings, []);

    // It is lost in one of the calls after the cable was pulled, and in all after that.
    cable.pulled.store(true, Ordering::Relaxed);
    let start = Instant::now();
    while pool.attribute(&net, pictures()).unwrap().warnings.is_empty() {
        assert!(start.elapsed() < OVER);
    }
    for _ in 0..3 {
        let map = pool.attribute(&net, pictures()).unwrap();
        assert!(matches!(map.warnings[..], [Warning::DeviceLost { .. }, ..]), "{:?}", map.warnings);
    }

    // It comes back in the same program.
    cable.pulled.store(false, Ordering::Relaxed);
    let start = Instant::now();
    while !pool.attribute(&net, pictures()).unwrap().warnings.is_empty() {
        assert!(start.elapsed() < OVER);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn if_every_device_is_silent_the_finished_rows_are_kept() {
    let server = Server::start();
    let cable = Cable::to(&server);
    let pool = pool(vec![cable.open()]).with_rows_at_once(8).with_observer({
        let cable = cable.clone();
        move |event| {
            if let PoolEvent::RowsDone { done: 24, .. } = event {
                cable.pulled.store(true, Ordering::Relaxed);
            }
        }
    });
    let net = CifarCnn::embedded(&device());
    let start = Instant::now();
    let answer = pool.attribute_partly(&net, pictures(), Target::Predicted, &Rows::all(64));
    assert!(start.elapsed() < OVER);
    assert_eq!(answer.rows, (0..24).collect::<Vec<_>>());
    let error = answer.error.unwrap().to_string();
    println!("{error}");
    assert!(error.contains("did not answer for 2 seconds"), "{error}");
    let alone = Gradient::new().attribute(&net, pictures().narrow(0, 0, 24)).unwrap();
    assert_close("finished", &answer.map.unwrap().values, &alone.values, 1e-5);
}

#[test]
fn a_pool_of_silent_devices_can_be_cancelled() {
    let server = Server::start();
    let cable = Cable::to(&server);
    let cancel = Cancel::new();
    let pool = DevicePool::new([cable.open()], |_| Gradient::new()).with_cancel(cancel.clone());
    cable.pulled.store(true, Ordering::Relaxed);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        cancel.cancel();
    });
    let start = Instant::now();
    let error = pool.attribute(&CifarCnn::embedded(&device()), pictures()).unwrap_err();
    assert!(start.elapsed() < OVER);
    assert!(matches!(error, Error::Cancelled { done: 0, total: 64, .. }), "{error}");
}

#[test]
fn a_server_that_accepts_and_says_nothing_cannot_be_opened() {
    let upgrade =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    for says in [&b""[..], upgrade] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut clients = Vec::new();
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let _ = client.write_all(says);
                clients.push(client);
            }
        });
        let access = Access::new().with_token(TOKEN).with_patience(Duration::from_secs(1));
        let backend = Backend::Remote { url: url.clone(), index: 0 };
        let start = Instant::now();
        // The other one is opened at the same time.
        let opened = Backend::open_all(&[backend, Backend::Flex], &access);
        assert!(start.elapsed() < OVER);
        let error = opened[0].as_ref().unwrap_err().to_string();
        println!("{error}");
        assert!(error.contains(&url) && opened[1].is_ok(), "{error}");
    }
}
