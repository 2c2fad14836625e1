//! Reading the values of environment variables.
//!
//! White space at either end never counts. Each parser refuses what it does not understand; [`Reader`](super::Reader)
//! turns a refusal into one line and the default.

use std::fmt;
use std::time::Duration;

use crate::propagation::percent;

/// A value is not what its variable takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    expected: &'static str,
}

impl Malformed {
    /// With what was expected, to complete the sentence "Expected …".
    pub const fn expected(expected: &'static str) -> Self {
        Malformed { expected }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expected {}", self.expected)
    }
}

impl std::error::Error for Malformed {}

/// `true` or `false`, in any case of letters (specification: boolean value).
///
/// # Errors
/// Anything else.
pub fn boolean(text: &str) -> Result<bool, Malformed> {
    let text = percent::strip(text);
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(Malformed::expected("'true' or 'false'"))
    }
}

/// A non-negative integer in decimal digits; one that is too large counts as the largest.
///
/// ```
/// use ferrotel::config::parse;
///
/// assert_eq!(parse::integer(" 512 "), Ok(512));
/// assert!(parse::integer("-1").is_err());
/// ```
///
/// # Errors
/// A sign other than one `+`, no digit, anything that is not a digit.
pub fn integer(text: &str) -> Result<u64, Malformed> {
    let text = percent::strip(text);
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed::expected("a non-negative integer"));
    }
    Ok(digits.parse().unwrap_or(u64::MAX))
}

/// [`integer`] from 1 on, as a size of something in memory.
///
/// # Errors
/// As for [`integer`]; 0.
pub fn size(text: &str) -> Result<usize, Malformed> {
    match integer(text) {
        Ok(0) | Err(_) => Err(Malformed::expected("a positive integer")),
        Ok(size) => Ok(usize::try_from(size).unwrap_or(usize::MAX)),
    }
}

/// [`integer`] as a limit; the empty text means: no limit (`None`).
///
/// # Errors
/// As for [`integer`].
pub fn limit(text: &str) -> Result<Option<usize>, Malformed> {
    if percent::strip(text).is_empty() {
        return Ok(None);
    }
    integer(text).map(|limit| Some(usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// A duration in whole milliseconds, at least 1 (specification: duration).
///
/// # Errors
/// As for [`integer`]; 0.
pub fn millis(text: &str) -> Result<Duration, Malformed> {
    match integer(text) {
        Ok(0) | Err(_) => Err(Malformed::expected("a positive integer, in milliseconds")),
        Ok(millis) => Ok(Duration::from_millis(millis)),
    }
}

/// A duration in milliseconds above 0, with or without a fraction, as the reference reads the metric readers' variables;
/// infinity means: never (`None`).
///
/// # Errors
/// Not a number, or not above 0.
pub fn interval_millis(text: &str) -> Result<Option<Duration>, Malformed> {
    const EXPECTED: Malformed = Malformed::expected("a positive number of milliseconds");
    match number(text) {
        Ok(f64::INFINITY) => Ok(None),
        Ok(millis) if millis > 0.0 => Duration::try_from_secs_f64(millis / 1000.0).map(Some).map_err(|_| EXPECTED),
        _ => Err(EXPECTED),
    }
}

/// A timeout in whole milliseconds; 0 means: no limit (`None`; specification: timeout).
///
/// # Errors
/// As for [`integer`].
pub fn timeout_millis(text: &str) -> Result<Option<Duration>, Malformed> {
    match integer(text) {
        Ok(0) => Ok(None),
        Ok(millis) => Ok(Some(Duration::from_millis(millis))),
        Err(_) => Err(Malformed::expected("a non-negative integer, in milliseconds")),
    }
}

/// A duration in seconds, with or without a fraction: the unit of the reference's OTLP timeouts, where the
/// specification says milliseconds.
///
/// ```
/// use ferrotel::config::parse;
/// use std::time::Duration;
///
/// assert_eq!(parse::seconds("2.5"), Ok(Duration::from_millis(2_500)));
/// ```
///
/// # Errors
/// Not a number, negative, or too large for a [`Duration`].
pub fn seconds(text: &str) -> Result<Duration, Malformed> {
    number(text)
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or(Malformed::expected("a non-negative number of seconds"))
}

/// A share from 0.0 to 1.0.
///
/// # Errors
/// Not a number, or outside that range.
pub fn ratio(text: &str) -> Result<f64, Malformed> {
    match number(text) {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err(Malformed::expected("a number from 0.0 to 1.0")),
    }
}

fn number(text: &str) -> Result<f64, std::num::ParseFloatError> {
    percent::strip(text).parse()
}

/// The members of a comma-separated list, in order, without empty ones and repetitions.
///
/// ```
/// use ferrotel::config::parse;
///
/// assert_eq!(parse::list("tracecontext, baggage,,tracecontext"), ["tracecontext", "baggage"]);
/// ```
pub fn list(text: &str) -> Vec<&str> {
    let mut members = Vec::new();
    for member in text.split(',').map(percent::strip) {
        if !member.is_empty() && !members.contains(&member) {
            members.push(member);
        }
    }
    members
}

/// The pairs of a comma-separated list of `key=value`, values percent-decoded. A key that comes again replaces the
/// earlier value in its place.
///
/// Members without `=` or without a key are given to `refuse` as they stand, and the others kept; empty members don't
/// count.
///
/// ```
/// use ferrotel::config::parse;
///
/// let mut refused = Vec::new();
/// let pairs = parse::key_values("team=a%20b, broken,tier = 1=2", |member| refused.push(member.to_owned()));
/// assert_eq!(pairs, [("team".into(), "a b".into()), ("tier".into(), "1=2".into())]);
/// assert_eq!(refused, ["broken"]);
/// ```
pub fn key_values(text: &str, mut refuse: impl FnMut(&str)) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for member in text.split(',') {
        if percent::strip(member).is_empty() {
            continue;
        }
        let (key, value) = match member.split_once('=').map(|(key, value)| (percent::strip(key), value)) {
            Some((key, value)) if !key.is_empty() => (key, percent::decode(percent::strip(value))),
            _ => {
                refuse(percent::strip(member));
                continue;
            }
        };
        match pairs.iter_mut().find(|(known, _)| known == key) {
            Some((_, slot)) => *slot = value.into_owned(),
            None => pairs.push((key.to_owned(), value.into_owned())),
        }
    }
    pairs
}
