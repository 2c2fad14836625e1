//! OTLP's JSON form of a request, read into the same messages as the protobuf form.

mod logs;
mod metrics;
mod trace;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value as Json};

pub(crate) use logs::export_logs;
pub(crate) use metrics::export_metrics;
pub(crate) use trace::export_trace;

use crate::proto::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, Resource, Value};

type Object = Map<String, Json>;

/// The list that is all of a request; an error names the field.
fn request<T>(document: &Json, key: &str, read: impl Fn(&Object) -> Result<T, String>) -> Result<Vec<T>, String> {
    let Json::Object(object) = document else { return Err("an object is required".to_owned()) };
    list(object, key, read)
}

fn resource(object: &Object) -> Result<Option<Resource>, String> {
    message(object, "resource", |resource| {
        Ok(Resource {
            attributes: list(resource, "attributes", key_value)?,
            dropped_attributes_count: number(resource, "droppedAttributesCount")?,
        })
    })
}

fn scope(object: &Object) -> Result<Option<InstrumentationScope>, String> {
    message(object, "scope", |scope| {
        Ok(InstrumentationScope {
            name: text(scope, "name")?,
            version: text(scope, "version")?,
            attributes: list(scope, "attributes", key_value)?,
            dropped_attributes_count: number(scope, "droppedAttributesCount")?,
        })
    })
}

fn key_value(object: &Object) -> Result<KeyValue, String> {
    Ok(KeyValue { key: text(object, "key")?, value: message(object, "value", any_value)? })
}

fn any_value(object: &Object) -> Result<AnyValue, String> {
    let present = |key: &str| object.get(key).is_some_and(|value| !value.is_null());
    let value = if present("stringValue") {
        Some(Value::String(text(object, "stringValue")?))
    } else if let Some(flag) = object.get("boolValue").filter(|flag| !flag.is_null()) {
        Some(Value::Bool(flag.as_bool().ok_or("boolValue: true or false is required")?))
    } else if present("intValue") {
        Some(Value::Int(number(object, "intValue")?))
    } else if present("doubleValue") {
        Some(Value::Double(double(object, "doubleValue")?))
    } else if present("arrayValue") {
        message(object, "arrayValue", |array| Ok(ArrayValue { values: list(array, "values", any_value)? }))?
            .map(Value::Array)
    } else if present("kvlistValue") {
        message(object, "kvlistValue", |kvlist| Ok(KeyValueList { values: list(kvlist, "values", key_value)? }))?
            .map(Value::Kvlist)
    } else if present("bytesValue") {
        Some(Value::Bytes(base64(&text(object, "bytesValue")?).ok_or("bytesValue: not base64")?))
    } else {
        None
    };
    Ok(AnyValue { value })
}

/// A field that is absent or null has its type's default, as everywhere in protobuf's JSON form.
fn field<'a>(object: &'a Object, key: &str) -> Option<&'a Json> {
    object.get(key).filter(|value| !value.is_null())
}

fn text(object: &Object, key: &str) -> Result<String, String> {
    match field(object, key) {
        None => Ok(String::new()),
        Some(Json::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("{key}: a string is required")),
    }
}

/// 64-bit numbers come as text; any number may come as either.
fn number<N: TryFrom<i128> + Default>(object: &Object, key: &str) -> Result<N, String> {
    let Some(value) = field(object, key) else { return Ok(N::default()) };
    whole_of(value).ok_or_else(|| format!("{key}: a whole number in range is required"))
}

fn whole_of<N: TryFrom<i128>>(value: &Json) -> Option<N> {
    let wide: i128 = match value {
        Json::String(digits) => digits.parse().ok()?,
        Json::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| whole(number.as_f64()?))?,
        _ => return None,
    };
    N::try_from(wide).ok()
}

/// JavaScript senders write large whole numbers as `1e18`.
fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < 1e20).then_some(number as i128)
}

fn double(object: &Object, key: &str) -> Result<f64, String> {
    let Some(value) = field(object, key) else { return Ok(0.0) };
    double_of(value).ok_or_else(|| format!("{key}: a number is required"))
}

fn double_of(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            digits => digits.parse().ok(),
        },
        _ => None,
    }
}

/// A list of numbers.
fn numbers<N>(object: &Object, key: &str, read: impl Fn(&Json) -> Option<N>) -> Result<Vec<N>, String> {
    match field(object, key) {
        None => Ok(Vec::new()),
        Some(Json::Array(items)) => {
            let number = |(at, item)| read(item).ok_or_else(|| format!("{key}[{at}]: a number in range is required"));
            items.iter().enumerate().map(number).collect()
        }
        Some(_) => Err(format!("{key}: a list is required")),
    }
}

fn hexadecimal(object: &Object, key: &str) -> Result<Vec<u8>, String> {
    let digits = text(object, key)?;
    let pairs = digits.as_bytes().chunks(2);
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((nibble(*high)? * 16 + nibble(*low)?) as u8),
        _ => None,
    };
    pairs.map(byte).collect::<Option<Vec<u8>>>().ok_or_else(|| format!("{key}: hexadecimal digits are required"))
}

/// Standard or URL-safe alphabet, padded or not: protobuf's JSON readers accept them all.
fn base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text.replace('-', "+").replace('_', "/")).ok()
}

fn message<T>(
    object: &Object,
    key: &str,
    read: impl FnOnce(&Object) -> Result<T, String>,
) -> Result<Option<T>, String> {
    match field(object, key) {
        None => Ok(None),
        Some(Json::Object(inner)) => read(inner).map(Some).map_err(|error| format!("{key}.{error}")),
        Some(_) => Err(format!("{key}: an object is required")),
    }
}

fn list<T>(object: &Object, key: &str, read: impl Fn(&Object) -> Result<T, String>) -> Result<Vec<T>, String> {
    match field(object, key) {
        None => Ok(Vec::new()),
        Some(Json::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(at, item)| match item {
                Json::Object(inner) => read(inner).map_err(|error| format!("{key}[{at}].{error}")),
                _ => Err(format!("{key}[{at}]: an object is required")),
            })
            .collect(),
        Some(_) => Err(format!("{key}: a list is required")),
    }
}
