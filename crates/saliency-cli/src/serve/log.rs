//! The log of a server: a line for each session, on stderr, with the time.

use std::fmt::Display;
use std::time::{SystemTime, UNIX_EPOCH};

use saliency_program::output::say_aside;

/// Writes a line with the time.
pub fn log(line: impl Display) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    say_aside(format_args!("{} {line}", time(now)));
}

/// Writes a time as people and programs read it: `2026-11-26T22:04:05Z`.
fn time(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since the first of March of the year 0, in cycles of 400 years (Howard Hinnant's "chrono-
    // Compatible Low-Level Date Algorithms", 2013).
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) =
        (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let times = [0, 951_782_400, 1_709_164_799, 1_795_730_645].map(time);
        let expected = [
            "1970-01-01T00:00:00Z",
            "2000-02-29T00:00:00Z",
            "2024-02-28T23:59:59Z",
            "2026-11-26T22:04:05Z",
        ];
        assert_eq!(times, expected);
    }
}
