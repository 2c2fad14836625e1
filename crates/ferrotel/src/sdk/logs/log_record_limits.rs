//! How much one log record may hold.

use crate::config::LogRecordLimitSettings;

/// The most that a log record holds (specification: logs SDK, log record limits). `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecordLimits {
    /// Attributes. Default: 128.
    pub max_attributes: Option<usize>,
    /// Unicode scalar values in a string of an attribute. Default: no limit.
    pub max_attribute_length: Option<usize>,
}

impl LogRecordLimits {
    /// No limit on anything.
    pub const UNLIMITED: LogRecordLimits = LogRecordLimits { max_attributes: None, max_attribute_length: None };
}

impl Default for LogRecordLimits {
    fn default() -> Self {
        LogRecordLimits { max_attributes: Some(128), ..LogRecordLimits::UNLIMITED }
    }
}

impl From<&LogRecordLimitSettings> for LogRecordLimits {
    fn from(settings: &LogRecordLimitSettings) -> Self {
        LogRecordLimits {
            max_attributes: settings.attribute_count,
            max_attribute_length: settings.attribute_value_length,
        }
    }
}
