//! What the engine has to say about itself: log lines for whoever runs the program.
//!
//! The engine never prints by itself once a [`Sink`] is installed: a binding hands the lines to its language's logging.

use std::borrow::Cow;
use std::sync::OnceLock;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only for who looks for trouble.
    Debug,
    /// Worth knowing.
    Info,
    /// Something was dropped or ignored; the line says what to do.
    Warning,
    /// Telemetry is being lost.
    Error,
}

/// Receives the engine's lines. Called on any thread, so it must neither block for long nor panic.
pub trait Sink: Send + Sync {
    /// One line. `target` is the name of the logger that users filter on, for example `opentelemetry.sdk.trace.export`.
    fn log(&self, level: Level, target: &'static str, message: &str);
}

static SINK: OnceLock<Box<dyn Sink>> = OnceLock::new();

/// Installs the sink for this process; returns whether it was the first.
pub fn set_sink(sink: Box<dyn Sink>) -> bool {
    SINK.set(sink).is_ok()
}

/// Hands over one line; without a sink, warnings and errors go to standard error.
pub fn log(level: Level, target: &'static str, message: &str) {
    match SINK.get() {
        Some(sink) => sink.log(level, target, message),
        None if level >= Level::Warning => eprintln!("{target}: {message}"),
        None => {}
    }
}

/// What a line shows of a text that somebody else chose: enough to recognise it, and nothing that begins another line.
pub fn shorten(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 256;
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
    let shown = &text[..end];
    if end == text.len() && !shown.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let clean = shown.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    Cow::Owned(clean.chain((end < text.len()).then_some('…')).collect())
}
