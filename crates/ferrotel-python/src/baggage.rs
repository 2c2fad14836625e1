//! The W3C `baggage` header.

use std::borrow::Cow;

use ferrotel::propagation::baggage::{HeaderWriter, Limits, Problem, read_members};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use crate::propagation::log::{shorten, warn};
use crate::propagation::{Getter, read};
use crate::raw;

const LOGGER: &str = "opentelemetry.baggage.propagation";

/// The pairs of the carrier's baggage headers, decoded, as a dict; `None` where there are none.
///
/// # Errors
/// Only what is not to be caught.
pub fn extract<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: Getter<'_, 'py>,
    key: &Bound<'py, PyString>,
    limits: Limits,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let headers = read(carrier, getter, key)?;
    match headers.as_slice() {
        [] => Ok(None),
        // Lone surrogates are outside ASCII like any other letter: the member that has one is left out.
        [only] => read_entries(only.py(), std::iter::once(&*text_of(only)), limits, report),
        several => {
            let texts: Vec<_> = several.iter().map(text_of).collect();
            read_entries(carrier.py(), texts.iter().map(AsRef::as_ref), limits, report)
        }
    }
}

/// Whether a header has entries; reports what is wrong with it.
#[inline]
pub fn check(header: &Bound<'_, PyString>, limits: Limits) -> bool {
    let mut any = false;
    read_members(std::iter::once(&*text_of(header)), limits, |member| match member {
        Ok(_) => any = true,
        Err(problem) => report(header.py(), &problem),
    });
    any
}

/// The pairs of a header that was checked with the default limits, as a dict.
///
/// # Errors
/// Out of memory.
pub fn read_checked<'py>(header: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = header.py();
    let header = text_of(header.cast()?);
    let entries = read_entries(py, std::iter::once(&*header), Limits::default(), |_, _| ())?;
    Ok(entries.unwrap_or_else(|| PyDict::new(py)).into_any())
}

fn read_entries<'a, 'py>(
    py: Python<'py>,
    headers: impl Iterator<Item = &'a str> + Clone,
    limits: Limits,
    report: impl Fn(Python<'py>, &Problem<'_>),
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let mut entries = None;
    let mut failed = None;
    read_members(headers, limits, |member| match member {
        Ok(member) => {
            let entries = entries.get_or_insert_with(|| PyDict::new(py));
            let text = |text: &str| raw::text(py, text.as_bytes());
            let set =
                text(&member.decoded_name()).and_then(|name| entries.set_item(name, text(&member.decoded_value())?));
            failed = failed.take().or(set.err());
        }
        Err(problem) => report(py, &problem),
    });
    failed.map_or(Ok(entries), Err)
}

/// The header for baggage; empty where nothing is left to write.
///
/// # Errors
/// Only what is not to be caught.
pub fn header(entries: &Bound<'_, PyDict>, limits: Limits) -> PyResult<String> {
    let py = entries.py();
    let mut header = HeaderWriter::new(limits);
    let mut problems = Vec::new();
    if entries.iter().all(|(name, value)| is_plain(&name) && is_plain(&value)) {
        // No Python code runs in here, so the dict stays as it is.
        for (name, value) in entries.iter() {
            let (Ok(name), Ok(value)) = (name.cast::<PyString>(), value.cast::<PyString>()) else { continue };
            if !push(&mut header, &text_of(name), &text_of(value), &mut problems) {
                break;
            }
        }
    } else {
        let pairs: Vec<_> = entries.iter().collect();
        for (name, value) in pairs {
            let (Some(name), Some(value)) = (str_of(&name)?, str_of(&value)?) else {
                warn(py, LOGGER, ("Baggage entry of type %s has no text: it is left out", value.get_type()));
                continue;
            };
            if !push(&mut header, &text_of(&name), &text_of(&value), &mut problems) {
                break;
            }
        }
    }
    problems.iter().for_each(|problem| report(py, problem));
    Ok(header.finish())
}

/// Whether later entries still have a chance.
fn push(header: &mut HeaderWriter, name: &str, value: &str, problems: &mut Vec<Problem<'static>>) -> bool {
    let Err(problem) = header.push(name, value, "") else { return true };
    let goes_on = !problem.is_last();
    problems.push(problem);
    goes_on
}

fn is_plain(object: &Bound<'_, PyAny>) -> bool {
    object.is_exact_instance_of::<PyString>()
}

/// The `str()` of any object; `None` where it raises.
fn str_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyString>>> {
    match object.str() {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_instance_of::<PyException>(object.py()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The text of a string; lone surrogates, which cannot travel, become replacement characters.
#[inline]
fn text_of<'a>(text: &'a Bound<'_, PyString>) -> Cow<'a, str> {
    text.to_str().map_or_else(|_| text.to_string_lossy(), Cow::Borrowed)
}

/// The pairs of the carrier's baggage headers, decoded; None where there are none.
///
/// The limits are those of the W3C specification, in list members and bytes.
#[pyfunction]
fn baggage_extract<'py>(
    carrier: &Bound<'py, PyAny>,
    getter: &Bound<'py, PyAny>,
    key: &Bound<'py, PyString>,
    max_members: usize,
    max_member_bytes: usize,
    max_header_bytes: usize,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    extract(carrier, Getter::new(Some(getter)), key, limits(max_members, max_member_bytes, max_header_bytes))
}

/// The baggage header for a mapping; empty where nothing is left to write.
#[pyfunction]
fn baggage_header(
    entries: &Bound<'_, PyMapping>,
    max_members: usize,
    max_member_bytes: usize,
    max_header_bytes: usize,
) -> PyResult<String> {
    let copy = PyDict::new(entries.py());
    copy.update(entries)?;
    header(&copy, limits(max_members, max_member_bytes, max_header_bytes))
}

fn limits(members: usize, member_bytes: usize, header_bytes: usize) -> Limits {
    Limits { members, member_bytes, header_bytes }
}

fn report(py: Python<'_>, problem: &Problem<'_>) {
    match problem {
        Problem::HeaderTooLong { header } => warn(
            py,
            LOGGER,
            ("Baggage header `%s` exceeded the maximum number of bytes per baggage-string", shorten(header)),
        ),
        Problem::NotAscii { name } => {
            warn(py, LOGGER, ("Baggage entry with key `%s` contains non-ASCII characters", shorten(name)));
        }
        Problem::MemberTooLong { name, length } => warn(
            py,
            LOGGER,
            (
                "Baggage entry with key `%s` exceeded the maximum number of bytes per list-member with length %d",
                shorten(name),
                *length,
            ),
        ),
        Problem::TooManyMembers => warn(py, LOGGER, ("Baggage exceeded the maximum number of list-members",)),
        Problem::ListTooLong => {
            warn(py, LOGGER, ("Baggage exceeded the maximum number of bytes per baggage-string",));
        }
        Problem::NoValue { member } => {
            warn(py, LOGGER, ("Baggage list-member `%s` doesn't match the format", shorten(member)));
        }
        Problem::Invalid { member } => warn(py, LOGGER, ("Invalid baggage entry: `%s`", shorten(member))),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(baggage_extract, module)?)?;
    module.add_function(wrap_pyfunction!(baggage_header, module)?)
}
