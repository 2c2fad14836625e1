//! OTLP/JSON.
//!
//! Protobuf's JSON mapping with OTLP's differences: ids in hexadecimal, enumerations as numbers; 64-bit integers are
//! strings, fields with default values are left out.

pub mod logs;
pub mod metrics;
pub mod traces;

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ferrotel::common::{Attributes, Scope, Value};
use ferrotel::resource::Resource;

use super::MAX_DEPTH;
use super::group::{Groups, Item};

/// The names that a signal gives to the same three lists.
struct Names {
    resources: &'static str,
    scopes: &'static str,
    items: &'static str,
}

/// A whole request, its items grouped by resource, then by scope.
fn grouped<T: Item>(names: &Names, batch: &[T], mut write: impl FnMut(&mut Json, &T)) -> Vec<u8> {
    let mut groups = Groups::default();
    groups.fill(batch);
    let mut out = Json::default();
    out.object(|out| {
        out.list(names.resources, &groups.resources, |out, group| {
            of_resource(out, &group.resource, |out| {
                out.list(names.scopes, &group.scopes, |out, group| {
                    let items = groups.first_to_last(group, batch);
                    of_scope(out, &group.scope, |out| out.list(names.items, &items, |out, item| write(out, item)));
                });
            });
        });
    });
    out.0.into_bytes()
}

/// All of one resource; `scopes` writes what it has.
fn of_resource(out: &mut Json, resource: &Resource, scopes: impl FnOnce(&mut Json)) {
    out.object(|out| {
        out.key("resource");
        out.object(|out| {
            attributes(out, &resource.attributes);
            out.count("droppedAttributesCount", resource.attributes.dropped());
        });
        scopes(out);
        out.text_field("schemaUrl", &resource.schema_url);
    });
}

/// All of one scope; `items` writes what it has.
fn of_scope(out: &mut Json, scope: &Scope, items: impl FnOnce(&mut Json)) {
    out.object(|out| {
        out.key("scope");
        out.object(|out| {
            out.text_field("name", &scope.name);
            out.text_field("version", &scope.version);
            attributes(out, &scope.attributes);
            out.count("droppedAttributesCount", scope.attributes.dropped());
        });
        items(out);
        out.text_field("schemaUrl", &scope.schema_url);
    });
}

fn attributes(out: &mut Json, attributes: &Attributes) {
    named_attributes(out, "attributes", attributes);
}

fn named_attributes(out: &mut Json, name: &str, attributes: &Attributes) {
    if attributes.is_empty() {
        return;
    }
    out.key(name);
    out.items(attributes.iter(), |out, (key, value)| key_value(out, key, value, 0));
}

fn key_value(out: &mut Json, key: &str, value: &Value, depth: usize) {
    out.object(|out| {
        out.key("key");
        out.text(key);
        out.key("value");
        any_value(out, value, depth);
    });
}

fn any_value(out: &mut Json, value: &Value, depth: usize) {
    out.object(|out| match value {
        Value::Empty => {}
        Value::Bool(value) => {
            out.key("boolValue");
            out.0.push_str(if *value { "true" } else { "false" });
        }
        Value::Int(value) => {
            out.key("intValue");
            out.write(format_args!("\"{value}\""));
        }
        Value::Double(value) => {
            out.key("doubleValue");
            out.double(*value);
        }
        Value::String(text) => {
            out.key("stringValue");
            out.text(text);
        }
        Value::BigInt(digits) => {
            out.key("stringValue");
            out.text(digits);
        }
        Value::Bytes(bytes) => {
            out.key("bytesValue");
            out.text(&STANDARD.encode(bytes));
        }
        Value::Array(_) | Value::Map(_) if depth == MAX_DEPTH => {}
        Value::Array(items) => {
            out.key("arrayValue");
            out.object(|out| {
                out.key("values");
                out.items(items.iter(), |out, item| any_value(out, item, depth + 1));
            });
        }
        Value::Map(items) => {
            out.key("kvlistValue");
            out.object(|out| {
                out.key("values");
                out.items(items.iter(), |out, (key, item)| key_value(out, key, item, depth + 1));
            });
        }
    });
}

/// JSON text under construction. A comma is due before every member but the first of its object or list.
#[derive(Default)]
struct Json(String);

impl Json {
    fn write(&mut self, text: fmt::Arguments<'_>) {
        // A `String` takes everything.
        let _ = self.0.write_fmt(text);
    }

    fn hex(&mut self, name: &str, digits: &[u8]) {
        self.key(name);
        self.0.push('"');
        self.0.extend(digits.iter().copied().map(char::from));
        self.0.push('"');
    }

    fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.0.push('{');
        members(self);
        self.0.push('}');
    }

    fn key(&mut self, name: &str) {
        self.comma();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn comma(&mut self) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }

    fn list<T>(&mut self, name: &str, items: &[T], write: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.key(name);
            self.items(items.iter(), write);
        }
    }

    fn items<T>(&mut self, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.0.push('[');
        for item in items {
            self.comma();
            write(self, item);
        }
        self.0.push(']');
    }

    fn text_field(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.key(name);
            self.text(text);
        }
    }

    fn count(&mut self, name: &str, value: u32) {
        if value != 0 {
            self.key(name);
            self.write(format_args!("{value}"));
        }
    }

    /// A signed 32-bit field.
    fn signed(&mut self, name: &str, value: i32) {
        if value != 0 {
            self.key(name);
            self.write(format_args!("{value}"));
        }
    }

    /// A 64-bit field.
    fn long(&mut self, name: &str, value: u64) {
        if value != 0 {
            self.key(name);
            self.write(format_args!("\"{value}\""));
        }
    }

    /// A list of 64-bit integers.
    fn longs(&mut self, name: &str, values: &[u64]) {
        self.list(name, values, |out, value| out.write(format_args!("\"{value}\"")));
    }

    fn double(&mut self, value: f64) {
        if value.is_finite() {
            // `Debug` keeps every digit that tells two doubles apart and changes to exponents for extreme values.
            self.write(format_args!("{value:?}"));
        } else if value.is_nan() {
            self.text("NaN");
        } else {
            self.text(if value > 0.0 { "Infinity" } else { "-Infinity" });
        }
    }

    fn text(&mut self, text: &str) {
        self.0.push('"');
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
            self.0.push_str(&rest[..at]);
            match rest.as_bytes()[at] {
                b'"' => self.0.push_str("\\\""),
                b'\\' => self.0.push_str("\\\\"),
                b'\n' => self.0.push_str("\\n"),
                b'\r' => self.0.push_str("\\r"),
                b'\t' => self.0.push_str("\\t"),
                control => self.write(format_args!("\\u{control:04x}")),
            }
            rest = &rest[at + 1..];
        }
        self.0.push_str(rest);
        self.0.push('"');
    }
}
