//! Percent encoding as baggage headers carry it.

use std::borrow::Cow;

/// Appends `text` with everything but letters, digits and `_.-~` percent-encoded as UTF-8, and a space as `+`.
pub fn encode_plus(text: &str, out: &mut String) {
    encode(text, out, |byte, out| match byte {
        b' ' => out.push('+'),
        _ => push_escape(byte, out),
    });
}

/// Appends `text` with everything but letters, digits and `_.-~/` percent-encoded as UTF-8.
pub fn encode_path(text: &str, out: &mut String) {
    encode(text, out, |byte, out| match byte {
        b'/' => out.push('/'),
        _ => push_escape(byte, out),
    });
}

/// Undoes [`encode_plus`]. An escape that is none stays as it is; bytes that are no UTF-8 become U+FFFD.
#[inline]
pub fn decode_plus(text: &str) -> Cow<'_, str> {
    decode_with(text, true)
}

/// Undoes [`encode_path`], leaving `+` alone.
#[inline]
pub fn decode(text: &str) -> Cow<'_, str> {
    decode_with(text, false)
}

/// `text` without white space at either end, where white space is what Python's `str.strip` takes for it: Unicode's
/// and the four ASCII separators.
pub fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
}

#[inline]
fn encode(text: &str, out: &mut String, escape: impl Fn(u8, &mut String)) {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~');
    let mut rest = text;
    loop {
        // What needs no escape, which is mostly all, goes over in one piece; it is ASCII, so the cut is between
        // characters.
        let plain = rest.as_bytes().iter().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
        let Some(special) = rest.chars().next() else { return };
        let (special, after) = rest.split_at(special.len_utf8());
        special.bytes().for_each(|byte| escape(byte, out));
        rest = after;
    }
}

fn push_escape(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

#[inline]
fn decode_with(text: &str, plus: bool) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte == b'%' || (plus && byte == b'+')) {
        return Cow::Owned(decode_escapes(text, plus));
    }
    Cow::Borrowed(text)
}

fn decode_escapes(text: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            (b'+', _) if plus => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn digit(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        _ => (hex | 0x20) - b'a' + 10,
    }
}
