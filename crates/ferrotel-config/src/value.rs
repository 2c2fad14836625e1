//! What a document holds.

/// A node of a configuration, of the types of YAML 1.2's core schema.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all: a key that is present without a value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, also in octal (`0o17`) or hexadecimal (`0xff`).
    Int(i64),
    /// Any other number, and whole ones that an `i64` does not hold.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Value>),
    /// Keys, each once, and their values, in the document's order.
    Mapping(Vec<(String, Value)>),
}

impl Value {
    /// The value of a mapping's key; `None` when there is no such key, or this is no mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Mapping(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}
