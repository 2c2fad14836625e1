//! A record of `logging`, read for the engine: what the handlers do in Python for processors that are written in Python.

use std::sync::OnceLock;

use ferrotel::common::clock::now_unix_nanos;
use ferrotel::common::{Text, Value};
use ferrotel::sdk::logs::{LogRecordData, LogRecordLimits};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};
use pyo3::{ffi, intern};

use super::fields;
use super::silence::{Reading, silenced_by};
use crate::convert::{add_from_py, text_from_py, text_from_py_lossy, value_from_py};
use crate::raw::Raw;
use crate::types::{FORMAT_EXCEPTION, LOGGING_RECORD, MAPPING, SAY_THAT_IT_LOOPS, SEQUENCE};

/// Adds `code.file.path`, `code.function.name` and `code.line.number`.
const CODE: u32 = 1;
/// A message that is no string, and has no arguments, is the body as it is.
const OBJECTS: u32 = 2;
/// The attribute `otel.event.name` (or `event.name`) is the event's name.
const EVENTS: u32 = 4;

/// What became of a record.
pub enum Read {
    /// It was read.
    Done,
    /// It came out of the reading of another one, too deep to be read itself.
    TooDeep,
    /// It has no form that is known here; Python may know it.
    Odd,
}

/// The attributes that each record of `logging` has, in the order in which it gets them.
const RESERVED: [&str; 24] = [
    "name",
    "msg",
    "args",
    "levelname",
    "levelno",
    "pathname",
    "filename",
    "module",
    "exc_info",
    "exc_text",
    "stack_info",
    "lineno",
    "funcName",
    "created",
    "msecs",
    "relativeCreated",
    "thread",
    "threadName",
    "processName",
    "process",
    "taskName",
    "message",
    "asctime",
    "getMessage",
];
const MSG: usize = 1;
const ARGS: usize = 2;
const LEVEL_NAME: usize = 3;
const LEVEL: usize = 4;
const PATH: usize = 5;
const EXC_INFO: usize = 8;
const LINE: usize = 11;
const FUNCTION: usize = 12;
const CREATED: usize = 13;

/// Whether a record made now is telemetry's own.
///
/// # Errors
/// KeyboardInterrupt and the like.
#[inline]
pub fn is_silenced(py: Python<'_>) -> PyResult<bool> {
    match silenced_by(py) {
        None => Ok(false),
        Some(by) => say_who(&by).map(|()| true),
    }
}

#[cold]
fn say_who(by: &Bound<'_, PyAny>) -> PyResult<()> {
    // The reference says this of its simple processor after a few rounds.
    if by.eq("simple")? {
        SAY_THAT_IT_LOOPS.get(by.py())?.call0()?;
    }
    Ok(())
}

/// Reads `record` into `data`, within the limits; `format` makes its text where it is given.
///
/// # Errors
/// What formatting the record raises.
pub fn read<'py>(
    record: &Bound<'py, PyAny>,
    format: Option<&Bound<'py, PyAny>>,
    options: u32,
    limits: LogRecordLimits,
    data: &mut LogRecordData,
) -> PyResult<Read> {
    let py = record.py();
    let Some(found) = Found::of(record)? else { return Ok(Read::Odd) };
    let field = |place: usize| found.fields[place].as_ref();
    let (Some(msg), Some(level_name), Some(level), Some(created)) =
        (field(MSG), field(LEVEL_NAME), field(LEVEL), field(CREATED))
    else {
        return Ok(Read::Odd);
    };
    let (Ok(level), Ok(created)) = (level.extract::<i64>(), created.extract::<f64>()) else { return Ok(Read::Odd) };
    let exc_info = field(EXC_INFO).filter(|info| !info.is_none());
    let args = field(ARGS).filter(|args| !args.is_none());

    // Formatting and reading may run the program's code, which may log.
    let _reading = if format.is_none() && exc_info.is_none() && found.is_plain(msg, args) {
        None
    } else {
        match Reading::new(py) {
            Some(reading) => Some(reading),
            None => return Ok(Read::TooDeep),
        }
    };
    data.timestamp = (created * 1e9) as u64;
    data.observed_timestamp = now_unix_nanos();
    fields::correlate(py, data, None)?;
    data.severity_number = severity(level);
    data.severity_text = severity_text(level_name);
    data.body = match format {
        Some(format) => Value::String(text_from_py(&format.call1((record,))?)),
        None => body(record, msg, args, options)?,
    };
    found.add_extras(options, limits, data)?;
    let mut set = |key: &'static str, mut value: Value| {
        value.truncate(limits.max_attribute_length);
        data.attributes.set(Text::const_new(key), value, limits.max_attributes);
    };
    if options & CODE != 0 {
        let mut code = |key, place| set(key, field(place).map_or(Value::Empty, |value| value_from_py(value, None)));
        code("code.file.path", PATH);
        code("code.function.name", FUNCTION);
        code("code.line.number", LINE);
    }
    if let Some(exc_info) = exc_info
        && exc_info.is_truthy()?
    {
        let Ok(exc_info) = exc_info.cast::<PyTuple>() else { return Ok(Read::Odd) };
        if exc_info.len() != 3 {
            return Ok(Read::Odd);
        }
        exception(exc_info, set)?;
    }
    fields::tell_dropped(py, &data.attributes)?;
    Ok(Read::Done)
}

/// What stands in a record's `__dict__`.
struct Found<'py> {
    /// In the order of [`RESERVED`].
    fields: [Option<Bound<'py, PyAny>>; RESERVED.len()],
    /// What the program has added.
    extras: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
}

impl<'py> Found<'py> {
    fn of(record: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let py = record.py();
        let reserved = reserved(py);
        let mut found = Found { fields: [const { None }; RESERVED.len()], extras: Vec::new() };
        // SAFETY: `PyObject_GenericGetDict` returns null or a dict of its own; what `PyDict_Next` lends is shared at once,
        // and nothing in the loop runs Python code.
        unsafe {
            let dict =
                Bound::from_owned_ptr_or_opt(py, ffi::PyObject_GenericGetDict(record.as_ptr(), std::ptr::null_mut()));
            let Some(dict) = dict else {
                ffi::PyErr_Clear();
                return Ok(None);
            };
            let mut position = 0;
            let mut expected = 0;
            let (mut key, mut value): (Raw, Raw) = (std::ptr::null_mut(), std::ptr::null_mut());
            while ffi::PyDict_Next(dict.as_ptr(), &raw mut position, &raw mut key, &raw mut value) != 0 {
                let value = Bound::from_borrowed_ptr(py, value);
                match place(reserved, key, &mut expected) {
                    Some(place) => found.fields[place] = Some(value),
                    None => found.extras.push((Bound::from_borrowed_ptr(py, key), value)),
                }
            }
        }
        Ok(Some(found))
    }

    /// Whether reading the record runs no code of the program's.
    fn is_plain(&self, msg: &Bound<'py, PyAny>, args: Option<&Bound<'py, PyAny>>) -> bool {
        let args_are_plain = match args {
            None => true,
            Some(args) => args.cast_exact::<PyTuple>().is_ok_and(|args| args.iter_borrowed().all(|arg| is_plain(&arg))),
        };
        args_are_plain && is_plain(msg) && self.extras.iter().all(|(key, value)| is_plain(key) && is_plain(value))
    }

    /// Adds the attributes that the program has added.
    fn add_extras(&self, options: u32, limits: LogRecordLimits, data: &mut LogRecordData) -> PyResult<()> {
        let Some((first, _)) = self.extras.first() else { return Ok(()) };
        let dict = PyDict::new(first.py());
        for (key, value) in &self.extras {
            dict.set_item(key, value)?;
        }
        if options & EVENTS != 0 {
            let mut take = |name: &str| -> PyResult<()> {
                if let Some(value) = dict.get_item(name)? {
                    dict.del_item(name)?;
                    if data.event_name.is_empty() {
                        data.event_name = fields::text(&value);
                    }
                }
                Ok(())
            };
            take("otel.event.name")?;
            take("event.name")?;
        }
        add_from_py(&dict, limits.max_attributes, limits.max_attribute_length, &mut data.attributes);
        Ok(())
    }
}

/// Whether turning this object into text, or into a value, runs no code of the program's.
fn is_plain(object: &Bound<'_, PyAny>) -> bool {
    let ptr = object.as_ptr();
    // SAFETY: reads the type of a live object.
    unsafe {
        ffi::PyUnicode_CheckExact(ptr) != 0
            || ffi::PyLong_CheckExact(ptr) != 0
            || ffi::PyFloat_CheckExact(ptr) != 0
            || ffi::PyBool_Check(ptr) != 0
            || ptr == ffi::Py_None()
            || ffi::PyBytes_CheckExact(ptr) != 0
    }
}

/// The interned names, kept for the life of the process.
struct Names([Raw; RESERVED.len()]);

// SAFETY: only addresses, compared while attached.
unsafe impl Send for Names {}
// SAFETY: as above.
unsafe impl Sync for Names {}

fn reserved(py: Python<'_>) -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| Names(RESERVED.map(|name| PyString::intern(py, name).into_ptr())))
}

/// The place of a key among the reserved names; `expected` is where it should be.
///
/// # Safety
/// `key` is alive.
#[inline]
unsafe fn place(names: &Names, key: Raw, expected: &mut usize) -> Option<usize> {
    if names.0.get(*expected).is_some_and(|name| *name == key) {
        *expected += 1;
        return Some(*expected - 1);
    }
    if let Some(at) = names.0.iter().position(|name| *name == key) {
        *expected = at + 1;
        return Some(at);
    }
    // SAFETY: the caller's promise. A name that is not interned is compared by its text.
    unsafe {
        if ffi::PyUnicode_CheckExact(key) == 0 || (*key.cast::<ffi::PyASCIIObject>()).interned() != 0 {
            return None;
        }
        let mut size = 0;
        let text = ffi::PyUnicode_AsUTF8AndSize(key, &raw mut size);
        if text.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        let text = std::slice::from_raw_parts(text.cast::<u8>(), size.cast_unsigned());
        RESERVED.iter().position(|name| name.as_bytes() == text)
    }
}

/// The severity of a level of `logging` (logs data model, appendix B).
fn severity(level: i64) -> i32 {
    match level {
        ..10 => 0,
        10..=53 => (level / 10 * 4 + 1 + (level % 10).min(3)) as i32,
        54.. => 24,
    }
}

/// A level's name, as the data model spells it.
fn severity_text(name: &Bound<'_, PyAny>) -> Text {
    let text = fields::text(name);
    match &*text {
        "WARNING" => Text::const_new("WARN"),
        "CRITICAL" => Text::const_new("FATAL"),
        _ => text,
    }
}

/// What the record says, formatted once.
fn body<'py>(
    record: &Bound<'py, PyAny>,
    msg: &Bound<'py, PyAny>,
    args: Option<&Bound<'py, PyAny>>,
    options: u32,
) -> PyResult<Value> {
    let py = record.py();
    let args = match args {
        Some(args) if args.is_truthy()? => Some(args),
        _ => None,
    };
    if options & OBJECTS != 0 && args.is_none() && !msg.is_instance_of::<PyString>() {
        let is_value = is_plain(msg)
            || msg.is_instance_of::<pyo3::types::PyBytes>()
            || msg.is_instance_of::<pyo3::types::PyInt>()
            || msg.is_instance_of::<pyo3::types::PyFloat>()
            || msg.is_instance_of::<PyBool>()
            || msg.is_instance(&*SEQUENCE.get(py)?)?
            || msg.is_instance(&*MAPPING.get(py)?)?;
        return Ok(if is_value { value_from_py(msg, None) } else { Value::String(text_from_py_lossy(&msg.str()?)) });
    }
    if record.get_type().as_ptr() != LOGGING_RECORD.get(py)?.as_ptr() {
        return Ok(Value::String(text_from_py(&record.call_method0(intern!(py, "getMessage"))?)));
    }
    let text = msg.str()?;
    let Some(args) = args else { return Ok(Value::String(text_from_py_lossy(&text))) };
    // SAFETY: a str and any object; returns null with an exception, or a new str.
    let text = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_Format(text.as_ptr(), args.as_ptr()))? };
    Ok(Value::String(text_from_py(&text)))
}

/// `exception.type`, `.message` and `.stacktrace`, as far as they can be had.
fn exception<'py>(exc_info: &Bound<'py, PyTuple>, mut set: impl FnMut(&'static str, Value)) -> PyResult<()> {
    let py = exc_info.py();
    let (kind, value, traceback) = (exc_info.get_item(0)?, exc_info.get_item(1)?, exc_info.get_item(2)?);
    if !kind.is_none()
        && let Ok(name) = kind.getattr(intern!(py, "__name__"))
    {
        set("exception.type", Value::String(text_from_py(&name)));
    }
    let first = || value.getattr(intern!(py, "args")).and_then(|args| args.get_item(0));
    if !value.is_none()
        && let Ok(first) = first()
    {
        set("exception.message", first.str().map_or(Value::Empty, |text| Value::String(text_from_py_lossy(&text))));
    }
    if !traceback.is_none()
        && let Ok(lines) = FORMAT_EXCEPTION.get(py)?.call1((kind, value, traceback))
    {
        let mut text = Text::default();
        for line in lines.try_iter()? {
            text.push_str(&text_from_py(&line?));
        }
        set("exception.stacktrace", Value::String(text));
    }
    Ok(())
}
