//! Warns if a server runs another version of this program.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use saliency_program::output::say_aside;

/// How long a server may take to answer. A server that does not is not asked again.
const PATIENCE: Duration = Duration::from_secs(3);
/// The most bytes of an answer that are read.
const MOST: u64 = 64 << 10;

/// Asks the servers of remote devices for their version, and prints a warning if it is another than
/// this program's. Nothing happens if a server does not answer: it may be of another program.
pub fn warn_of_others(devices: &[String]) {
    let own = env!("CARGO_PKG_VERSION");
    for address in devices.iter().filter_map(|name| address_of(name)) {
        if let Some(version) = version_of(address).filter(|version| version != own) {
            say_aside(format_args!(
                "warning: the server at {address} runs saliency {version}, and this program is \
                 {own}; their numbers may differ"
            ));
        }
    }
}

/// Returns the host and port of `remote:ws://HOST:PORT#1`.
fn address_of(device: &str) -> Option<&str> {
    let address = device.strip_prefix("remote:ws://")?;
    Some(address.split('#').next().unwrap_or(address))
}

/// Asks a server for its version.
fn version_of(address: &str) -> Option<String> {
    let socket = address.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&socket, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    // In one piece, because a short server may read only once.
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer).ok()?;
    let json: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1)?).ok()?;
    (json["program"] == "saliency").then(|| json["version"].as_str().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_version_of_a_server_is_read_and_other_programs_have_none() {
        let answers = [
            ("{\"program\":\"saliency\",\"version\":\"9.9.9\"}", Some("9.9.9".to_owned())),
            ("{\"program\":\"another\",\"version\":\"1\"}", None),
            ("nonsense", None),
        ];
        for (json, expected) in answers {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let device = format!("remote:ws://{}#1", listener.local_addr().unwrap());
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 1000]).unwrap();
                write!(stream, "HTTP/1.1 200 OK\r\n\r\n{json}").unwrap();
            });
            assert_eq!(version_of(address_of(&device).unwrap()), expected);
            server.join().unwrap();
        }
        assert_eq!(address_of("flex"), None);
        assert_eq!(version_of("127.0.0.1:9"), None);
    }
}
