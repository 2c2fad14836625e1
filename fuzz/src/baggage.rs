//! The `baggage` header.

use ferrotel::baggage::{Baggage, BaggageEntry};
use ferrotel::propagation::percent;
use ferrotel::propagation::{BaggagePropagator, Propagated, TextMapPropagator};

use crate::{assert_sendable, log, texts};

pub(crate) fn run(data: &[u8]) {
    log::check_lines();
    let texts = texts(data);

    // As headers that arrive.
    let carrier: Vec<_> = texts.iter().map(|value| ("baggage".to_owned(), value.clone())).collect();
    let received = BaggagePropagator.extract(&carrier, Propagated::default()).baggage;
    let expected: Baggage = model(&texts).into_iter().collect();
    assert_eq!(received, expected, "{texts:?}");
    let sent = send(received);
    let again = BaggagePropagator.extract(&sent, Propagated::default()).baggage;
    assert_eq!(send(again), sent);

    // As names, values and metadata of a program that puts in whatever it is given.
    let own: Baggage = texts
        .chunks(3)
        .map(|chunk| {
            let text = |at: usize| chunk.get(at).map(String::as_str).unwrap_or_default().into();
            BaggageEntry { name: text(0), value: text(1), metadata: text(2) }
        })
        .collect();
    let sent = send(own.clone());
    for entry in BaggagePropagator.extract(&sent, Propagated::default()).baggage.entries() {
        let made = own
            .entries()
            .iter()
            .any(|own| percent::strip(&own.name) == entry.name && percent::strip(&own.value) == entry.value);
        assert!(made, "{entry:?} arrives, which nobody sent");
    }
}

fn send(baggage: Baggage) -> Vec<(String, String)> {
    let mut sent: Vec<(String, String)> = Vec::new();
    BaggagePropagator.inject(&Propagated { baggage, ..Propagated::default() }, &mut sent);
    assert_sendable(&sent);
    for (_, header) in &sent {
        assert!(header.len() <= 8192);
        assert!(header.split(',').count() <= 180);
        assert!(header.split(',').all(|member| member.len() <= 4096));
    }
    sent
}

/// Member by member, with the limits of W3C Baggage.
fn model(headers: &[String]) -> Vec<BaggageEntry> {
    let blank = [' ', '\t'];
    let mut entries = Vec::new();
    let present: Vec<&String> = headers.iter().skip_while(|header| header.is_empty()).collect();
    if present.iter().map(|header| header.len() + 1).sum::<usize>().saturating_sub(1) > 8192 {
        return entries;
    }
    let (mut accepted, mut length) = (0, 0);
    for member in headers.iter().flat_map(|header| header.split(',')).map(|member| member.trim_matches(blank)) {
        if member.is_empty() || !member.is_ascii() || member.len() > 4096 {
            continue;
        }
        length += member.len() + usize::from(accepted > 0);
        if accepted == 180 || length > 8192 {
            break;
        }
        accepted += 1;
        let Some((name, rest)) = member.split_once('=') else { continue };
        let (value, metadata) = rest.split_once(';').unwrap_or((rest, ""));
        let properties: Vec<&str> = rest.split(';').skip(1).collect();
        let property = |text: &&str| match text.split_once('=') {
            Some((name, value)) => is_token(name.trim_matches(blank)) && is_value(value.trim_matches(blank)),
            None => is_token(text.trim_matches(blank)),
        };
        if is_token(name.trim_matches(blank)) && is_value(value.trim_matches(blank)) && properties.iter().all(property)
        {
            entries.push(BaggageEntry {
                name: decoded(name.trim_matches(blank)).into(),
                value: decoded(value.trim_matches(blank)).into(),
                metadata: metadata.trim_matches(blank).into(),
            });
        }
    }
    entries
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn is_value(text: &str) -> bool {
    text.chars().all(|c| ('!'..='~').contains(&c) && !"\",;\\".contains(c))
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match (bytes[at], escape.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    // A text without escapes is left as it is: it has no white space.
    percent::strip(&text).to_owned()
}
