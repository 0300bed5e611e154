//! The connections of this program to servers, by number.
//!
//! Burn keeps one connection for each address for the life of the program, even after its server
//! has ended. An address with another number gets another connection.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::access::Access;

/// The address of a device of a server.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub url: String,
    pub index: usize,
    pub token: String,
}

impl Address {
    pub fn new(url: &str, index: usize, access: &Access) -> Self {
        Self { url: url.to_owned(), index, token: access.token.clone() }
    }

    /// Returns the URL with a number. WebSockets ignore the part before the `@`, but to Burn it is
    /// a different address.
    pub fn numbered(&self, number: usize) -> String {
        match self.url.split_once("://") {
            Some((kind, host)) if number > 0 => format!("{kind}://{number}@{host}"),
            _ => self.url.clone(),
        }
    }
}

#[derive(Default)]
struct Connection {
    number: usize,
    /// Whether a thread is opening the connection.
    opening: bool,
}

static CONNECTIONS: Mutex<Option<HashMap<Address, Connection>>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();

type Connections = MutexGuard<'static, Option<HashMap<Address, Connection>>>;

fn connections() -> Connections {
    CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the entry of an address.
fn of<'a>(connections: &'a mut Connections, address: &Address) -> &'a mut Connection {
    connections.get_or_insert_default().entry(address.clone()).or_default()
}

/// Returns the number of the connection to an address.
pub(super) fn number(address: &Address) -> usize {
    of(&mut connections(), address).number
}

/// Makes the next opening use another connection than the one with this number.
pub(super) fn renew(address: &Address, number: usize) {
    let mut connections = connections();
    let connection = of(&mut connections, address);
    if connection.number == number {
        connection.number += 1;
    }
}

/// The right to open a connection to an address. Only one thread has it at a time.
pub(super) struct Opening(Address);

impl Opening {
    /// Waits until no other thread opens a connection to the address. Returns `None` if that takes
    /// longer than `patience`.
    pub fn begin(address: &Address, patience: Duration) -> Option<Self> {
        let waits = |all: &mut Option<HashMap<Address, Connection>>| {
            let connection = all.as_ref().and_then(|all| all.get(address));
            connection.is_some_and(|connection| connection.opening)
        };
        let waited = CHANGED.wait_timeout_while(connections(), patience, waits);
        let (mut connections, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return None;
        }
        of(&mut connections, address).opening = true;
        Some(Self(address.clone()))
    }

    pub fn address(&self) -> &Address {
        &self.0
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        of(&mut connections(), &self.0).opening = false;
        CHANGED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::new(url, 0, &Access::new().with_token("t"))
    }

    #[test]
    fn a_connection_is_renewed_once_for_all_that_lost_it() {
        let address = address("ws://renewed:1");
        assert_eq!(address.numbered(number(&address)), "ws://renewed:1");
        renew(&address, 0);
        renew(&address, 0);
        assert_eq!(number(&address), 1);
        assert_eq!(address.numbered(1), "ws://1@renewed:1");
    }

    #[test]
    fn one_thread_opens_a_connection_at_a_time() {
        let address = address("ws://opened:1");
        let opening = Opening::begin(&address, Duration::ZERO).unwrap();
        assert!(Opening::begin(&address, Duration::from_millis(1)).is_none());
        drop(opening);
        assert!(Opening::begin(&address, Duration::ZERO).is_some());
    }
}
