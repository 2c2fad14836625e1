//! Which attributes of a measurement a stream keeps.

use crate::common::{KeyValue, Text};

/// Which attributes tell the series of a stream apart (specification: metrics SDK, view, attribute keys).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AttributeFilter {
    /// All of them.
    #[default]
    All,
    /// Only these; sorted.
    Keep(Box<[Text]>),
    /// All but these; sorted.
    Exclude(Box<[Text]>),
}

impl AttributeFilter {
    /// Only attributes with these keys.
    pub fn keep<K: Into<Text>>(keys: impl IntoIterator<Item = K>) -> Self {
        AttributeFilter::Keep(sorted(keys))
    }

    /// All attributes but those with these keys.
    pub fn exclude<K: Into<Text>>(keys: impl IntoIterator<Item = K>) -> Self {
        AttributeFilter::Exclude(sorted(keys))
    }

    /// Whether attributes with this key are kept.
    #[inline]
    pub fn keeps(&self, key: &Text) -> bool {
        match self {
            AttributeFilter::All => true,
            AttributeFilter::Keep(keys) => keys.binary_search(key).is_ok(),
            AttributeFilter::Exclude(keys) => keys.binary_search(key).is_err(),
        }
    }

    /// The kept ones among `attributes`.
    #[inline]
    pub fn apply<'a>(
        &'a self,
        attributes: impl IntoIterator<Item = &'a KeyValue, IntoIter: Clone>,
    ) -> impl Iterator<Item = &'a KeyValue> + Clone {
        attributes.into_iter().filter(|(key, _)| self.keeps(key))
    }
}

fn sorted<K: Into<Text>>(keys: impl IntoIterator<Item = K>) -> Box<[Text]> {
    let mut keys: Vec<Text> = keys.into_iter().map(Into::into).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into()
}
