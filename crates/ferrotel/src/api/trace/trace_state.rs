//! W3C trace state.

use std::fmt;
use std::sync::Arc;

use crate::common::Text;
use crate::common::diagnostics::shorten;

/// Vendors' entries of a trace, newest first (W3C Trace Context level 2, section 3.3). Immutable; cloning is cheap.
///
/// ```
/// use ferrotel::api::trace::TraceState;
///
/// let state = TraceState::from_header("rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE")?;
/// assert_eq!(state.get("congo"), Some("t61rcWkgMzE"));
/// assert_eq!(state.update("congo", "1")?.to_header(), "congo=1,rojo=00f067aa0ba902b7");
/// # Ok::<(), ferrotel::api::trace::TraceStateError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceState(Option<Arc<[(Text, Text)]>>);

impl TraceState {
    /// No entries; allocates nothing.
    pub const EMPTY: TraceState = TraceState(None);

    /// The most entries that a trace state can have.
    pub const MAX_MEMBERS: usize = 32;

    /// The longest header, or several headers together with their commas, in bytes, that a propagator reads.
    pub const MAX_HEADER_LENGTH: usize = 8192;

    /// From entries that are known to be valid, in order, without duplicates.
    pub fn from_valid_entries(entries: Vec<(Text, Text)>) -> Self {
        TraceState(if entries.is_empty() { None } else { Some(entries.into()) })
    }

    /// Parses one `tracestate` header.
    ///
    /// # Errors
    /// See [`TraceState::from_headers`].
    pub fn from_header(header: &str) -> Result<Self, TraceStateError> {
        Self::from_headers([header])
    }

    /// Parses the values of several `tracestate` headers as the one list that they form.
    ///
    /// Empty members are skipped. Of members with the same key the first, which is the newest, is kept.
    ///
    /// # Errors
    /// A member that does not follow the grammar, or more than [`TraceState::MAX_MEMBERS`] different keys: the
    /// specification then has the whole trace state discarded.
    pub fn from_headers<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<Self, TraceStateError> {
        let mut entries: Vec<(Text, Text)> = Vec::new();
        for header in headers {
            let mut rest = header;
            while !rest.is_empty() {
                let (key, value, end) = match plain_member(rest) {
                    Some(member) => member,
                    None => {
                        let end = rest.bytes().position(|byte| byte == b',').unwrap_or(rest.len());
                        match Self::member(&rest[..end])? {
                            Some((key, value)) => (key, value, end),
                            None => ("", "", end),
                        }
                    }
                };
                rest = rest.get(end + 1..).unwrap_or_default();
                if key.is_empty() || entries.iter().any(|(known, _)| known == key) {
                    continue;
                }
                if entries.len() == Self::MAX_MEMBERS {
                    return Err(TraceStateError::TooManyMembers);
                }
                entries.push((key.into(), value.into()));
            }
        }
        Ok(Self::from_valid_entries(entries))
    }

    /// One member of the list with the white space around it; `None` where there is nothing else.
    fn member(text: &str) -> Result<Option<(&str, &str)>, TraceStateError> {
        let member = text.trim_matches([' ', '\t']);
        if member.is_empty() {
            return Ok(None);
        }
        let pair = member.split_once('=');
        pair.filter(|(key, value)| Self::is_valid_key(key) && Self::is_valid_value(value))
            .map(Some)
            .ok_or_else(|| TraceStateError::InvalidMember(member.into()))
    }

    /// The entries, newest first.
    pub fn entries(&self) -> &[(Text, Text)] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is no entry.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// With a new entry in front.
    ///
    /// # Errors
    /// A key or value outside the grammar, a key that is there already, or no room left.
    pub fn add(&self, key: &str, value: &str) -> Result<Self, TraceStateError> {
        Self::check_pair(key, value)?;
        if self.len() >= Self::MAX_MEMBERS {
            return Err(TraceStateError::TooManyMembers);
        }
        if self.get(key).is_some() {
            return Err(TraceStateError::KeyExists);
        }
        Ok(self.with_first(key, value))
    }

    /// With the entry in front, replacing the one with the same key if there is one.
    ///
    /// # Errors
    /// A key or value outside the grammar, or a new key where there is no room left.
    pub fn update(&self, key: &str, value: &str) -> Result<Self, TraceStateError> {
        Self::check_pair(key, value)?;
        if self.len() >= Self::MAX_MEMBERS && self.get(key).is_none() {
            return Err(TraceStateError::TooManyMembers);
        }
        Ok(self.with_first(key, value))
    }

    /// Without the entry of `key`.
    ///
    /// # Errors
    /// There is no such entry.
    pub fn delete(&self, key: &str) -> Result<Self, TraceStateError> {
        if self.get(key).is_none() {
            return Err(TraceStateError::KeyMissing);
        }
        Ok(Self::from_valid_entries(self.entries().iter().filter(|(known, _)| known != key).cloned().collect()))
    }

    /// The `tracestate` header; empty where there is no entry.
    pub fn to_header(&self) -> String {
        let length = self.entries().iter().map(|(key, value)| key.len() + value.len() + 2).sum();
        let mut header = String::with_capacity(length);
        for (key, value) in self.entries() {
            if !header.is_empty() {
                header.push(',');
            }
            header.push_str(key);
            header.push('=');
            header.push_str(value);
        }
        header
    }

    /// Whether `key` follows level 2's grammar: a lower-case letter or digit, then up to 255 of these or `_-*/@`.
    pub fn is_valid_key(key: &str) -> bool {
        let key = key.as_bytes();
        key.len() <= MAX_TEXT
            && key.first().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
            && key.iter().all(|byte| CLASSES[usize::from(*byte)] & KEY != 0)
    }

    /// Whether `value` is 1 to 256 printable ASCII characters other than `,` and `=`, the last of them no space.
    pub fn is_valid_value(value: &str) -> bool {
        let value = value.as_bytes();
        value.len() <= MAX_TEXT
            && value.last().is_some_and(|last| *last != b' ')
            && value.iter().all(|byte| CLASSES[usize::from(*byte)] & VALUE != 0)
    }

    fn check_pair(key: &str, value: &str) -> Result<(), TraceStateError> {
        if Self::is_valid_key(key) && Self::is_valid_value(value) { Ok(()) } else { Err(TraceStateError::InvalidPair) }
    }

    fn with_first(&self, key: &str, value: &str) -> Self {
        let rest = self.entries().iter().filter(|(known, _)| known != key).cloned();
        TraceState(Some(std::iter::once((key.into(), value.into())).chain(rest).collect()))
    }
}

/// The most bytes of a key or of a value.
const MAX_TEXT: usize = 256;

/// The valid member that the text begins with and where it ends, in one pass, where there is no white space around it:
/// mostly there is none.
#[inline]
fn plain_member(text: &str) -> Option<(&str, &str, usize)> {
    let bytes = text.as_bytes();
    let run = |from: usize, class: u8| {
        let length = bytes[from..].iter().position(|byte| CLASSES[usize::from(*byte)] & class == 0);
        length.map_or(bytes.len(), |length| from + length)
    };
    let equals = run(0, KEY);
    let first = *bytes.first()?;
    if !(first.is_ascii_lowercase() || first.is_ascii_digit()) || equals > MAX_TEXT || bytes.get(equals) != Some(&b'=')
    {
        return None;
    }
    let start = equals + 1;
    let end = run(start, VALUE);
    let ends_here = bytes.get(end).is_none_or(|byte| *byte == b',');
    let is_valid = end > start && end - start <= MAX_TEXT && bytes[end - 1] != b' ' && bytes[start] != b' ';
    (ends_here && is_valid).then(|| (&text[..equals], &text[start..end], end))
}

/// What a byte may be part of.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        if matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@') {
            classes[byte as usize] |= KEY;
        }
        if !matches!(byte, b',' | b'=') {
            classes[byte as usize] |= VALUE;
        }
        byte += 1;
    }
    classes
};
const KEY: u8 = 1;
const VALUE: u8 = 2;

/// Why a trace state was not changed or not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceStateError {
    /// This member of a header does not follow the grammar.
    InvalidMember(Text),
    /// The key or the value does not follow the grammar.
    InvalidPair,
    /// There would be more than [`TraceState::MAX_MEMBERS`] entries.
    TooManyMembers,
    /// The key to be added is there already.
    KeyExists,
    /// The key to be deleted is not there.
    KeyMissing,
}

impl fmt::Display for TraceStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceStateError::InvalidMember(member) => {
                write!(f, "trace state member {:?} is malformed", shorten(member))
            }
            TraceStateError::InvalidPair => f.write_str("trace state key or value is malformed"),
            TraceStateError::TooManyMembers => {
                write!(f, "a trace state has at most {} entries", TraceState::MAX_MEMBERS)
            }
            TraceStateError::KeyExists => f.write_str("trace state key exists already"),
            TraceStateError::KeyMissing => f.write_str("trace state key does not exist"),
        }
    }
}

impl std::error::Error for TraceStateError {}
