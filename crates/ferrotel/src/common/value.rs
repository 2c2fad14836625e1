//! Attribute values: the specification's `AnyValue`.

use compact_str::CompactString;

/// The engine's string: up to 24 bytes are held inline, without an allocation.
pub type Text = CompactString;

/// One attribute value (specification: common, `AnyValue`).
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// The empty value: Python's `None`.
    #[default]
    Empty,
    /// A boolean.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A double. Equality is the bits' usual IEEE comparison, so `NaN` differs from itself.
    Double(f64),
    /// A string.
    String(Text),
    /// Raw bytes.
    Bytes(Box<[u8]>),
    /// A sequence; its members may be of different types.
    Array(Box<[Value]>),
    /// A mapping with string keys, in the order of insertion.
    Map(Box<[(Text, Value)]>),
    /// An integer outside the signed 64-bit range, as decimal digits. OTLP has no such type: it is encoded as a string.
    BigInt(Box<str>),
}

impl Value {
    /// The value with every string in it cut to `limit` Unicode scalar values; `None` leaves it whole.
    ///
    /// Returns whether anything was cut.
    pub fn truncate(&mut self, limit: Option<usize>) -> bool {
        let Some(limit) = limit else { return false };
        match self {
            Value::String(text) => truncate_text(text, limit),
            Value::Array(items) => items.iter_mut().fold(false, |cut, item| item.truncate(Some(limit)) | cut),
            Value::Map(items) => items.iter_mut().fold(false, |cut, (_, item)| item.truncate(Some(limit)) | cut),
            _ => false,
        }
    }
}

fn truncate_text(text: &mut Text, limit: usize) -> bool {
    if text.len() <= limit {
        return false;
    }
    match text.char_indices().nth(limit) {
        Some((end, _)) => {
            text.truncate(end);
            true
        }
        None => false,
    }
}

macro_rules! from {
    ($($source:ty => $make:expr),+ $(,)?) => {$(
        impl From<$source> for Value {
            fn from(value: $source) -> Self {
                let make: fn($source) -> Value = $make;
                make(value)
            }
        }
    )+};
}

from! {
    bool => Value::Bool,
    i64 => Value::Int,
    i32 => |v| Value::Int(v.into()),
    u32 => |v| Value::Int(v.into()),
    u16 => |v| Value::Int(v.into()),
    f64 => Value::Double,
    f32 => |v| Value::Double(v.into()),
    Text => Value::String,
    String => |v| Value::String(v.into()),
    &str => |v| Value::String(v.into()),
    &[u8] => |v| Value::Bytes(v.into()),
    Vec<u8> => |v| Value::Bytes(v.into()),
}

impl<T: Into<Value>> From<Vec<T>> for Value
where
    T: NotByte,
{
    fn from(values: Vec<T>) -> Self {
        Value::Array(values.into_iter().map(Into::into).collect())
    }
}

/// Keeps `Vec<u8>` (bytes) apart from sequences of other values.
pub trait NotByte {}
impl NotByte for Value {}
impl NotByte for bool {}
impl NotByte for i64 {}
impl NotByte for i32 {}
impl NotByte for f64 {}
impl NotByte for Text {}
impl NotByte for String {}
impl NotByte for &str {}
