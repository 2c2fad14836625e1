//! Saying each trouble once per change of state, not once per batch.

use std::time::Duration;

use ferrotel::common::diagnostics::{self, Level};

use super::answer::Partial;
use super::trouble::Trouble;
use super::{Protocol, Settings, status};

/// What is to be logged, by whoever holds no lock.
pub(super) struct Line(Level, String);

impl Line {
    pub fn log(self, settings: &Settings) {
        diagnostics::log(self.0, settings.log_target(), &self.1);
    }
}

/// What was said last.
#[derive(Default)]
pub(super) struct Notices {
    trouble: Option<String>,
    partial: Option<String>,
}

impl Notices {
    /// What to say of a request that failed and will be tried again.
    pub fn transient(&mut self, settings: &Settings, trouble: &Trouble, wait: Duration) -> Option<Line> {
        if !self.is_news(trouble) {
            return None;
        }
        let wait = wait.as_secs_f64();
        let reason = &trouble.reason;
        let mut line = match settings.protocol {
            Protocol::Grpc => format!(
                "Transient error StatusCode.{} encountered while exporting {} to {}, retrying in {wait:.2}s. Error \
                 details: {reason}",
                status::name(trouble.code.unwrap_or(status::UNKNOWN)),
                settings.signal.name,
                settings.endpoint,
            ),
            _ => format!(
                "Transient error {reason} encountered while exporting {} batch, retrying in {wait:.2}s. The endpoint \
                 is {}.",
                settings.signal.items,
                settings.shown_uri(),
            ),
        };
        add(&mut line, &trouble.remedy);
        Some(Line(Level::Warning, settings.without_secrets(line)))
    }

    /// The text of a failure for good.
    pub fn failure(&mut self, settings: &Settings, trouble: &Trouble, tried_again: bool) -> String {
        self.is_news(trouble);
        let reason = &trouble.reason;
        let mut line = match settings.protocol {
            Protocol::Grpc => format!(
                "Failed to export {} to {}, error code: StatusCode.{}, error details: {reason}",
                settings.signal.name,
                settings.endpoint,
                status::name(trouble.code.unwrap_or(status::UNKNOWN)),
            ),
            _ if tried_again => format!(
                "Failed to export {} batch due to timeout, max retries or shutdown. The last error was: {reason}. The \
                 endpoint is {}.",
                settings.signal.items,
                settings.shown_uri(),
            ),
            _ => format!(
                "Failed to export {} batch code: {}, reason: {reason}. The endpoint is {}.",
                settings.signal.items,
                trouble.code.map_or_else(|| "None".to_owned(), |code| code.to_string()),
                settings.shown_uri(),
            ),
        };
        add(&mut line, &trouble.remedy);
        settings.without_secrets(line)
    }

    /// What to say of a batch that was accepted: that a trouble is over, and what the server has against it.
    pub fn success(&mut self, settings: &Settings, partial: Option<Partial>) -> [Option<Line>; 2] {
        let over = self.trouble.take().map(|_| {
            let line = format!("Exporting {} to {} works again.", settings.signal.name, settings.shown_uri());
            Line(Level::Info, line)
        });
        [over, self.partial_success(settings, partial)]
    }

    fn partial_success(&mut self, settings: &Settings, partial: Option<Partial>) -> Option<Line> {
        let Some(partial) = partial else {
            self.partial = None;
            return None;
        };
        if self.partial.as_ref() == Some(&partial.message) {
            return None;
        }
        let line = match partial.rejected {
            0 => format!(
                "Partial success: {} accepted all {} and warns: {}",
                settings.shown_uri(),
                settings.signal.items,
                partial.message
            ),
            rejected => format!(
                "Partial success: {} rejected {rejected} {} of a batch and accepted the rest. Its reason: {}",
                settings.shown_uri(),
                settings.signal.items,
                if partial.message.is_empty() { "none given" } else { &partial.message },
            ),
        };
        self.partial = Some(partial.message);
        Some(Line(Level::Warning, settings.without_secrets(line)))
    }

    fn is_news(&mut self, trouble: &Trouble) -> bool {
        let text = format!("{:?} {}", trouble.code, trouble.reason);
        if self.trouble.as_ref() == Some(&text) {
            return false;
        }
        self.trouble = Some(text);
        true
    }
}

fn add(line: &mut String, remedy: &str) {
    if !remedy.is_empty() {
        if !line.ends_with(['.', '?', '!']) {
            line.push('.');
        }
        line.push(' ');
        line.push_str(remedy);
    }
}
