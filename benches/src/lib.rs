//! The benches are the files beside `src`, one for each question.
