//! How severe a log record is.

use super::LogRecordData;

/// The severity of a log record (specification: logs data model, `SeverityNumber`): the greater, the worse. Each range
/// has four grades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeverityNumber(pub i32);

impl SeverityNumber {
    /// Not given.
    pub const UNSPECIFIED: SeverityNumber = SeverityNumber(0);
    /// The finest detail.
    pub const TRACE: SeverityNumber = SeverityNumber(1);
    /// For debugging.
    pub const DEBUG: SeverityNumber = SeverityNumber(5);
    /// Something happened.
    pub const INFO: SeverityNumber = SeverityNumber(9);
    /// Not an error, and more important than information.
    pub const WARN: SeverityNumber = SeverityNumber(13);
    /// Something went wrong.
    pub const ERROR: SeverityNumber = SeverityNumber(17);
    /// The program cannot go on.
    pub const FATAL: SeverityNumber = SeverityNumber(21);

    /// The name of the range: what backends show where a record has no severity text.
    pub const fn range_name(self) -> &'static str {
        match self.0 {
            1..=4 => "TRACE",
            5..=8 => "DEBUG",
            9..=12 => "INFO",
            13..=16 => "WARN",
            17..=20 => "ERROR",
            21..=24 => "FATAL",
            _ => "",
        }
    }
}

impl LogRecordData {
    /// The severity as a number of the specification.
    pub fn severity(&self) -> SeverityNumber {
        SeverityNumber(self.severity_number)
    }
}
