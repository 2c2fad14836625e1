//! Baggage: name/value pairs that travel with a request.

use std::sync::Arc;

use crate::common::Text;

/// Name/value pairs defined by the application (specification: Baggage API). Immutable; cloning is cheap.
///
/// ```
/// use ferrotel::baggage::Baggage;
///
/// let baggage = Baggage::EMPTY.with("user.id", "42").with("tenant", "acme");
/// assert_eq!(baggage.get("user.id"), Some("42"));
/// assert_eq!(baggage.without("user.id").len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage(Option<Arc<[BaggageEntry]>>);

impl Baggage {
    /// No entries; allocates nothing.
    pub const EMPTY: Baggage = Baggage(None);

    /// The entries, in the order in which their names first came.
    pub fn entries(&self) -> &[BaggageEntry] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entry(name).map(|entry| entry.value.as_str())
    }

    /// The entry of `name`.
    pub fn entry(&self, name: &str) -> Option<&BaggageEntry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is no entry.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// With `name` set to `value`, without metadata.
    pub fn with(&self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.with_entry(BaggageEntry { name: name.into(), value: value.into(), metadata: Text::const_new("") })
    }

    /// With this entry, in the place of one with the same name.
    pub fn with_entry(&self, entry: BaggageEntry) -> Self {
        self.entries().iter().cloned().chain([entry]).collect()
    }

    /// Without the entry of `name`.
    pub fn without(&self, name: &str) -> Self {
        self.entries().iter().filter(|entry| entry.name != name).cloned().collect()
    }
}

impl FromIterator<BaggageEntry> for Baggage {
    /// Of entries with the same name the last wins, in the place of the first.
    fn from_iter<I: IntoIterator<Item = BaggageEntry>>(entries: I) -> Self {
        let mut kept: Vec<BaggageEntry> = Vec::new();
        for entry in entries {
            match kept.iter_mut().find(|known| known.name == entry.name) {
                Some(known) => *known = entry,
                None => kept.push(entry),
            }
        }
        Baggage(if kept.is_empty() { None } else { Some(kept.into()) })
    }
}

/// One entry of a [`Baggage`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaggageEntry {
    /// The name; not empty.
    pub name: Text,
    /// The value, decoded.
    pub value: Text,
    /// The properties after the value as they stand in the header, for example `ttl=60;private`; empty where there
    /// are none. Opaque to the API.
    pub metadata: Text,
}
