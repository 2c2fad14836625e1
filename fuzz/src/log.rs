//! What the engine says about hostile input must stay one short line each.

use std::sync::Once;

use ferrotel::common::diagnostics::{self, Level, Sink};

/// No line about one input is longer, whatever the input is.
const MAX_LINE: usize = 2048;

struct OneShortLine;

impl Sink for OneShortLine {
    fn log(&self, _: Level, target: &'static str, message: &str) {
        assert!(message.len() <= MAX_LINE, "{target}: {} bytes: {message:.300}", message.len());
        assert!(!message.chars().any(char::is_control), "{target}: more than one line: {message:?}");
    }
}

/// Has every line checked from now on.
pub(crate) fn check_lines() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        diagnostics::set_sink(Box::new(OneShortLine));
    });
}
