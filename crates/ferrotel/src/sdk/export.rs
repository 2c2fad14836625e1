//! What an export ends with, for every signal.

use std::fmt;

use crate::common::Text;

/// What the exporters of all signals return.
pub type ExportResult = Result<(), ExportError>;

/// Why a batch was not delivered.
#[derive(Clone, Debug)]
pub struct ExportError {
    message: Text,
    shutdown: bool,
}

impl ExportError {
    /// The batch was refused or could not be delivered; `message` says what happened and what to do.
    pub fn failed(message: impl Into<Text>) -> Self {
        ExportError { message: message.into(), shutdown: false }
    }

    /// The exporter was shut down before the batch was delivered.
    pub fn shutdown() -> Self {
        ExportError { message: Text::const_new("the exporter is shut down"), shutdown: true }
    }

    /// Whether shutdown was the reason.
    pub fn is_shutdown(&self) -> bool {
        self.shutdown
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExportError {}
