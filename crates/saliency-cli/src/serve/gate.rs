//! The gate in front of Burn's server: whom it lets through, and how much of what they send.
//!
//! Burn's server reads up to 1 GiB of a message before it looks at the token, has no limit of
//! connections, and no answer for a health check. The gate passes on bytes, and little of them before
//! the token is accepted: Burn asks [`Gate::authorize`] about each session, by the address from which
//! the gate has connected.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;
use socket2::{SockRef, TcpKeepalive};

use super::http::{Asked, Head, answer};
use super::limits::Limits;
use super::log::log;
use super::session::{Session, Until, close};

/// How long the gate waits if no more connections can be opened.
const PAUSE: Duration = Duration::from_millis(5);
/// A client that is gone without a word is noticed within two or three times this.
const ALIVE: Duration = Duration::from_secs(30);

/// The gate.
#[derive(Debug)]
pub struct Gate {
    /// The address of Burn's server.
    behind: SocketAddr,
    limits: Limits,
    health: Health,
    guests: Mutex<Guests>,
}

/// The answer to a health check.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    status: &'static str,
    program: &'static str,
    version: &'static str,
    devices: Vec<String>,
    sessions: usize,
}

impl Health {
    /// Says which devices are lent.
    pub fn new(devices: Vec<String>) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self { status: "ok", program: "saliency", version, devices, sessions: 0 }
    }
}

/// Those who are connected.
#[derive(Debug, Default)]
struct Guests {
    connections: HashMap<IpAddr, usize>,
    /// By the address from which the gate has connected to Burn's server.
    sessions: HashMap<SocketAddr, Arc<Session>>,
}

/// A place among the connections. It is free again when this value is dropped.
struct Place {
    gate: Arc<Gate>,
    ip: IpAddr,
}

impl Place {
    /// Takes a place, or says which limit is reached.
    fn take(gate: &Arc<Gate>, ip: IpAddr) -> Result<Self, &'static str> {
        let mut guests = gate.guests();
        let all: usize = guests.connections.values().sum();
        let of_client = guests.connections.get(&ip).copied().unwrap_or(0);
        if of_client >= gate.limits.per_client {
            return Err("too many connections of this client");
        }
        if all >= gate.limits.connections {
            return Err("too many connections");
        }
        guests.connections.insert(ip, of_client + 1);
        drop(guests);
        Ok(Self { gate: Arc::clone(gate), ip })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut guests = self.gate.guests();
        if let Some(count) = guests.connections.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                guests.connections.remove(&self.ip);
            }
        }
    }
}

impl Gate {
    /// Makes a gate for a server that listens at an address.
    pub fn new(behind: SocketAddr, limits: Limits, health: Health) -> Self {
        Self { behind, limits, health, guests: Mutex::default() }
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets clients in, for ever.
    pub fn listen(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            // If no more files can be opened, others are closed soon.
            let Ok(stream) = stream else {
                sleep(PAUSE);
                continue;
            };
            let Ok(client) = stream.peer_addr() else { continue };
            match Place::take(&self, client.ip()) {
                Ok(place) => {
                    // Without a thread, the connection is closed.
                    let thread = std::thread::Builder::new().name(format!("gate {client}"));
                    let _ = thread.spawn(move || place.gate.serve(&stream, client));
                }
                Err(reason) => {
                    log(format_args!("{client} refused: {reason}"));
                    let _ = stream.set_write_timeout(Some(PAUSE));
                    let _ = refuse(&stream, "503 Service Unavailable", reason);
                }
            }
        }
    }

    /// Says whether a session is opened: `name` is that of the client's token, or why it has none.
    /// For Burn's server.
    ///
    /// # Errors
    /// The reason why the client may not come in.
    pub fn authorize(
        &self,
        from: SocketAddr,
        device: u32,
        name: Result<String, String>,
    ) -> Result<(), String> {
        let session = self.guests().sessions.get(&from).cloned();
        let session = session.ok_or("expected a client that has come through the gate")?;
        let client = session.client();
        match name {
            Ok(name) => {
                session.admit();
                log(format_args!("{client} opens device {device}, token of {name}"));
                Ok(())
            }
            Err(reason) => {
                log(format_args!("{client} refused: {reason}"));
                Err(reason)
            }
        }
    }

    /// Serves one connection until it ends.
    fn serve(&self, stream: &TcpStream, client: SocketAddr) {
        let deadline = Instant::now() + self.limits.patience;
        let _ = stream.set_nodelay(true);
        let alive = TcpKeepalive::new().with_time(ALIVE).with_interval(ALIVE);
        let _ = SockRef::from(stream).set_tcp_keepalive(&alive);
        let head = Head::read(&mut Until { stream, deadline }, self.limits.head);
        // Who leaves before a request, as programs do that look for open ports, is not worth a line.
        let Ok(head) = head else { return };
        let ended = match head.asked() {
            Asked::Health => {
                let sessions = self.guests().sessions.len();
                let health = Health { sessions, ..self.health.clone() };
                let json = serde_json::to_string(&health).unwrap_or_default();
                answer(&mut &*stream, "200 OK", &json)
            }
            Asked::Unknown => refuse(stream, "404 Not Found", "only /session and /health are here"),
            asked => self.pass(stream, client, &head, asked, deadline),
        };
        if let Err(error) = ended {
            log(format_args!("{client} ended: {error}"));
        }
    }

    /// Passes bytes on in both directions until one side ends.
    fn pass(
        &self,
        stream: &TcpStream,
        client: SocketAddr,
        head: &Head,
        asked: Asked,
        deadline: Instant,
    ) -> io::Result<()> {
        let behind = TcpStream::connect(self.behind)?;
        behind.set_nodelay(true)?;
        let from = behind.local_addr()?;
        let session = Arc::new(Session::new(client, head.bytes.len()));
        self.guests().sessions.insert(from, Arc::clone(&session));
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = session.answers(&behind, stream);
                close([stream, &behind]);
            });
            let result = (&behind).write_all(&head.bytes).and_then(|()| match asked {
                Asked::Transfer => session.transfers(stream, &behind, self.limits.of_transfer),
                _ => session.requests(stream, &behind, &self.limits, deadline),
            });
            close([stream, &behind]);
            result
        });
        self.guests().sessions.remove(&from);
        if session.is_admitted() {
            log(session.closed());
        }
        result
    }
}

fn refuse(mut stream: &TcpStream, status: &str, reason: &str) -> io::Result<()> {
    answer(&mut stream, status, &format!("{{\"error\":\"{reason}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    /// A gate, the address where it listens, and the server behind it.
    fn gate(limits: Limits) -> (Arc<Gate>, SocketAddr, TcpListener) {
        let behind = TcpListener::bind("127.0.0.1:0").unwrap();
        let health = Health::new(vec!["flex".to_owned()]);
        let gate = Arc::new(Gate::new(behind.local_addr().unwrap(), limits, health));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listening = Arc::clone(&gate);
        std::thread::spawn(move || listening.listen(&listener));
        (gate, address, behind)
    }

    fn asked(address: SocketAddr, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\n\r\n").unwrap();
        stream
    }

    /// Accepts a client that has asked for a session.
    fn accepted(behind: &TcpListener) -> (TcpStream, SocketAddr) {
        let (mut server, from) = behind.accept().unwrap();
        let mut head = vec![0; "GET /session HTTP/1.1\r\n\r\n".len()];
        server.read_exact(&mut head).unwrap();
        (server, from)
    }

    fn answered(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    }

    fn limits() -> Limits {
        Limits { patience: Duration::from_millis(300), before_token: 100, ..Limits::default() }
    }

    #[test]
    fn a_health_check_is_answered() {
        let (_, address, _behind) = gate(limits());
        let text = answered(asked(address, "GET /health"));
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!((&json["status"], &json["sessions"]), (&"ok".into(), &0.into()));
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        assert!(answered(asked(address, "GET /")).starts_with("HTTP/1.1 404 "));
    }

    #[test]
    fn a_client_that_is_let_in_may_send_everything() {
        let (gate, address, behind) = gate(limits());
        let mut client = asked(address, "GET /session");
        let (mut server, from) = accepted(&behind);
        gate.authorize(from, 0, Ok("Anna".to_owned())).unwrap();
        client.write_all(&[7; 5000]).unwrap();
        let mut received = vec![0; 5000];
        server.read_exact(&mut received).unwrap();
        assert_eq!(received, [7; 5000]);
        server.write_all(b"done").unwrap();
        drop(server);
        assert_eq!(answered(client), "done");
        // The session ends.
        while gate.authorize(from, 0, Ok(String::new())).is_ok() {
            sleep(PAUSE);
        }
    }

    #[test]
    fn a_client_without_a_token_sends_little_and_is_closed() {
        let (gate, address, behind) = gate(limits());
        let mut client = asked(address, "GET /session");
        let (mut server, from) = accepted(&behind);
        client.write_all(&[7; 5000]).unwrap();
        let refused = gate.authorize(from, 0, Err("a wrong token".to_owned()));
        assert_eq!(refused.unwrap_err(), "a wrong token");
        let mut received = Vec::new();
        let _ = server.read_to_end(&mut received);
        // The head counts too.
        assert_eq!(received.len(), 100 - "GET /session HTTP/1.1\r\n\r\n".len());
        assert_eq!(answered(client), "");
    }

    #[test]
    fn a_client_that_says_nothing_is_closed() {
        let (_, address, _behind) = gate(limits());
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"GET /session HTTP/1.1\r\n").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap_or(0), 0);
    }

    #[test]
    fn more_connections_than_allowed_are_refused_until_one_is_closed() {
        let per_client = Limits { per_client: 2, patience: Duration::from_secs(60), ..limits() };
        let (gate, address, _behind) = gate(per_client);
        let held = [(); 2].map(|()| TcpStream::connect(address).unwrap());
        let full = || gate.guests().connections.values().sum::<usize>() == 2;
        while !full() {
            sleep(PAUSE);
        }
        let text = answered(TcpStream::connect(address).unwrap());
        assert!(text.contains("503") && text.contains("too many connections of this"), "{text}");
        drop(held);
        while full() {
            sleep(PAUSE);
        }
        assert!(answered(asked(address, "GET /health")).contains("\"ok\""));
    }

    #[test]
    fn who_has_not_come_through_the_gate_is_refused() {
        let (gate, ..) = gate(limits());
        let stranger = "127.0.0.1:9".parse().unwrap();
        assert!(gate.authorize(stranger, 0, Ok("Anna".to_owned())).is_err());
    }
}
