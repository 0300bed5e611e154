//! Ctrl-C: ends the program after the photo in work. The second one ends it at once.

use std::io::Result;
use std::time::Duration;

use saliency_program::output::say_aside;
use saliency_program::program::{STOPPED, is_stopped, stop_switch};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};

/// How often it is looked whether the program is to end, to say so.
const LOOK: Duration = Duration::from_millis(100);

/// Watches for Ctrl-C, and for the request of the system to end. Says so, unless the text is empty.
pub fn watch(says: &'static str) {
    // Otherwise Ctrl-C ends the program at once, which is no reason not to start.
    if register_all().is_err() || says.is_empty() {
        return;
    }
    std::thread::spawn(move || {
        while !is_stopped() {
            std::thread::sleep(LOOK);
        }
        say_aside(says);
    });
}

fn register_all() -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the switch off.
        register_conditional_shutdown(signal, STOPPED.into(), stop_switch())?;
        register(signal, stop_switch())?;
    }
    Ok(())
}
