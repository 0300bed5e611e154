//! The other side of a comparison.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// A Python process that answers each line of JSON by another one.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts a script of the folder `benches` with the given arguments.
    ///
    /// # Panics
    /// Panics if Python cannot be started.
    pub fn start(python: &Path, script: &str, arguments: &[impl AsRef<OsStr>]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let mut command = Command::new(python);
        let command = command.arg(script).args(arguments);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("Python");
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, requests, answers }
    }

    /// Sends a request, and returns the answer.
    ///
    /// # Panics
    /// Panics if the process has ended, or does not answer with JSON.
    pub fn ask(&mut self, request: &impl Serialize) -> Value {
        // Threads that still spin on our side come to rest first, and theirs after the answer.
        let rest = || std::thread::sleep(Duration::from_millis(50));
        rest();
        let request = serde_json::to_string(request).expect("a request");
        writeln!(self.requests, "{request}").expect("a process that listens");
        let answer = self.answer();
        rest();
        answer
    }

    /// Waits for a line that the process writes without being asked, for instance when it has
    /// started.
    ///
    /// # Panics
    /// Panics if the process has ended, or does not write JSON.
    pub fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        serde_json::from_str(&line).expect("JSON; see the error of Python above")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The process holds nothing that must be saved.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
