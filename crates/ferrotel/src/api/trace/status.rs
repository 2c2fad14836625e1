//! Span status.

use crate::common::Text;

/// A span's status (specification: trace API, `Set Status`). Only an error has a description.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Status {
    /// The default.
    #[default]
    Unset,
    /// Checked by the developer and found good; final.
    Ok,
    /// Failed; the description may be missing.
    Error(Option<Text>),
}

impl Status {
    /// OTLP's and the reference's number: 0, 1, 2.
    pub const fn code(&self) -> u8 {
        match self {
            Status::Unset => 0,
            Status::Ok => 1,
            Status::Error(_) => 2,
        }
    }
}
