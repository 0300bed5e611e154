//! A connection that the gate passes on.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::limits::Limits;

/// How often it is looked whether a client was let in.
const LOOK: Duration = Duration::from_millis(5);
const BUFFER: usize = 256 << 10;

/// A connection that is passed on.
#[derive(Debug)]
pub struct Session {
    client: SocketAddr,
    start: Instant,
    /// Whether the token was accepted.
    is_admitted: AtomicBool,
    received: AtomicU64,
    sent: AtomicU64,
}

impl Session {
    /// Begins a session of a client that has sent so many bytes.
    pub fn new(client: SocketAddr, received: usize) -> Self {
        Self {
            client,
            start: Instant::now(),
            is_admitted: AtomicBool::new(false),
            received: AtomicU64::new(received as u64),
            sent: AtomicU64::new(0),
        }
    }

    /// Returns the client's address.
    pub fn client(&self) -> SocketAddr {
        self.client
    }

    /// Says that the token was accepted.
    pub fn admit(&self) {
        self.is_admitted.store(true, Ordering::Release);
    }

    /// Returns whether the token was accepted.
    pub fn is_admitted(&self) -> bool {
        self.is_admitted.load(Ordering::Acquire)
    }

    /// Passes on what a client sends. Before its token is accepted, only a little is read.
    pub fn requests(
        &self,
        mut stream: &TcpStream,
        mut behind: &TcpStream,
        limits: &Limits,
        deadline: Instant,
    ) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        let silent = || io::Error::new(ErrorKind::TimedOut, "no token in time");
        let mut is_admitted = false;
        loop {
            if !is_admitted && self.is_admitted() {
                is_admitted = true;
                stream.set_read_timeout(None)?;
            }
            let mut most = BUFFER as u64;
            if !is_admitted {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(silent());
                }
                most = most.min(limits.before_token.saturating_sub(self.received()));
                if most == 0 {
                    // The rest waits in the network until the token is accepted.
                    sleep(LOOK);
                    continue;
                }
                // Not the whole time that is left, because the token may be accepted meanwhile.
                stream.set_read_timeout(Some(left.min(20 * LOOK)))?;
            }
            match stream.read(&mut buffer[..most as usize]) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    self.received.fetch_add(count as u64, Ordering::Relaxed);
                    if behind.write_all(&buffer[..count]).is_err() {
                        return Ok(());
                    }
                }
                Err(error) if is_silence(&error) => {}
                Err(_) => return Ok(()),
            }
        }
    }

    /// Passes on what another server sends to fetch tensors, of at most so many bytes.
    pub fn transfers(
        &self,
        mut stream: &TcpStream,
        mut behind: &TcpStream,
        most: u64,
    ) -> io::Result<()> {
        stream.set_read_timeout(None)?;
        let mut buffer = vec![0; 8 << 10];
        loop {
            let count = stream.read(&mut buffer).unwrap_or(0);
            let received = self.received.fetch_add(count as u64, Ordering::Relaxed);
            if received > most {
                return Err(io::Error::new(ErrorKind::InvalidData, "too much for a transfer"));
            }
            if count == 0 || behind.write_all(&buffer[..count]).is_err() {
                return Ok(());
            }
        }
    }

    /// Passes on what the server answers.
    pub fn answers(&self, mut behind: &TcpStream, mut stream: &TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = behind.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            stream.write_all(&buffer[..count])?;
            self.sent.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Says how long a session was, and how much was sent.
    pub fn closed(&self) -> String {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let seconds = self.start.elapsed().as_secs_f64();
        let [received, sent] = [self.received(), self.sent.load(Ordering::Relaxed)].map(megabytes);
        let client = self.client;
        format!("{client} closed after {seconds:.1} s, {received:.1} MB in, {sent:.1} MB out")
    }
}

/// Reads until a moment.
pub struct Until<'a> {
    pub stream: &'a TcpStream,
    pub deadline: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

/// Returns whether nothing came in time.
fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

pub fn close(streams: [&TcpStream; 2]) {
    for stream in streams {
        // It may be closed already.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
