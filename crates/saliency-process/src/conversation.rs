//! A running program, and the threads that talk to it.

use std::ffi::OsString;
use std::io::{BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::message::{MOST_SCORES, Problem, Scores, answer};

/// The bytes of the standard error that are kept.
const KEPT: usize = 2000;

/// How long a program that has closed its output may take to end.
const LAST_MOMENTS: Duration = Duration::from_secs(1);

/// A running program. It is ended when this is dropped.
///
/// Questions are written and answers are read by threads, so that a program that neither reads nor
/// writes does not block the caller.
pub(crate) struct Conversation {
    name: String,
    child: Child,
    questions: Sender<Vec<u8>>,
    /// The number of rows of each question, for the thread that reads.
    rows: Sender<usize>,
    answers: Receiver<Result<Scores, Problem>>,
    stderr: Arc<Mutex<Vec<u8>>>,
}

impl Conversation {
    /// Starts a program.
    pub fn start(arguments: &[OsString]) -> Result<Self> {
        let name = name_of(arguments);
        let [program, rest @ ..] = arguments else { return Err(Error::NoProgram) };
        let mut command = Command::new(program);
        command.args(rest).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = command.spawn();
        let mut child = started
            .map_err(|cause| Error::NotStarted { program: name.clone(), cause: Arc::new(cause) })?;
        let (questions, to_write) = channel::<Vec<u8>>();
        let (rows, to_read) = channel::<usize>();
        let (found, answers) = channel();
        let stderr = Arc::new(Mutex::new(Vec::new()));
        if let Some(mut input) = child.stdin.take() {
            // Ends when the program does not read any more, or when nobody asks any more.
            thread::spawn(move || {
                for question in to_write {
                    if input.write_all(&question).and_then(|()| input.flush()).is_err() {
                        break;
                    }
                }
            });
        }
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                let mut output = BufReader::new(output);
                for rows in to_read {
                    let answer = answer(&mut output, rows);
                    let go_on = answer.is_ok();
                    if found.send(answer).is_err() || !go_on {
                        break;
                    }
                }
            });
        }
        if let Some(output) = child.stderr.take() {
            let kept = Arc::clone(&stderr);
            thread::spawn(move || keep_end(output, &kept));
        }
        Ok(Self { name, child, questions, rows, answers, stderr })
    }

    /// Asks one question about `rows` rows. After an error the program is of no more use.
    pub fn ask(&mut self, question: Vec<u8>, rows: usize, limit: Duration) -> Result<Scores> {
        // If a thread has ended, so has the program: the answer will say so.
        let _ = self.questions.send(question);
        let _ = self.rows.send(rows);
        match self.answers.recv_timeout(limit) {
            Ok(Ok(scores)) => Ok(scores),
            Ok(Err(problem)) => Err(self.error(problem, rows)),
            Err(RecvTimeoutError::Disconnected) => Err(self.error(Problem::Ended, rows)),
            Err(RecvTimeoutError::Timeout) => {
                let (program, stderr) = (self.name.clone(), self.stderr());
                Err(Error::TimeLimit { program, limit, stderr })
            }
        }
    }

    fn error(&mut self, problem: Problem, rows: usize) -> Error {
        let program = self.name.clone();
        match problem {
            Problem::Ended => {
                let status = self.status();
                Error::Ended { program, status, stderr: self.stderr() }
            }
            Problem::NoAnswer { found, reason } => {
                Error::NoAnswer { program, found, reason, stderr: self.stderr() }
            }
            Problem::Shape(found) => Error::Shape { program, rows, found, most: MOST_SCORES },
            Problem::Reported(message) => Error::Reported { program, message },
        }
    }

    /// Waits a moment for the program to end, and says how it did.
    fn status(&mut self) -> String {
        let start = Instant::now();
        while start.elapsed() < LAST_MOMENTS {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    // The last words may still be on their way.
                    thread::sleep(Duration::from_millis(20));
                    return status.to_string();
                }
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Err(error) => return error.to_string(),
            }
        }
        "it closed its output and still runs".to_owned()
    }

    fn stderr(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a stream to its end, and keeps the last bytes.
fn keep_end(mut stream: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 512];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&bytes[..count]);
        let too_many = kept.len().saturating_sub(KEPT);
        kept.drain(..too_many);
    }
}

/// Returns the program and its arguments, for messages.
pub(crate) fn name_of(arguments: &[OsString]) -> String {
    let texts = arguments.iter().map(|argument| argument.to_string_lossy());
    texts.collect::<Vec<_>>().join(" ")
}
