//! The types of plain scalars: YAML 1.2, section 10.3.2, "Tag resolution" of the core schema.

use crate::Value;

/// The value that an unquoted text stands for.
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            // `from_str_radix` takes a sign here, the core schema does not.
            let is_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            return is_digits.then(|| i64::from_str_radix(digits, radix).ok().map(Value::Int)).flatten();
        }
    }
    // Rust reads "inf" and "nan" as numbers too.
    let mut bytes = text.bytes();
    let first = bytes.find(|byte| !matches!(byte, b'+' | b'-'))?;
    if !(first.is_ascii_digit() || first == b'.') {
        return None;
    }
    if let Ok(number) = text.parse() {
        return Some(Value::Int(number));
    }
    text.parse().ok().map(Value::Float)
}
