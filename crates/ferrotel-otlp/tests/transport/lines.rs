//! What the exporters said.

use std::sync::{Mutex, Once};

use ferrotel::common::diagnostics::{self, Level, Sink};

static LINES: Mutex<Vec<(Level, &'static str, String)>> = Mutex::new(Vec::new());
static SINK: Once = Once::new();

struct Collect;

impl Sink for Collect {
    fn log(&self, level: Level, target: &'static str, message: &str) {
        LINES.lock().unwrap().push((level, target, message.to_owned()));
    }
}

/// Starts to collect lines.
pub fn collect() {
    SINK.call_once(|| assert!(diagnostics::set_sink(Box::new(Collect))));
}

/// The lines that contain `part`.
pub fn with(part: &str) -> Vec<(Level, &'static str, String)> {
    LINES.lock().unwrap().iter().filter(|(_, _, line)| line.contains(part)).cloned().collect()
}
