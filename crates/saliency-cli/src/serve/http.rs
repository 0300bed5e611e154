//! The head of a request, which every WebSocket begins with, and short answers.

use std::io::{self, ErrorKind, Read, Write};

/// The head of a request: everything up to the first empty line, and what came with it.
#[derive(Debug)]
pub struct Head {
    /// All bytes that were read.
    pub bytes: Vec<u8>,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Whether the server is well.
    Health,
    /// To compute.
    Session,
    /// Tensors of a session, for another server.
    Transfer,
    /// Something else.
    Unknown,
}

impl Head {
    /// Reads the head of a request, of at most so many bytes.
    ///
    /// # Errors
    /// An error if the connection ends, or if the head is too long.
    pub fn read(stream: &mut impl Read, most: usize) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 1024];
        while !bytes.windows(4).any(|it| it == b"\r\n\r\n") {
            if bytes.len() >= most {
                return Err(io::Error::new(ErrorKind::InvalidData, "the request is too long"));
            }
            match stream.read(&mut buffer)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => bytes.extend(&buffer[..count]),
            }
        }
        Ok(Self { bytes })
    }

    /// Returns what is asked for.
    pub fn asked(&self) -> Asked {
        let line = self.bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let mut words = line.split(|&byte| byte == b' ');
        match (words.next(), words.next()) {
            (Some(b"GET"), Some(b"/health")) => Asked::Health,
            (Some(b"GET"), Some(b"/session")) => Asked::Session,
            (Some(b"GET"), Some(b"/data")) => Asked::Transfer,
            _ => Asked::Unknown,
        }
    }
}

/// Sends a short answer and says that the connection ends.
///
/// # Errors
/// An error if the client is gone.
pub fn answer(stream: &mut impl Write, status: &str, json: &str) -> io::Result<()> {
    let length = json.len() + 1;
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{json}\n"
    );
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_up_to_its_empty_line() {
        let request = b"GET /session HTTP/1.1\r\nHost: x\r\n\r\nand more";
        let head = Head::read(&mut &request[..], 100).unwrap();
        assert_eq!(head.bytes, request);
        assert_eq!(head.asked(), Asked::Session);
        let asked = |line: &str| {
            let request = format!("{line} HTTP/1.1\r\n\r\n");
            Head::read(&mut request.as_bytes(), 100).unwrap().asked()
        };
        assert_eq!(asked("GET /health"), Asked::Health);
        assert_eq!(asked("GET /data"), Asked::Transfer);
        assert_eq!(asked("GET /"), Asked::Unknown);
        assert_eq!(asked("POST /session"), Asked::Unknown);
    }

    #[test]
    fn a_head_that_does_not_end_is_an_error() {
        let long = [b'x'; 5000];
        assert!(Head::read(&mut &long[..], 2000).is_err());
        assert!(Head::read(&mut &b"GET /session HTTP/1.1\r\n"[..], 2000).is_err());
    }
}
