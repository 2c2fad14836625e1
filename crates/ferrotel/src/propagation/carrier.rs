//! Carriers: where propagators read and write headers.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

/// Reads from a carrier (specification: Propagators API, `Getter`).
pub trait Extractor {
    /// All values of `key`, in order. Propagators ask with lower-case keys.
    fn values(&self, key: &str) -> Values<'_>;

    /// All keys of the carrier.
    fn keys(&self) -> Vec<&str>;

    /// The first value of `key`.
    fn first(&self, key: &str) -> Option<&str> {
        self.values(key).next()
    }
}

/// Writes to a carrier (specification: Propagators API, `Setter`).
pub trait Injector {
    /// Sets `key`, replacing what was there.
    fn set(&mut self, key: &str, value: String);
}

/// The values of one key: an iterator that allocates only for several values.
#[derive(Debug, Default)]
pub enum Values<'a> {
    /// The key is not there, or everything was read.
    #[default]
    None,
    /// One value is left.
    One(&'a str),
    /// Any number of values is left.
    Many(std::vec::IntoIter<&'a str>),
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match self {
            Values::None => None,
            Values::One(value) => {
                let value = *value;
                *self = Values::None;
                Some(value)
            }
            Values::Many(values) => values.next(),
        }
    }
}

impl<'a> From<Option<&'a str>> for Values<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Values::None, Values::One)
    }
}

impl<'a> FromIterator<&'a str> for Values<'a> {
    fn from_iter<I: IntoIterator<Item = &'a str>>(values: I) -> Self {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Values::None,
            (Some(only), None) => Values::One(only),
            (Some(first), Some(second)) => {
                Values::Many([first, second].into_iter().chain(values).collect::<Vec<_>>().into_iter())
            }
        }
    }
}

/// Keys are looked up as they are given.
impl<S: BuildHasher> Extractor for HashMap<String, String, S> {
    fn values(&self, key: &str) -> Values<'_> {
        self.get(key).map(String::as_str).into()
    }

    fn keys(&self) -> Vec<&str> {
        HashMap::keys(self).map(String::as_str).collect()
    }
}

impl<S: BuildHasher> Injector for HashMap<String, String, S> {
    fn set(&mut self, key: &str, value: String) {
        self.insert(key.to_owned(), value);
    }
}

/// Keys are looked up as they are given.
impl Extractor for BTreeMap<String, String> {
    fn values(&self, key: &str) -> Values<'_> {
        self.get(key).map(String::as_str).into()
    }

    fn keys(&self) -> Vec<&str> {
        BTreeMap::keys(self).map(String::as_str).collect()
    }
}

impl Injector for BTreeMap<String, String> {
    fn set(&mut self, key: &str, value: String) {
        self.insert(key.to_owned(), value);
    }
}

/// A list of HTTP headers: names in any case, the same name any number of times.
impl Extractor for Vec<(String, String)> {
    fn values(&self, key: &str) -> Values<'_> {
        self.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str()).collect()
    }

    fn keys(&self) -> Vec<&str> {
        self.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl Injector for Vec<(String, String)> {
    fn set(&mut self, key: &str, value: String) {
        self.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
        self.push((key.to_owned(), value));
    }
}
