//! Span kinds.

/// The role of a span (specification: trace API, `SpanKind`). The numbers are the reference's; OTLP's are one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum SpanKind {
    /// An operation inside an application.
    #[default]
    Internal = 0,
    /// Handles a remote request.
    Server = 1,
    /// Makes a remote request.
    Client = 2,
    /// Sends a message.
    Producer = 3,
    /// Handles a message.
    Consumer = 4,
}

impl SpanKind {
    /// The kind with this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => SpanKind::Internal,
            1 => SpanKind::Server,
            2 => SpanKind::Client,
            3 => SpanKind::Producer,
            4 => SpanKind::Consumer,
            _ => return None,
        })
    }
}
