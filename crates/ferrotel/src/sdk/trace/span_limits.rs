//! How much one span may hold.

use crate::config::SpanLimitSettings;

/// The most that a span records (specification: trace SDK, span limits). `None` in any field: no limit.
///
/// ```
/// use ferrotel::sdk::trace::SpanLimits;
///
/// let limits = SpanLimits { max_events: Some(1_000), ..SpanLimits::default() };
/// assert_eq!(limits.max_links, Some(128));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanLimits {
    /// Attributes of a span. Default: 128.
    pub max_span_attributes: Option<usize>,
    /// Attributes of an event. Default: 128.
    pub max_event_attributes: Option<usize>,
    /// Attributes of a link. Default: 128.
    pub max_link_attributes: Option<usize>,
    /// Events of a span. Default: 128.
    pub max_events: Option<usize>,
    /// Links of a span. Default: 128.
    pub max_links: Option<usize>,
    /// Unicode scalar values in a string of an event's or a link's attribute. Default: no limit.
    pub max_attribute_length: Option<usize>,
    /// Unicode scalar values in a string of a span's attribute. Default: no limit.
    pub max_span_attribute_length: Option<usize>,
}

impl SpanLimits {
    /// No limit on anything.
    pub const UNLIMITED: SpanLimits = SpanLimits {
        max_span_attributes: None,
        max_event_attributes: None,
        max_link_attributes: None,
        max_events: None,
        max_links: None,
        max_attribute_length: None,
        max_span_attribute_length: None,
    };
}

impl Default for SpanLimits {
    fn default() -> Self {
        SpanLimits {
            max_span_attributes: Some(128),
            max_event_attributes: Some(128),
            max_link_attributes: Some(128),
            max_events: Some(128),
            max_links: Some(128),
            ..SpanLimits::UNLIMITED
        }
    }
}

impl From<&SpanLimitSettings> for SpanLimits {
    fn from(settings: &SpanLimitSettings) -> Self {
        SpanLimits {
            max_span_attributes: settings.span_attribute_count,
            max_event_attributes: settings.event_attribute_count,
            max_link_attributes: settings.link_attribute_count,
            max_events: settings.event_count,
            max_links: settings.link_count,
            max_attribute_length: settings.attribute_value_length,
            max_span_attribute_length: settings.span_attribute_value_length,
        }
    }
}
