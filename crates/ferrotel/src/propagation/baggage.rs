//! W3C Baggage.

use std::borrow::Cow;
use std::fmt;

use super::carrier::{Extractor, Injector};
use super::percent;
use super::propagator::{Propagated, TextMapPropagator};
use crate::baggage::BaggageEntry;
use crate::common::diagnostics::{self, Level, shorten};

/// The header that carries baggage.
pub const BAGGAGE: &str = "baggage";

const TARGET: &str = "opentelemetry.baggage.propagation";

/// The `baggage` header (W3C Baggage) with its limits: 180 members, 4096 bytes for each, 8192 bytes for all.
///
/// Names and values are percent-encoded, a space as `+`. What does not fit or does not follow the grammar is left out
/// and reported; the rest is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct BaggagePropagator;

impl TextMapPropagator for BaggagePropagator {
    fn extract(&self, carrier: &dyn Extractor, base: Propagated) -> Propagated {
        let headers: Vec<&str> = carrier.values(BAGGAGE).collect();
        if headers.is_empty() {
            return base;
        }
        let mut entries = base.baggage.entries().to_vec();
        read_members(headers.iter().copied(), Limits::default(), |member| match member {
            Ok(member) => entries.push(member.to_entry()),
            Err(problem) => report(&problem),
        });
        Propagated { baggage: entries.into_iter().collect(), ..base }
    }

    fn inject(&self, from: &Propagated, carrier: &mut dyn Injector) {
        if from.baggage.is_empty() {
            return;
        }
        let mut header = HeaderWriter::new(Limits::default());
        for entry in from.baggage.entries() {
            match header.push(&entry.name, &entry.value, &entry.metadata) {
                Ok(()) => {}
                Err(problem) => {
                    report(&problem);
                    if problem.is_last() {
                        break;
                    }
                }
            }
        }
        let header = header.finish();
        if !header.is_empty() {
            carrier.set(BAGGAGE, header);
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![BAGGAGE]
    }
}

fn report(problem: &Problem<'_>) {
    diagnostics::log(Level::Warning, TARGET, &problem.to_string());
}

/// How much baggage is read or written. The default is what W3C Baggage, section 3.3.2, requires to be supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// List members.
    pub members: usize,
    /// Bytes of one list member.
    pub member_bytes: usize,
    /// Bytes of all list members with the commas between them.
    pub header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { members: 180, member_bytes: 4096, header_bytes: 8192 }
    }
}

/// One well-formed list member of a header, still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// The name.
    pub name: &'a str,
    /// The value with the properties that follow it after a `;`.
    pub value: &'a str,
    /// Whether there may be something to decode.
    escaped: bool,
}

impl<'a> Member<'a> {
    /// The name, decoded.
    #[inline]
    pub fn decoded_name(&self) -> Cow<'a, str> {
        if self.escaped { decode(self.name) } else { Cow::Borrowed(self.name) }
    }

    /// The value and its properties, decoded as one text.
    #[inline]
    pub fn decoded_value(&self) -> Cow<'a, str> {
        if self.escaped { decode(self.value) } else { Cow::Borrowed(self.value) }
    }

    /// The entry: properties apart from the value, and not decoded.
    pub fn to_entry(&self) -> BaggageEntry {
        let (value, metadata) = self.value.split_once(';').unwrap_or((self.value, ""));
        BaggageEntry {
            name: self.decoded_name().into(),
            value: decode(trim(value)).into(),
            metadata: trim(metadata).into(),
        }
    }
}

/// Reads the values of `baggage` headers as the one list that they form; hands each member, and each problem, to
/// `visit` in order. Takes time in proportion to the headers' length at most.
pub fn read_members<'a>(
    headers: impl Iterator<Item = &'a str> + Clone,
    limits: Limits,
    mut visit: impl FnMut(Result<Member<'a>, Problem<'a>>),
) {
    let total = headers.clone().fold(0, |total, header| total + header.len() + usize::from(total > 0));
    if total > limits.header_bytes {
        visit(Err(Problem::HeaderTooLong { header: headers.into_iter().next().unwrap_or_default() }));
        return;
    }
    let mut accepted = 0;
    let mut length = 0;
    for header in headers {
        let mut rest = header;
        while !rest.is_empty() {
            let plain = plain_member(rest);
            let end = match &plain {
                Some(member) => member.name.len() + 1 + member.value.len(),
                None => find(rest, b',').unwrap_or(rest.len()),
            };
            let member = trim(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
            if member.is_empty() {
                continue;
            }
            if plain.is_none() && !member.is_ascii() || member.len() > limits.member_bytes {
                visit(Err(unreadable(member)));
                continue;
            }
            if accepted >= limits.members {
                visit(Err(Problem::TooManyMembers));
                return;
            }
            length += member.len() + usize::from(accepted > 0);
            if length > limits.header_bytes {
                visit(Err(Problem::ListTooLong));
                return;
            }
            accepted += 1;
            visit(plain.map_or_else(|| parse_member(member), Ok));
        }
    }
}

#[cold]
fn unreadable(member: &str) -> Problem<'_> {
    let name = Cow::Borrowed(&member[..find(member, b'=').unwrap_or(member.len())]);
    if member.is_ascii() { Problem::MemberTooLong { name, length: member.len() } } else { Problem::NotAscii { name } }
}

/// The member that the text begins with, in one pass, where it has neither white space nor properties: mostly it has
/// none.
#[inline]
fn plain_member(text: &str) -> Option<Member<'_>> {
    let bytes = text.as_bytes();
    let mut seen = 0;
    let mut run = |from: usize, class: u8| {
        let ends = |byte: &u8| {
            let classes = CLASSES[usize::from(*byte)];
            seen |= classes;
            classes & class == 0
        };
        bytes[from..].iter().position(ends).map_or(bytes.len(), |length| from + length)
    };
    let equals = run(0, NAME);
    if equals == 0 || bytes.get(equals) != Some(&b'=') {
        return None;
    }
    let end = run(equals + 1, VALUE);
    let ends_here = bytes.get(end).is_none_or(|byte| *byte == b',');
    ends_here.then(|| Member { name: &text[..equals], value: &text[equals + 1..end], escaped: seen & ESCAPE != 0 })
}

fn parse_member(member: &str) -> Result<Member<'_>, Problem<'_>> {
    let equals = find(member, b'=').ok_or(Problem::NoValue { member })?;
    let (name, value) = (trim(&member[..equals]), trim(&member[equals + 1..]));
    if is_name(name) && (is_value(value) || has_properties(value)) {
        Ok(Member { name, value, escaped: true })
    } else {
        Err(Problem::Invalid { member: member.into() })
    }
}

/// Whether this is a value followed by well-formed properties.
fn has_properties(value: &str) -> bool {
    value.split_once(';').is_some_and(|(value, properties)| is_value(trim(value)) && are_properties(properties))
}

/// Whether these are well-formed properties, with `;` between them.
fn are_properties(text: &str) -> bool {
    text.split(';').all(|property| match property.split_once('=') {
        Some((name, value)) => is_name(trim(name)) && is_value(trim(value)),
        None => is_name(trim(property)),
    })
}

/// What a byte may be part of.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        if byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            )
        {
            classes[byte as usize] |= NAME;
        }
        if !matches!(byte, b'"' | b',' | b';' | b'\\') {
            classes[byte as usize] |= VALUE;
        }
        if matches!(byte, b'%' | b'+') {
            classes[byte as usize] |= ESCAPE;
        }
        byte += 1;
    }
    classes
};
const NAME: u8 = 1;
const VALUE: u8 = 2;
const ESCAPE: u8 = 4;

#[inline]
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| CLASSES[usize::from(byte)] & NAME != 0)
}

#[inline]
fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| CLASSES[usize::from(byte)] & VALUE != 0)
}

#[inline]
fn find(text: &str, byte: u8) -> Option<usize> {
    text.as_bytes().iter().position(|b| *b == byte)
}

/// Without the white space that HTTP has around things. On bytes, because most texts have none and are short.
#[inline]
fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    if !bytes.first().is_some_and(is_space) && !bytes.last().is_some_and(is_space) {
        return text;
    }
    text.trim_matches([' ', '\t'])
}

/// Decodes, and strips what was escaped white space. A text without escapes has none: its characters were checked.
#[inline]
fn decode(text: &str) -> Cow<'_, str> {
    match percent::decode_plus(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text),
        Cow::Owned(text) => Cow::Owned(percent::strip(&text).to_owned()),
    }
}

/// Writes a `baggage` header within limits.
#[derive(Debug)]
pub struct HeaderWriter {
    header: String,
    members: usize,
    limits: Limits,
}

impl HeaderWriter {
    /// An empty header.
    pub fn new(limits: Limits) -> Self {
        HeaderWriter { header: String::new(), members: 0, limits }
    }

    /// Adds a member. `metadata`, which has to follow the grammar of properties, is written as it is, after a `;`, unless
    /// it is empty.
    ///
    /// # Errors
    /// It does not fit, or its metadata could be taken for something else: the member is left out, and after some problems
    /// ([`Problem::is_last`]) so is every later one.
    pub fn push(&mut self, name: &str, value: &str, metadata: &str) -> Result<(), Problem<'static>> {
        if name.is_empty() || !(metadata.is_empty() || are_properties(metadata)) {
            return Err(Problem::Invalid { member: Cow::Owned(format!("{name}={value}")) });
        }
        let start = self.header.len();
        if self.members > 0 {
            self.header.push(',');
        }
        let member_start = self.header.len();
        percent::encode_plus(name, &mut self.header);
        let name_end = self.header.len();
        self.header.push('=');
        percent::encode_plus(value, &mut self.header);
        if !metadata.is_empty() {
            self.header.push(';');
            self.header.push_str(metadata);
        }
        let length = self.header.len() - member_start;
        let problem = if length > self.limits.member_bytes {
            Problem::MemberTooLong { name: Cow::Owned(self.header[member_start..name_end].to_owned()), length }
        } else if self.members >= self.limits.members {
            Problem::TooManyMembers
        } else if self.header.len() > self.limits.header_bytes {
            Problem::ListTooLong
        } else {
            self.members += 1;
            return Ok(());
        };
        self.header.truncate(start);
        Err(problem)
    }

    /// The header; empty where nothing was added.
    pub fn finish(self) -> String {
        self.header
    }
}

/// Why baggage was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// The headers together are longer than [`Limits::header_bytes`]: nothing was read.
    HeaderTooLong {
        /// The first of the headers.
        header: &'a str,
    },
    /// A member has characters outside ASCII.
    NotAscii {
        /// The member up to its `=`.
        name: Cow<'a, str>,
    },
    /// A member is longer than [`Limits::member_bytes`].
    MemberTooLong {
        /// The member up to its `=`.
        name: Cow<'a, str>,
        /// Its length in bytes.
        length: usize,
    },
    /// There are more than [`Limits::members`]; the later ones were left out.
    TooManyMembers,
    /// The members exceed [`Limits::header_bytes`]; the later ones were left out.
    ListTooLong,
    /// A member has no `=`.
    NoValue {
        /// The member.
        member: &'a str,
    },
    /// A member's name, value or properties do not follow the grammar.
    Invalid {
        /// The member.
        member: Cow<'a, str>,
    },
}

impl Problem<'_> {
    /// Whether later members are left out too.
    pub fn is_last(&self) -> bool {
        matches!(self, Problem::HeaderTooLong { .. } | Problem::TooManyMembers | Problem::ListTooLong)
    }
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::HeaderTooLong { header } => write!(
                f,
                "Baggage header `{}` exceeded the maximum number of bytes per baggage-string",
                shorten(header)
            ),
            Problem::NotAscii { name } => {
                write!(f, "Baggage entry with key `{}` contains non-ASCII characters", shorten(name))
            }
            Problem::MemberTooLong { name, length } => write!(
                f,
                "Baggage entry with key `{}` exceeded the maximum number of bytes per list-member with length {length}",
                shorten(name)
            ),
            Problem::TooManyMembers => f.write_str("Baggage exceeded the maximum number of list-members"),
            Problem::ListTooLong => f.write_str("Baggage exceeded the maximum number of bytes per baggage-string"),
            Problem::NoValue { member } => {
                write!(f, "Baggage list-member `{}` doesn't match the format", shorten(member))
            }
            Problem::Invalid { member } => write!(f, "Invalid baggage entry: `{}`", shorten(member)),
        }
    }
}
