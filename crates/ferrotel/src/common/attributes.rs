//! An ordered, bounded collection of attributes.

use super::value::{Text, Value};

/// One attribute.
pub type KeyValue = (Text, Value);

/// Attributes in the order in which they were last set, with the count of those that did not fit.
///
/// Like the reference's `BoundedAttributes`, and unlike the specification's wording, a full collection drops its
/// *oldest* attribute for the new one, and setting a key again moves it to the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    items: Vec<KeyValue>,
    dropped: u32,
}

impl Attributes {
    /// An empty collection; allocates nothing.
    pub const fn new() -> Self {
        Attributes { items: Vec::new(), dropped: 0 }
    }

    /// Sets `key`, keeping at most `limit` attributes (`None`: no limit).
    ///
    /// Returns whether an older attribute, or this one where `limit` is 0, was dropped.
    #[inline]
    pub fn set(&mut self, key: Text, value: Value, limit: Option<usize>) -> bool {
        if let Some(at) = self.items.iter().position(|(k, _)| *k == key) {
            self.items.remove(at);
        } else if let Some(limit) = limit
            && self.items.len() >= limit
        {
            self.dropped = self.dropped.saturating_add(1);
            if limit == 0 {
                return true;
            }
            self.items.remove(0);
            self.items.push((key, value));
            return true;
        }
        self.items.push((key, value));
        false
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.items.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Removes `key` and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.items.iter().position(|(k, _)| k == key)?;
        Some(self.items.remove(at).1)
    }

    /// The attributes, oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, KeyValue> {
        self.items.iter()
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no attribute.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many attributes were dropped for a limit or for being unusable.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Counts attributes that were dropped elsewhere, for example for an unusable key.
    pub fn add_dropped(&mut self, count: u32) {
        self.dropped = self.dropped.saturating_add(count);
    }

    /// Sets the count of dropped attributes.
    pub fn set_dropped(&mut self, count: u32) {
        self.dropped = count;
    }

    /// The same within limits on their number and on the characters of a string; what was dropped is counted.
    #[must_use]
    pub fn within(self, count: Option<usize>, length: Option<usize>) -> Self {
        let mut kept = Attributes { items: Vec::new(), dropped: self.dropped };
        for (key, mut value) in self.items {
            value.truncate(length);
            kept.set(key, value, count);
        }
        kept
    }

    /// Gives back memory that is not in use, for what is kept for long.
    pub fn shrink_to_fit(&mut self) {
        self.items.shrink_to_fit();
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.dropped = 0;
    }
}

impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        let mut attributes = Attributes::new();
        for (key, value) in items {
            attributes.set(key.into(), value.into(), None);
        }
        attributes
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a KeyValue;
    type IntoIter = std::slice::Iter<'a, KeyValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Attributes {
    type Item = KeyValue;
    type IntoIter = std::vec::IntoIter<KeyValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}
