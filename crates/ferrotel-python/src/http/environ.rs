//! The attributes of a request, out of its WSGI environ.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString, PyTuple};
use pyo3::{ffi, intern};

use crate::raw::{self, Raw, guard};

/// What is out of the ordinary, which the Python side handles.
struct Unusual;

type Usual<T> = Result<T, Unusual>;
type Text<'py> = Bound<'py, PyString>;

/// What is raised is unusual, too: the Python side meets it again.
impl From<PyErr> for Unusual {
    fn from(error: PyErr) -> Self {
        drop(error);
        Unusual
    }
}

/// What the attributes of both generations of semantic conventions are made of. Empty texts are as good as absent.
struct Request<'py> {
    method: Text<'py>,
    target: Text<'py>,
    host: Option<Text<'py>>,
    scheme: Option<Text<'py>>,
    /// The client's, as its name is.
    address: Option<Text<'py>>,
    name: Option<Text<'py>>,
    server_port: Option<Bound<'py, PyAny>>,
    client_port: Option<Bound<'py, PyAny>>,
    version: Option<Text<'py>>,
    user_agent: Option<Text<'py>>,
    /// What the user agent tells of artificial traffic.
    synthetic: Option<Text<'py>>,
}

impl<'py> Request<'py> {
    /// `methods` is a set of those that are known, `patterns` a tuple of parts of user agents with what they tell.
    fn read(environ: &Bound<'py, PyDict>, methods: &Bound<'py, PyAny>, patterns: &Bound<'py, PyTuple>) -> Usual<Self> {
        let py = environ.py();
        let method = text(environ, intern!(py, "REQUEST_METHOD"))?.ok_or(Unusual)?;
        if !methods.contains(&method)? {
            return Err(Unusual);
        }
        let target = match text(environ, intern!(py, "RAW_URI"))? {
            Some(target) => target,
            None => text(environ, intern!(py, "REQUEST_URI"))?.ok_or(Unusual)?,
        };
        if is_empty(&target) {
            return Err(Unusual);
        }
        let user_agent = full(environ, intern!(py, "HTTP_USER_AGENT"))?;
        let synthetic = match &user_agent {
            Some(user_agent) => told_by(user_agent, patterns)?,
            None => None,
        };
        Ok(Request {
            method,
            target,
            host: full(environ, intern!(py, "HTTP_HOST"))?,
            scheme: full(environ, intern!(py, "wsgi.url_scheme"))?,
            address: full(environ, intern!(py, "REMOTE_ADDR"))?,
            name: full(environ, intern!(py, "REMOTE_HOST"))?,
            server_port: number(environ, intern!(py, "SERVER_PORT"))?,
            client_port: number(environ, intern!(py, "REMOTE_PORT"))?,
            version: version(environ)?,
            user_agent,
            synthetic,
        })
    }

    fn put_old(&self, environ: &Bound<'py, PyDict>, attributes: &Bound<'py, PyDict>) -> Usual<()> {
        let py = environ.py();
        put(attributes, intern!(py, "http.method"), Some(&self.method))?;
        // Also an empty one.
        put(attributes, intern!(py, "http.server_name"), text(environ, intern!(py, "SERVER_NAME"))?.as_ref())?;
        put(attributes, intern!(py, "http.scheme"), self.scheme.as_ref())?;
        put(attributes, intern!(py, "net.host.name"), self.host.as_ref())?;
        put(attributes, intern!(py, "http.host"), self.host.as_ref())?;
        put(attributes, intern!(py, "net.host.port"), self.server_port.as_ref())?;
        put(attributes, intern!(py, "http.target"), Some(&self.target))?;
        put(attributes, intern!(py, "net.peer.ip"), self.address.as_ref())?;
        put(attributes, intern!(py, "net.peer.port"), self.client_port.as_ref())?;
        let is_address = |name: &&Text<'py>| self.address.as_ref().is_some_and(|address| same(name, address));
        let name = self.name.as_ref().filter(|name| !is_address(name));
        put(attributes, intern!(py, "net.peer.name"), name)?;
        self.put_user_agent(intern!(py, "http.user_agent"), attributes)?;
        put(attributes, intern!(py, "http.flavor"), self.version.as_ref())
    }

    fn put_new(&self, environ: &Bound<'py, PyDict>, attributes: &Bound<'py, PyDict>) -> Usual<()> {
        let py = environ.py();
        put(attributes, intern!(py, "http.request.method"), Some(&self.method))?;
        put(attributes, intern!(py, "url.scheme"), self.scheme.as_ref())?;
        put(attributes, intern!(py, "server.address"), self.host.as_ref())?;
        put(attributes, intern!(py, "client.address"), self.name.as_ref().or(self.address.as_ref()))?;
        put(attributes, intern!(py, "network.protocol.version"), self.version.as_ref())?;
        put(attributes, intern!(py, "url.path"), full(environ, intern!(py, "PATH_INFO"))?.as_ref())?;
        put(attributes, intern!(py, "url.query"), full(environ, intern!(py, "QUERY_STRING"))?.as_ref())?;
        put(attributes, intern!(py, "server.port"), self.server_port.as_ref())?;
        put(attributes, intern!(py, "client.port"), self.client_port.as_ref())?;
        self.put_user_agent(intern!(py, "user_agent.original"), attributes)
    }

    fn put_user_agent(&self, key: &Text<'py>, attributes: &Bound<'py, PyDict>) -> Usual<()> {
        put(attributes, key, self.user_agent.as_ref())?;
        put(attributes, intern!(key.py(), "user_agent.synthetic.type"), self.synthetic.as_ref())
    }
}

#[inline]
fn put<'py, T>(attributes: &Bound<'py, PyDict>, key: &Text<'py>, value: Option<&Bound<'py, T>>) -> Usual<()> {
    let Some(value) = value else { return Ok(()) };
    // SAFETY: a dict of our own, and two live objects, of which the key is a string.
    match unsafe { ffi::PyDict_SetItem(attributes.as_ptr(), key.as_ptr(), value.as_ptr()) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(key.py()).into()),
    }
}

/// What the environ holds; `None` for nothing, and for Python's `None`.
#[inline]
fn get<'py>(environ: &Bound<'py, PyDict>, key: &Text<'py>) -> Usual<Option<Bound<'py, PyAny>>> {
    let py = environ.py();
    // SAFETY: a dict and a string; what is found is borrowed from the dict, and shared at once.
    unsafe {
        let found = ffi::PyDict_GetItemWithError(environ.as_ptr(), key.as_ptr());
        if found.is_null() && !ffi::PyErr_Occurred().is_null() {
            return Err(PyErr::fetch(py).into());
        }
        Ok(raw::given(py, found))
    }
}

/// What the environ holds where that is text.
#[inline]
fn text<'py>(environ: &Bound<'py, PyDict>, key: &Text<'py>) -> Usual<Option<Text<'py>>> {
    let Some(found) = get(environ, key)? else { return Ok(None) };
    found.cast_into_exact().map(Some).map_err(|_| Unusual)
}

/// As [`text`], without empty ones.
#[inline]
fn full<'py>(environ: &Bound<'py, PyDict>, key: &Text<'py>) -> Usual<Option<Text<'py>>> {
    Ok(text(environ, key)?.filter(|text| !is_empty(text)))
}

fn is_empty(text: &Text<'_>) -> bool {
    // SAFETY: a string.
    unsafe { ffi::PyUnicode_GET_LENGTH(text.as_ptr()) == 0 }
}

fn same(a: &Text<'_>, b: &Text<'_>) -> bool {
    // SAFETY: two strings.
    unsafe { ffi::PyUnicode_Compare(a.as_ptr(), b.as_ptr()) == 0 }
}

/// A string's characters. Those that are not ASCII are unusual.
fn ascii<'a>(text: &'a Text<'_>) -> Usual<&'a [u8]> {
    // SAFETY: a string; its characters, one a byte, live as long as it.
    unsafe {
        if ffi::PyUnicode_IS_COMPACT_ASCII(text.as_ptr()) == 0 {
            return Err(Unusual);
        }
        let length = ffi::PyUnicode_GET_LENGTH(text.as_ptr()).cast_unsigned();
        Ok(std::slice::from_raw_parts(ffi::PyUnicode_DATA(text.as_ptr()).cast(), length))
    }
}

/// A port: digits, or a number, which counts as absent when it is zero.
fn number<'py>(environ: &Bound<'py, PyDict>, key: &Text<'py>) -> Usual<Option<Bound<'py, PyAny>>> {
    let py = environ.py();
    let Some(found) = get(environ, key)? else { return Ok(None) };
    let digits = match found.cast_into_exact::<PyString>() {
        Ok(digits) => digits,
        Err(other) => {
            let number = other.into_inner();
            if !number.is_exact_instance_of::<PyInt>() {
                return Err(Unusual);
            }
            return Ok(if number.is_truthy()? { Some(number) } else { None });
        }
    };
    let digits = ascii(&digits)?;
    if digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Unusual);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    // SAFETY: attached.
    let number = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromLongLong(number)) }?;
    Ok(Some(number))
}

fn version<'py>(environ: &Bound<'py, PyDict>) -> Usual<Option<Text<'py>>> {
    const PREFIX: &[u8] = b"HTTP/";
    let py = environ.py();
    let protocol = text(environ, intern!(py, "SERVER_PROTOCOL"))?.ok_or(Unusual)?;
    let characters = ascii(&protocol)?;
    let known = characters.len() >= PREFIX.len() && characters[..PREFIX.len()].eq_ignore_ascii_case(PREFIX);
    match if known { &characters[PREFIX.len()..] } else { characters } {
        b"" => Ok(None),
        // The same object each time, which metrics find faster.
        b"1.1" => Ok(Some(intern!(py, "1.1").clone())),
        version => Ok(Some(raw::text(py, version)?)),
    }
}

/// What the first of the patterns tells that is in a user agent, in any case.
fn told_by<'py>(user_agent: &Text<'py>, patterns: &Bound<'py, PyTuple>) -> Usual<Option<Text<'py>>> {
    let user_agent = ascii(user_agent)?;
    for pair in patterns.iter_borrowed() {
        let pair = pair.cast_exact::<PyTuple>().map_err(|_| Unusual)?;
        let pattern = pair.get_item(0)?.cast_into_exact::<PyString>().map_err(|_| Unusual)?;
        let pattern = ascii(&pattern)?;
        let first = pattern.first().ok_or(Unusual)?;
        let is_here = |at: &[u8]| at[0].eq_ignore_ascii_case(first) && at.eq_ignore_ascii_case(pattern);
        if user_agent.windows(pattern.len()).any(is_here) {
            return pair.get_item(1)?.cast_into_exact().map(Some).map_err(|_| Unusual);
        }
    }
    Ok(None)
}

unsafe extern "C" fn environ_attributes(_: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    const PARAMETERS: &[&str; 5] = &["environ", "old", "new", "methods", "patterns"];
    // SAFETY: called by the interpreter; what it passed is alive as long as the call.
    unsafe {
        guard(|py| {
            let [environ, old, new, methods, patterns] =
                raw::arguments(py, "environ_attributes", PARAMETERS, 5, args, count, names)?;
            if ffi::PyAnySet_Check(methods) == 0 || ffi::PyTuple_CheckExact(patterns) == 0 {
                return Err(PyTypeError::new_err(
                    "environ_attributes() takes a set of methods, and a tuple of patterns",
                ));
            }
            if ffi::PyDict_CheckExact(environ) == 0 {
                return Ok(raw::none(py));
            }
            let environ = Bound::from_borrowed_ptr(py, environ).cast_into_unchecked();
            let methods = Bound::from_borrowed_ptr(py, methods);
            let patterns = Bound::from_borrowed_ptr(py, patterns).cast_into_unchecked();
            let (old, new) = (old == ffi::Py_True(), new == ffi::Py_True());
            Ok(collect(&environ, (old, new), &methods, &patterns).map_or_else(|_| raw::none(py), Bound::into_ptr))
        })
    }
}

fn collect<'py>(
    environ: &Bound<'py, PyDict>,
    (old, new): (bool, bool),
    methods: &Bound<'py, PyAny>,
    patterns: &Bound<'py, PyTuple>,
) -> Usual<Bound<'py, PyDict>> {
    let request = Request::read(environ, methods, patterns)?;
    let attributes = PyDict::new(environ.py());
    if old {
        request.put_old(environ, &attributes)?;
    }
    if new {
        request.put_new(environ, &attributes)?;
    }
    Ok(attributes)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    raw::add_functions(
        module,
        vec![raw::method(
            c"environ_attributes",
            environ_attributes,
            c"environ_attributes(environ, old, new, methods, patterns)\n--\n\nThe attributes of a request of WSGI in the \
              generations of semantic conventions that are wanted. None for a request that is out of the ordinary.",
        )],
    )
}
