//! The rows of a call: which rows wait, which are under way and on which device, and which a device
//! gets next.
//!
//! Nothing here computes or reads a clock, so that tests can simulate any devices.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// The time that a piece should take. It is much longer than handing the piece over takes, and
/// short enough that all devices finish at about the same time.
const PIECE: Duration = Duration::from_secs(1);

/// A device that has computed nothing yet takes a copy of a piece after this time.
const UNKNOWN: Duration = Duration::from_millis(250);

/// The number of rows in a piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// A fixed number of rows. If it is `None`, a piece has as many rows as a device computes in a
    /// second.
    pub fixed: Option<usize>,
    /// The maximum number of rows.
    pub most: usize,
}

/// The rows of a call.
#[derive(Debug)]
pub(super) struct Board {
    sizes: Sizes,
    waiting: VecDeque<Range<usize>>,
    under_way: Vec<Piece>,
    paces: Vec<Pace>,
}

/// Rows that one or more devices compute. The first answer is used.
#[derive(Debug)]
struct Piece {
    rows: Range<usize>,
    holders: Vec<usize>,
    /// The time at which the first of the devices began.
    since: Duration,
}

/// The speed of a device.
#[derive(Clone, Debug, Default)]
struct Pace {
    rows_per_second: Option<f64>,
    last: usize,
    lost: bool,
}

impl Board {
    /// Makes a board on which all rows wait, for a number of devices.
    pub fn new(rows: usize, devices: usize, sizes: Sizes) -> Self {
        Self {
            sizes,
            waiting: std::iter::once(0..rows).collect(),
            under_way: Vec::new(),
            paces: vec![Pace::default(); devices],
        }
    }

    /// Gives a device its next rows. Returns `None` if there is nothing for the device now.
    ///
    /// If no rows wait, the device gets a copy of a piece that is late: one that has been under way
    /// for longer than this device would need for it.
    pub fn take(&mut self, device: usize, now: Duration) -> Option<Range<usize>> {
        let size = self.size(device);
        if let Some(rows) = self.waiting.pop_front() {
            let piece = rows.start..rows.end.min(rows.start + size);
            if piece.end < rows.end {
                self.waiting.push_front(piece.end..rows.end);
            }
            let (rows, holders) = (piece.clone(), vec![device]);
            self.under_way.push(Piece { rows, holders, since: now });
            return Some(piece);
        }
        let pace = &self.paces[device];
        let late =
            |piece: &&mut Piece| now.saturating_sub(piece.since) >= pace.time_for(piece.rows.len());
        let pieces = self.under_way.iter_mut().filter(late);
        let piece = pieces.min_by_key(|piece| (piece.holders.len(), piece.since))?;
        piece.holders.push(device);
        Some(piece.rows.clone())
    }

    /// Notes that a device has computed rows in the time `took`. Returns whether it is the first to
    /// do so.
    pub fn done(&mut self, device: usize, rows: &Range<usize>, took: Duration) -> bool {
        self.paces[device].learn(rows.len(), took);
        let piece = self.under_way.iter().position(|piece| piece.rows == *rows);
        piece.map(|piece| self.under_way.swap_remove(piece)).is_some()
    }

    /// Notes that a device is lost. If no other device computes its rows, they wait again, before
    /// all others. Returns these rows if no device has finished them yet.
    pub fn lose(&mut self, device: usize) -> Option<Range<usize>> {
        self.paces[device].lost = true;
        let holds = |piece: &Piece| piece.holders.contains(&device);
        let at = self.under_way.iter().position(holds)?;
        let piece = &mut self.under_way[at];
        piece.holders.retain(|holder| *holder != device);
        let rows = piece.rows.clone();
        if piece.holders.is_empty() {
            self.under_way.swap_remove(at);
            self.waiting.push_front(rows.clone());
        }
        // Perhaps there were too many rows for this device, and there are too many for the others.
        self.sizes.most = self.sizes.most.min((rows.len() / 2).max(1));
        Some(rows)
    }

    /// Returns whether rows before `start` are under way.
    pub fn under_way_before(&self, start: usize) -> bool {
        self.under_way.iter().any(|piece| piece.rows.start < start)
    }

    /// Returns whether every row is done.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// Returns the number of rows in the next piece of a device. This is as many as it computes in
    /// a second, but at most twice as many as in its last piece. Near the end it is half of the
    /// device's share, so that all devices finish together.
    fn size(&self, device: usize) -> usize {
        if let Some(fixed) = self.sizes.fixed {
            return fixed;
        }
        let pace = &self.paces[device];
        let Some(rate) = pace.rows_per_second else { return 1 };
        let waiting: usize = self.waiting.iter().map(Range::len).sum();
        let here = self.paces.iter().filter(|pace| !pace.lost);
        let rates: f64 = here.map(|pace| pace.rows_per_second.unwrap_or(rate)).sum();
        let alone = rates <= rate;
        let share = waiting as f64 * if alone { 1.0 } else { rate / rates / 2.0 };
        let size = (rate * PIECE.as_secs_f64()).min(share) as usize;
        let size = size.min(2 * pace.last).min(self.sizes.most).max(1);
        // A GPU prepares its kernels anew for each number of rows, so there should be few different
        // numbers.
        1 << size.ilog2()
    }
}

impl Pace {
    fn learn(&mut self, rows: usize, took: Duration) {
        self.rows_per_second = Some(rows as f64 / took.as_secs_f64().max(1e-9));
        self.last = rows;
    }

    /// Returns the time that the device would take for a number of rows.
    fn time_for(&self, rows: usize) -> Duration {
        self.rows_per_second.map_or(UNKNOWN, |rate| Duration::from_secs_f64(rows as f64 / rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device that takes some seconds for a row. If they are infinite, it never finishes.
    #[derive(Clone, Copy)]
    struct Player(f64);

    /// A piece that a device computes, and the time at which the piece will be done.
    struct Running {
        device: usize,
        rows: Range<usize>,
        began: Duration,
        ends: Option<Duration>,
    }

    /// The course of a simulated call.
    struct Played {
        /// The seconds until every row was done.
        seconds: f64,
        /// The device that computed each row.
        by: Vec<usize>,
    }

    const ADAPTIVE: Sizes = Sizes { fixed: None, most: usize::MAX };

    /// Simulates a call in steps of a millisecond.
    fn play(rows: usize, players: &[Player], sizes: Sizes) -> Played {
        let mut board = Board::new(rows, players.len(), sizes);
        let mut running: Vec<Running> = Vec::new();
        let mut by = vec![usize::MAX; rows];
        for step in 0..10_000_000 {
            let now = Duration::from_millis(step);
            let ended = |it: &mut Running| it.ends.is_some_and(|ends| ends <= now);
            for piece in running.extract_if(.., ended).collect::<Vec<_>>() {
                if board.done(piece.device, &piece.rows, now - piece.began) {
                    for row in piece.rows {
                        assert_eq!(by[row], usize::MAX, "row {row} twice");
                        by[row] = piece.device;
                    }
                }
            }
            if board.is_done() {
                assert!(!by.contains(&usize::MAX), "a row is missing");
                return Played { seconds: now.as_secs_f64(), by };
            }
            for (device, player) in players.iter().enumerate() {
                if running.iter().any(|piece| piece.device == device) {
                    continue;
                }
                let Some(rows) = board.take(device, now) else { continue };
                let seconds = rows.len() as f64 * player.0;
                let ends = seconds.is_finite().then(|| now + Duration::from_secs_f64(seconds));
                running.push(Running { device, rows, began: now, ends });
            }
        }
        panic!("not done after {rows} rows");
    }

    #[test]
    fn a_slow_device_costs_at_most_three_tenths_of_the_time_without_it() {
        for rows in [2, 3, 5, 8, 17, 64, 500] {
            for (fast, slow) in [(0.1, 1.0), (0.02, 0.2), (0.5, 5.0), (0.1, 10.0), (2.0, 7.0)] {
                for players in [vec![fast, slow], vec![slow, fast], vec![slow, fast, slow]] {
                    let players: Vec<Player> = players.into_iter().map(Player).collect();
                    let with = play(rows, &players, ADAPTIVE).seconds;
                    let without = play(rows, &[Player(fast)], ADAPTIVE).seconds;
                    assert!(with <= 1.3 * without, "{rows} rows, {fast}, {slow}: {with} {without}");
                }
            }
        }
    }

    #[test]
    fn equal_devices_share_the_time() {
        for devices in 2..5 {
            let players = vec![Player(0.05); devices];
            let together = play(400, &players, ADAPTIVE).seconds;
            let alone = play(400, &players[..1], ADAPTIVE).seconds;
            assert!(together <= 1.25 * alone / devices as f64, "{devices}: {together} {alone}");
        }
    }

    #[test]
    fn a_device_that_never_answers_keeps_no_row_from_being_done() {
        for fixed in [None, Some(1), Some(7)] {
            let sizes = Sizes { fixed, most: usize::MAX };
            let players = [Player(f64::INFINITY), Player(0.1), Player(f64::INFINITY)];
            let played = play(40, &players, sizes);
            assert!(played.by.iter().all(|&device| device == 1));
            assert!(played.seconds <= 1.3 * 4.0, "{}", played.seconds);
        }
    }

    #[test]
    fn pieces_grow_with_the_speed_of_a_device_up_to_the_most() {
        let mut board = Board::new(10_000, 1, Sizes { fixed: None, most: 100 });
        let mut sizes = Vec::new();
        for _ in 0..9 {
            let rows = board.take(0, Duration::ZERO).unwrap();
            sizes.push(rows.len());
            board.done(0, &rows, Duration::from_millis(rows.len() as u64));
        }
        assert_eq!(sizes, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
        // Half a second for a row.
        board.done(0, &(0..1), Duration::from_millis(500));
        assert_eq!(board.take(0, Duration::ZERO).unwrap().len(), 2);
    }

    #[test]
    fn rows_of_a_lost_device_come_first_and_in_smaller_pieces() {
        let mut board = Board::new(20, 2, Sizes { fixed: Some(4), most: 4 });
        assert_eq!(board.take(0, Duration::ZERO), Some(0..4));
        assert_eq!(board.take(1, Duration::ZERO), Some(4..8));
        assert_eq!(board.lose(0), Some(0..4));
        assert_eq!(board.lose(0), None);
        assert!(board.under_way_before(5) && !board.under_way_before(4));
        board.done(1, &(4..8), Duration::from_secs(1));
        assert_eq!(board.take(1, Duration::ZERO), Some(0..4));

        let mut board = Board::new(64, 2, ADAPTIVE);
        board.paces[0] = Pace { rows_per_second: Some(1e3), last: 8, lost: false };
        board.paces[1] = board.paces[0].clone();
        let rows = board.take(0, Duration::ZERO).unwrap();
        assert_eq!(rows, 0..16);
        assert_eq!(board.lose(0), Some(0..16));
        assert_eq!(board.take(1, Duration::ZERO), Some(0..8));
    }

    #[test]
    fn the_first_answer_for_a_copied_piece_counts() {
        let mut board = Board::new(2, 2, ADAPTIVE);
        assert_eq!(board.take(0, Duration::ZERO), Some(0..1));
        assert_eq!(board.take(1, Duration::ZERO), Some(1..2));
        assert!(board.done(1, &(1..2), Duration::from_secs(1)));
        assert_eq!(board.take(1, Duration::from_millis(999)), None);
        assert_eq!(board.take(1, Duration::from_secs(1)), Some(0..1));
        assert!(board.done(1, &(0..1), Duration::from_secs(1)));
        assert!(!board.done(0, &(0..1), Duration::from_secs(9)));
        assert!(board.is_done());
    }
}
