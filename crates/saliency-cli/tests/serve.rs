//! Runs a server and its clients.
#![cfg(feature = "remote-server")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn saliency(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saliency"));
    command.args(args).current_dir(folder).env_remove("SALIENCY_TOKEN");
    command
}

/// A server, which ends when this value is dropped.
struct Server {
    program: Child,
    /// `remote:ws://HOST:PORT`
    device: String,
}

impl Server {
    fn start(folder: &Path, options: &[&str]) -> Self {
        std::fs::write(folder.join("tokens"), "right Anna\nother Bert\n").unwrap();
        let args = ["serve", "--device=flex", "--listen=127.0.0.1:0", "--token-file=tokens"];
        let mut command = saliency(&[&args, options].concat(), folder);
        let mut program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let device = said.split(' ').next().unwrap().to_owned();
        assert!(device.starts_with("remote:ws://127.0.0.1:"), "{said}");
        Self { program, device }
    }

    fn get(&self, path: &str) -> String {
        let address = self.device.strip_prefix("remote:ws://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn explain(&self, folder: &Path, token: &str) -> Output {
        let device = format!("--device={}", self.device);
        let options = ["explain", "--method=gradient", "--no-cover", "--mode=overlay", &device];
        saliency(&options, folder).env("SALIENCY_TOKEN", token).output().unwrap()
    }

    /// Ends the server as the system does, and returns its log.
    fn end(mut self) -> String {
        let id = self.program.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(self.program.wait().unwrap().code(), Some(0));
        let mut log = String::new();
        self.program.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.program.kill().and_then(|()| self.program.wait());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn clients_with_a_token_compute_on_the_server_which_keeps_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    let health = server.get("/health");
    assert!(health.contains("\"status\":\"ok\"") && health.contains("\"flex\""), "{health}");
    for token in ["right", "other"] {
        let output = server.explain(folder, token);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("explained: Egyptian cat"));
    }
    assert!(folder.join("maps/chelsea-gradient-overlay.png").exists());
    let output = server.explain(folder, "wrong");
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("refuses the token: set SALIENCY_TOKEN"), "{error}");
    // A token can be taken away while the server runs.
    std::fs::write(folder.join("tokens"), "right Anna\n").unwrap();
    assert_eq!(server.explain(folder, "other").status.code(), Some(2));
    let log = server.end();
    println!("{log}");
    for line in
        ["opens device 0, token of Anna", "token of Bert", " closed after ", "a wrong token"]
    {
        assert!(log.contains(line), "{line}: {log}");
    }
}

#[test]
fn more_connections_of_one_client_than_allowed_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--connections-per-client=1"]);
    let address = server.device.strip_prefix("remote:ws://").unwrap().to_owned();
    let held = TcpStream::connect(&address).unwrap();
    let mut refused = String::new();
    while refused.is_empty() {
        // The first connection may not be counted yet.
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.read_to_string(&mut refused).unwrap_or(0);
    }
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    drop(held);
}

#[test]
fn a_server_without_a_token_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let output = saliency(&["serve", "--device=flex"], folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("SALIENCY_TOKEN, or --token-file; found none"), "{error}");
}
