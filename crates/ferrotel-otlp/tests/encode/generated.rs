//! What all signals share, as generated structs.

use ferrotel::common::{Attributes, Scope, Text, Value};
use ferrotel::resource::Resource;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::resource::v1 as resource;

pub fn resource(resource: &Resource) -> resource::Resource {
    resource::Resource {
        attributes: attributes(&resource.attributes),
        dropped_attributes_count: resource.attributes.dropped(),
        entity_refs: Vec::new(),
    }
}

pub fn scope(scope: &Scope) -> common::InstrumentationScope {
    common::InstrumentationScope {
        name: scope.name.to_string(),
        version: scope.version.to_string(),
        attributes: attributes(&scope.attributes),
        dropped_attributes_count: scope.attributes.dropped(),
    }
}

pub fn attributes(attributes: &Attributes) -> Vec<common::KeyValue> {
    attributes.iter().map(key_value).collect()
}

fn key_value((key, value): &(Text, Value)) -> common::KeyValue {
    common::KeyValue { key: key.to_string(), value: Some(any_value(value)), key_strindex: 0 }
}

pub fn any_value(value: &Value) -> common::AnyValue {
    use common::any_value::Value as Kind;
    let value = match value {
        Value::Empty => None,
        Value::Bool(value) => Some(Kind::BoolValue(*value)),
        Value::Int(value) => Some(Kind::IntValue(*value)),
        Value::Double(value) => Some(Kind::DoubleValue(*value)),
        Value::String(text) => Some(Kind::StringValue(text.to_string())),
        Value::BigInt(digits) => Some(Kind::StringValue(digits.to_string())),
        Value::Bytes(bytes) => Some(Kind::BytesValue(bytes.to_vec())),
        Value::Array(items) => {
            Some(Kind::ArrayValue(common::ArrayValue { values: items.iter().map(any_value).collect() }))
        }
        Value::Map(items) => {
            Some(Kind::KvlistValue(common::KeyValueList { values: items.iter().map(key_value).collect() }))
        }
    };
    common::AnyValue { value }
}
