//! The messages of the protocol: a line of JSON, then numbers.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};

/// The longest first line of an answer, in bytes.
const LONGEST_LINE: u64 = 1 << 16;

/// The most scores of a row: as many as the classes of any model, pixels of a map included.
pub(crate) const MOST_SCORES: usize = 1 << 24;

/// The first line of a question.
#[derive(Serialize)]
struct Question<'a> {
    shapes: &'a [Vec<usize>],
}

/// The first line of an answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum FirstLine {
    Scores { shape: Vec<usize> },
    Failed { error: String },
}

/// The scores of a batch, `[rows, scores]`.
#[derive(Debug, PartialEq)]
pub(crate) struct Scores {
    pub values: Vec<f64>,
    pub shape: [usize; 2],
}

/// Why there is no answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Problem {
    /// The output ended.
    Ended,
    NoAnswer {
        found: String,
        reason: String,
    },
    Shape(Vec<usize>),
    Reported(String),
}

/// Writes a question: the shape of each tensor, and all values.
pub(crate) fn question(shapes: &[Vec<usize>], tensors: &[Vec<f64>]) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(&Question { shapes }).expect("numbers can be written");
    bytes.push(b'\n');
    tensors.iter().flatten().for_each(|value| bytes.extend(value.to_le_bytes()));
    bytes
}

/// Reads an answer to a question about `rows` rows.
pub(crate) fn answer(output: &mut impl BufRead, rows: usize) -> Result<Scores, Problem> {
    let mut line = Vec::new();
    let read = output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
    if read.map_err(ended)? == 0 {
        return Err(Problem::Ended);
    }
    let first: FirstLine = serde_json::from_slice(&line).map_err(|error| Problem::NoAnswer {
        found: start_of(&line),
        reason: format!("which is no line of JSON with a \"shape\" ({error})"),
    })?;
    let shape = match first {
        FirstLine::Failed { error } => return Err(Problem::Reported(error)),
        FirstLine::Scores { shape } => shape,
    };
    let [found, scores] = match shape[..] {
        [found, scores] if found == rows && (1..=MOST_SCORES).contains(&scores) => [found, scores],
        _ => return Err(Problem::Shape(shape)),
    };
    let bytes = 8 * found * scores;
    let mut numbers = Vec::new();
    // Memory grows with what arrives, whatever the shape promises.
    let read = output.by_ref().take(bytes as u64).read_to_end(&mut numbers);
    if read.map_err(ended)? < bytes {
        return Err(Problem::Ended);
    }
    let values = numbers.as_chunks().0.iter().copied().map(f64::from_le_bytes).collect();
    Ok(Scores { values, shape: [found, scores] })
}

fn ended(_: io::Error) -> Problem {
    Problem::Ended
}

/// Returns the start of some bytes as text.
fn start_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], rows: usize) -> Result<Scores, Problem> {
        answer(&mut io::Cursor::new(bytes), rows)
    }

    fn scores(shape: &str, values: &[f64]) -> Vec<u8> {
        let mut bytes = format!("{{\"shape\": {shape}}}\n").into_bytes();
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes
    }

    #[test]
    fn questions_are_a_line_of_json_and_numbers() {
        let bytes = question(&[vec![1, 2], vec![1]], &[vec![0.5, -1.0], vec![3.0]]);
        let (line, numbers) = bytes.split_at(bytes.len() - 24);
        assert_eq!(line, b"{\"shapes\":[[1,2],[1]]}\n");
        assert_eq!(numbers[8..16], (-1.0f64).to_le_bytes());
    }

    #[test]
    fn answers_are_read_to_the_last_bit() {
        let values = [0.1, f64::MIN_POSITIVE];
        let found = read(&scores("[2, 1]", &values), 2).unwrap();
        assert_eq!(found, Scores { values: values.to_vec(), shape: [2, 1] });
    }

    #[test]
    fn everything_else_is_a_problem() {
        assert_eq!(read(b"", 1), Err(Problem::Ended));
        assert_eq!(read(&scores("[1, 2]", &[1.0]), 1), Err(Problem::Ended));
        assert_eq!(read(b"{\"error\": \"no\"}\n", 1), Err(Problem::Reported("no".to_owned())));
        for shape in [vec![2, 1], vec![1, 0], vec![1], vec![1, 1, 1], vec![1, MOST_SCORES + 1]] {
            let bytes = scores(&format!("{shape:?}"), &[1.0, 2.0]);
            assert_eq!(read(&bytes, 1), Err(Problem::Shape(shape)));
        }
        for rubbish in [&b"loading\n"[..], b"{\"shape\": -1}\n", &[0xff; 1 << 17], b"\n"] {
            let Err(Problem::NoAnswer { found, .. }) = read(rubbish, 1) else {
                panic!("{rubbish:?}");
            };
            assert!(found.len() <= 240, "{found}");
        }
    }
}
