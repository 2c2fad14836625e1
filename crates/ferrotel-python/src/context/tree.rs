//! The interpreter's own record of its context variables, looked at and put back without its machinery.
//!
//! CPython keeps the variables of an execution context in an immutable tree. Each `ContextVar.set` and `reset` makes new
//! nodes and lets others go, which was a third of what a span costs. The block of a span can do with less: its exit puts
//! back the very tree that its entry found, as long as nobody changed a variable meanwhile; and where a tree has no other
//! variable than ours, the next block may have the same nodes ([`path`](super::path)).
//!
//! Three of CPython's structures are read and written here, which have been the same from 3.8 to 3.13. [`learn`] tries
//! out on a context of its own that they are as expected, and that what is written is what the interpreter then reads;
//! otherwise, and from 3.14 on, everything goes through `set` and `reset`.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use pyo3::ffi;

use crate::raw::Raw;

/// Where `PyThreadState.context` stands.
const THREAD_CONTEXT: usize = if cfg!(Py_3_12) {
    208
} else if cfg!(Py_3_11) {
    224
} else {
    240
};

/// Whether this build's CPython is one whose structures are known.
const IS_KNOWN: bool = cfg!(all(target_pointer_width = "64", not(Py_3_14), not(PyPy), not(GraalPy)));

/// Whether [`learn`] found everything as expected.
static IS_USABLE: AtomicBool = AtomicBool::new(false);
/// The tree without variables, of which there is one; not owned: the interpreter keeps it.
static NO_VARIABLES: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// The part of `PyThreadState` that is about contexts.
#[repr(C)]
pub struct Thread {
    context: *mut Context,
    /// Another one with each change of `context`.
    version: u64,
    id: u64,
}

/// `PyContext`.
#[repr(C)]
pub struct Context {
    object: ffi::PyObject,
    previous: Raw,
    /// The tree.
    variables: Raw,
    weakrefs: Raw,
    entered: c_int,
}

/// `PyContextVar`.
#[repr(C)]
struct Variable {
    object: ffi::PyObject,
    name: Raw,
    default: Raw,
    /// What the variable was found to be, on that thread, in that version of its context; borrowed from the tree.
    cached: Raw,
    cached_thread: u64,
    cached_version: u64,
}

/// The calling thread, in an execution context: where its variables can be read and written.
#[derive(Clone, Copy)]
pub struct Here {
    thread: *mut Thread,
    context: *mut Context,
}

impl Here {
    /// `None` where this CPython is not known, or the thread has no context yet.
    ///
    /// # Safety
    /// Attached.
    #[inline]
    pub unsafe fn now() -> Option<Here> {
        if !IS_KNOWN || !IS_USABLE.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: the caller's promise.
        unsafe { Here::look() }
    }

    /// # Safety
    /// Attached, in a known CPython.
    #[inline]
    unsafe fn look() -> Option<Here> {
        // SAFETY: the caller's promise; the structure has the field there.
        unsafe {
            let thread: *mut Thread = ffi::PyThreadState_Get().byte_add(THREAD_CONTEXT).cast();
            let context = (*thread).context;
            if context.is_null() { None } else { Some(Here { thread, context }) }
        }
    }

    /// The execution context, borrowed from the thread.
    #[inline]
    pub fn context(self) -> Raw {
        self.context.cast()
    }

    /// The tree, borrowed.
    ///
    /// # Safety
    /// Attached, and no Python code ran since [`now`](Self::now).
    #[inline]
    pub unsafe fn variables(self) -> Raw {
        // SAFETY: the caller's promise: the thread has the context still.
        unsafe { (*self.context).variables }
    }

    /// Puts another tree in force, in which `variable` is `value` (null: is not there); the reference is given away, and
    /// one to the tree before is returned.
    ///
    /// # Safety
    /// As [`variables`](Self::variables); `tree` is such a tree, and `variable` a `ContextVar`.
    #[inline]
    pub unsafe fn replace(self, tree: Raw, variable: Raw, value: Raw) -> Raw {
        // SAFETY: the caller's promise. The variable's cache says what the tree says, on this thread, in this version.
        unsafe {
            let variable = variable.cast::<Variable>();
            (*variable).cached = value;
            (*variable).cached_thread = (*self.thread).id;
            (*variable).cached_version = (*self.thread).version;
            std::mem::replace(&mut (*self.context).variables, tree)
        }
    }

    /// The value of `variable` where it is known without a search, borrowed from the tree: null where it has none.
    ///
    /// # Safety
    /// As [`variables`](Self::variables); `variable` is a `ContextVar`.
    #[inline]
    pub unsafe fn known(self, variable: Raw) -> Option<Raw> {
        // SAFETY: the caller's promise.
        unsafe {
            if has_none((*self.context).variables) {
                return Some(std::ptr::null_mut());
            }
            let variable = variable.cast::<Variable>();
            ((*variable).cached_version == (*self.thread).version
                && (*variable).cached_thread == (*self.thread).id
                && !(*variable).cached.is_null())
            .then(|| (*variable).cached)
        }
    }
}

/// Whether a tree is the one without variables.
#[inline]
pub fn has_none(tree: Raw) -> bool {
    tree == NO_VARIABLES.load(Ordering::Relaxed)
}

/// The node of a tree that holds `value`, where the tree has that value of `variable` and no other variable; borrowed.
///
/// # Safety
/// Attached; `tree` is a tree that is alive.
pub unsafe fn only(tree: Raw, variable: Raw, value: Raw) -> Option<Raw> {
    // SAFETY: the caller's promise; nodes take part in collection.
    unsafe {
        let [root] = members(tree)?;
        let held = members(root)?;
        (held == [value, variable] || held == [variable, value]).then_some(root)
    }
}

/// The objects that `object` shows the collector, where they are `N`.
///
/// # Safety
/// Attached; `object` is alive, and its type takes part in collection.
unsafe fn members<const N: usize>(object: Raw) -> Option<[Raw; N]> {
    struct Seen<const N: usize>([Raw; N], usize);
    unsafe extern "C" fn visit<const N: usize>(object: Raw, seen: *mut c_void) -> c_int {
        // SAFETY: what is passed below.
        let seen = unsafe { &mut *seen.cast::<Seen<N>>() };
        if let Some(slot) = seen.0.get_mut(seen.1) {
            *slot = object;
        }
        seen.1 += 1;
        0
    }
    let mut seen = Seen([std::ptr::null_mut(); N], 0);
    // SAFETY: the caller's promise; the function only calls `visit`.
    unsafe { (*ffi::Py_TYPE(object)).tp_traverse?(object, visit::<N>, (&raw mut seen).cast()) };
    (seen.1 == N).then_some(seen.0)
}

/// Finds out whether trees can be used with `variable`, whose values may be `value`. Leaves no exception.
///
/// # Safety
/// Attached; `variable` is a `ContextVar`.
pub unsafe fn learn(variable: Raw, value: Raw) {
    IS_USABLE.store(false, Ordering::Relaxed);
    if !IS_KNOWN {
        return;
    }
    // SAFETY: the caller's promise; a context of our own is entered and left again.
    unsafe {
        let context = ffi::PyContext_New();
        if !context.is_null() {
            if ffi::PyContext_Enter(context) == 0 {
                let usable = try_out(context, variable, value) == Some(true);
                // Leaving drops what the variable was found to be.
                let left = ffi::PyContext_Exit(context) == 0;
                IS_USABLE.store(usable && left, Ordering::Relaxed);
            }
            ffi::Py_DECREF(context);
        }
        ffi::PyErr_Clear();
    }
}

/// # Safety
/// Attached; `context` is current, and has no variables.
unsafe fn try_out(context: Raw, variable: Raw, value: Raw) -> Option<bool> {
    // SAFETY: the caller's promise; nothing is read through a field before it was found to hold what it should.
    unsafe {
        let here = Here::look()?;
        if here.context() != context {
            return None;
        }
        let (state, before) = (here.thread, here.variables());
        let is_tree = |object: Raw| !object.is_null() && ffi::Py_TYPE(object) == ffi::Py_TYPE(before);
        let other = ffi::PyContext_New();
        let shared = !other.is_null() && (*other.cast::<Context>()).variables == before;
        ffi::Py_XDECREF(other);
        if !shared {
            return None;
        }
        NO_VARIABLES.store(before, Ordering::Relaxed);

        let token = ffi::PyContextVar_Set(variable, value);
        if token.is_null() {
            return None;
        }
        let after = here.variables();
        let known = variable.cast::<Variable>();
        let mut good = is_tree(after)
            && after != before
            && (*known).cached == value
            && (*known).cached_thread == (*state).id
            && (*known).cached_version == (*state).version
            && here.known(variable) == Some(value)
            && only(after, variable, value).is_some();
        if good {
            // To and fro by hand; the interpreter has to see each.
            ffi::Py_INCREF(before);
            let after = here.replace(before, variable, std::ptr::null_mut());
            good &= get(variable) == Some(std::ptr::null_mut());
            let before = here.replace(after, variable, std::ptr::null_mut());
            good &= get(variable) == Some(value) && (*known).cached == value;
            ffi::Py_DECREF(before);
        }
        good &= ffi::PyContextVar_Reset(variable, token) == 0 && here.variables() == before;
        ffi::Py_DECREF(token);
        Some(good)
    }
}

/// What the interpreter says that `variable` is: borrowed, null for nothing.
///
/// # Safety
/// Attached; `variable` is a `ContextVar`.
unsafe fn get(variable: Raw) -> Option<Raw> {
    let mut value = std::ptr::null_mut();
    // SAFETY: the caller's promise; the tree keeps what it has.
    unsafe {
        if ffi::PyContextVar_Get(variable, std::ptr::null_mut(), &raw mut value) != 0 {
            return None;
        }
        ffi::Py_XDECREF(value);
    }
    Some(value)
}
