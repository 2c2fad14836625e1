//! Headers in an environment variable (OTLP exporter specification: specifying headers via environment variables).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use ferrotel::common::diagnostics::{self, Level};
use percent_encoding::percent_decode_str;

/// The logger under which the reference reports malformed headers.
const TARGET: &str = "opentelemetry.util.re";

/// The pairs of `key=value,key2=value2`, names in lower case, values percent-decoded; of pairs with the same name the
/// last wins. A value with spaces in it is taken as it stands, as in the reference. What is malformed is reported and
/// left out; the report does not show the value, which may be a secret.
pub(super) fn parse(list: &str) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (at, member) in list.split(',').map(str::trim).enumerate().filter(|(_, member)| !member.is_empty()) {
        let Some((name, value)) = pair(member) else {
            // What stands before the first character that no name has: of `authorization: Bearer abc=` no more than the
            // name. A member without `=` may be the rest of a secret with a comma in it.
            let name = member.split(|c: char| !u8::try_from(c).is_ok_and(is_name)).next().unwrap_or_default();
            let name = if member.contains('=') { name } else { "" };
            let name = if name.is_empty() { String::new() } else { format!(" ({name:.64})") };
            let at = at + 1;
            let line = format!(
                "Header format invalid! Header values in environment variables must be URL encoded per the \
                 OpenTelemetry Protocol Exporter specification or a comma separated list of name=value occurrences: \
                 entry {at}{name} is left out"
            );
            diagnostics::log(Level::Warning, TARGET, &line);
            continue;
        };
        headers.push((name, value));
    }
    last_of_each(headers)
}

/// Each name once, in the place of its first appearance, with its last value.
pub(super) fn last_of_each(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        match places.entry(name.clone()) {
            Entry::Occupied(place) => kept[*place.get()].1 = value,
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push((name, value));
            }
        }
    }
    kept
}

fn pair(member: &str) -> Option<(String, String)> {
    let (name, value) = member.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || !name.bytes().all(is_name) || !value.bytes().all(|byte| byte == b' ' || is_value(byte)) {
        return None;
    }
    let strict = value.bytes().all(is_value);
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        if strict { decoded.trim().to_owned() } else { text.to_owned() }
    };
    Some((decode(name).to_lowercase(), decode(value)))
}

/// Printable ASCII but for separators.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}

/// Printable ASCII but for the space, quotes, commas, semicolons and backslashes.
fn is_value(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn pairs_are_decoded_and_what_is_malformed_is_left_out() {
        for (list, expected) in [
            ("", vec![]),
            ("a=1", vec![("a", "1")]),
            (" Api-Key = s%20e%3Dc , b=2=3,", vec![("api-key", "s e=c"), ("b", "2=3")]),
            ("a=1,a=2", vec![("a", "2")]),
            ("authorization=Basic a%20b", vec![("authorization", "Basic a%20b")]),
            ("empty=", vec![("empty", "")]),
            ("=1,novalue,na me=1,bad=\"q\",ok=%C3%BC", vec![("ok", "ü")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            assert_eq!(parse(list), expected, "{list:?}");
        }
    }
}
