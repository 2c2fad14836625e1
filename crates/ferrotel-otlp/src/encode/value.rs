//! `opentelemetry.proto.common.v1`: attributes and their values.

use ferrotel::common::{Attributes, Text, Value};

use super::MAX_DEPTH;
use super::wire::Writer;

const KEY: u8 = 0x0a;
const VALUE: u8 = 0x12;

const STRING: u8 = 0x0a;
const BOOL: u8 = 0x10;
const INT: u8 = 0x18;
const DOUBLE: u8 = 0x21;
const ARRAY: u8 = 0x2a;
const MAP: u8 = 0x32;
const BYTES: u8 = 0x3a;

/// The field `values` of `ArrayValue` and of `KeyValueList`.
const VALUES: u8 = 0x0a;

/// A repeated `KeyValue` field with the given tag.
#[inline(always)]
pub(super) fn attributes(out: &mut Writer, tag: u8, attributes: &Attributes) {
    for (key, value) in attributes.iter().rev() {
        key_value(out, tag, key, value, 0);
    }
}

#[inline(always)]
fn key_value(out: &mut Writer, tag: u8, key: &Text, value: &Value, depth: usize) {
    let key = key.as_bytes();
    if let Value::String(text) = value {
        let text = text.as_bytes();
        // Nearly every attribute: all lengths take one byte, so the whole is laid out at once.
        if !key.is_empty() && key.len() + text.len() < 0x80 - 6 {
            let (key_length, text_length) = (key.len(), text.len());
            let room = out.room(key_length + text_length + 8);
            room[..4].copy_from_slice(&[tag, (key_length + text_length + 6) as u8, KEY, key_length as u8]);
            let (key_room, rest) = room[4..].split_at_mut(key_length);
            key_room.copy_from_slice(key);
            let (head, text_room) = rest.split_at_mut(4);
            head.copy_from_slice(&[VALUE, (text_length + 2) as u8, STRING, text_length as u8]);
            text_room.copy_from_slice(text);
            return;
        }
    }
    let before = out.len();
    any_value(out, VALUE, value, depth);
    if !key.is_empty() {
        out.field(KEY, key);
    }
    out.close(tag, before);
}

/// An `AnyValue` field with the given tag; it is there even where the value is empty.
#[inline]
pub(super) fn any_value(out: &mut Writer, tag: u8, value: &Value, depth: usize) {
    match value {
        Value::Empty => out.array([tag, 0]),
        Value::Bool(value) => out.array([tag, 2, BOOL, u8::from(*value)]),
        Value::Double(value) => {
            let room = out.room(11);
            room[..3].copy_from_slice(&[tag, 9, DOUBLE]);
            room[3..].copy_from_slice(&value.to_le_bytes());
        }
        Value::Int(value) => {
            let before = out.len();
            out.varint(*value as u64);
            out.array([INT]);
            out.close(tag, before);
        }
        Value::String(text) => long(out, tag, STRING, text.as_bytes()),
        Value::Bytes(bytes) => long(out, tag, BYTES, bytes),
        Value::BigInt(digits) => long(out, tag, STRING, digits.as_bytes()),
        Value::Array(_) | Value::Map(_) if depth == MAX_DEPTH => out.array([tag, 0]),
        Value::Array(items) => {
            let before = out.len();
            for item in items.iter().rev() {
                any_value(out, VALUES, item, depth + 1);
            }
            out.close(ARRAY, before);
            out.close(tag, before);
        }
        Value::Map(items) => {
            let before = out.len();
            for (key, item) in items.iter().rev() {
                key_value(out, VALUES, key, item, depth + 1);
            }
            out.close(MAP, before);
            out.close(tag, before);
        }
    }
}

fn long(out: &mut Writer, tag: u8, kind: u8, content: &[u8]) {
    let before = out.len();
    out.field(kind, content);
    out.close(tag, before);
}
