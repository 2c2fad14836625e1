//! How the block of a span makes it current, and the one before again.
//!
//! A *path* is a tree with no other variable than ours, whose value is a context with nothing in it but a span. It is
//! made by the interpreter when a block is entered, and kept when the block is left, without the span; the next block that
//! begins where that one did gets it as it is. What is shared is never changed: a path serves again only where the
//! references to tree, node and context are exactly its own, so that nobody else (a task that was started in the block, or
//! who kept the context) can see the other span. Trees that hold anybody else's values are not kept.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::Ordering;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::object::{is_context, lazy};
use super::runtime::{self, EMPTY, VARIABLE};
use super::tree::{self, Here};
use super::{variable, with_span};
use crate::raw::{self, Raw};

/// So many paths there are at most, used and unused.
const MOST: usize = 256;

/// A tree that only our variable is in.
pub struct Path {
    /// Owned.
    tree: Raw,
    /// The tree's only node; borrowed from it.
    node: Raw,
    /// The variable's value; owned, since the collector may empty a tree that is part of a cycle before it frees us.
    context: Raw,
    /// An unused path that begins in this one; owned, or null.
    next: *mut Path,
}

impl Path {
    /// Whether nobody else has a part of it; `users` have its tree in force.
    ///
    /// # Safety
    /// Attached; not part of garbage.
    #[inline]
    unsafe fn is_ours(&self, users: ffi::Py_ssize_t) -> bool {
        // SAFETY: the caller's promise: all three are alive. One reference to each belongs to what holds it, and we have
        // our own; a context whose entries somebody looked at has no base any more.
        unsafe {
            ffi::Py_REFCNT(self.tree) == 1 + users
                && ffi::Py_REFCNT(self.node) == 1
                && ffi::Py_REFCNT(self.context) == 2
                && !lazy(self.context).base.is_null()
        }
    }
}

/// The paths that are not in use.
struct Unused {
    /// Those that begin where no variable is set.
    first: [*mut Path; MOST],
    count: usize,
    /// All paths, used ones too.
    all: usize,
}

struct Shared(UnsafeCell<Unused>);

// SAFETY: only touched while attached, by functions that run no Python code meanwhile.
unsafe impl Sync for Shared {}

static UNUSED: Shared = Shared(UnsafeCell::new(Unused { first: [null_mut(); MOST], count: 0, all: 0 }));

/// How a block was entered; all null before and after.
#[repr(C)]
pub struct Entered {
    /// The variable's token; owned. Null where a path was there already.
    token: Raw,
    /// The execution context in which that was; owned. Null: nothing more is known.
    inside: Raw,
    /// The variable.
    variable: Raw,
    /// The tree before; owned.
    before: Raw,
    /// The variable's value in it; null where it has none.
    value: Raw,
    /// The tree that is in force in the block; owned.
    tree: Raw,
    /// The tree's path, or null; owned.
    path: *mut Path,
}

impl Entered {
    /// Whether a block was entered that was not left yet.
    #[inline]
    pub fn is_active(&self) -> bool {
        !self.token.is_null() || !self.inside.is_null()
    }

    /// Makes `span` current. The block is to be left with [`leave`](Self::leave).
    ///
    /// # Errors
    /// Out of memory, or what a foreign runtime context raises.
    #[inline]
    pub fn enter(&mut self, py: Python<'_>, span: &Bound<'_, PyAny>) -> PyResult<()> {
        let variable = VARIABLE.load(Ordering::Relaxed);
        // SAFETY: attached; no Python code runs between the look at the tree and its replacement.
        unsafe {
            if !variable.is_null()
                && let Some(here) = Here::now()
                && let Some(value) = here.known(variable)
            {
                let path = take(here.variables(), value);
                if !path.is_null() {
                    let Path { tree, context, .. } = *path;
                    lazy(context).span = raw::share(span.as_ptr());
                    let before = here.replace(raw::share(tree), variable, context);
                    let (inside, tree) = (raw::share(here.context()), raw::share(tree));
                    *self = Entered { token: null_mut(), inside, variable, before, value, tree, path };
                    return Ok(());
                }
            }
        }
        self.enter_anew(py, span)
    }

    fn enter_anew(&mut self, py: Python<'_>, span: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = with_span(py, None, span)?.into_bound(py);
        let variable = VARIABLE.load(Ordering::Relaxed);
        // SAFETY: attached. The references are shared before anything is set.
        unsafe {
            let here = if variable.is_null() { None } else { Here::now() };
            let Some(here) = here else {
                self.token = runtime::enter(py, &inner)?.into_ptr();
                return Ok(());
            };
            let value = here.known(variable).unwrap_or(null_mut());
            let before = raw::share(here.variables());
            let inside = raw::share(here.context());
            // Before 3.12 allocating may run the collector, and that somebody's finalizers: a variable that one of those
            // sets in the middle of this is as it was before when the block is left.
            match runtime::enter(py, &inner) {
                Ok(token) => self.token = token.into_ptr(),
                Err(error) => {
                    ffi::Py_DECREF(before);
                    ffi::Py_DECREF(inside);
                    return Err(error);
                }
            }
            let tree = raw::share(here.variables());
            *self = Entered { token: self.token, inside, variable, before, value, tree, path: null_mut() };
            self.path = make(self, inner.as_ptr());
        }
        Ok(())
    }

    /// Makes current again what was so before.
    ///
    /// # Errors
    /// Only KeyboardInterrupt and SystemExit out of a foreign runtime context.
    #[inline]
    pub fn leave(&mut self, py: Python<'_>) -> PyResult<()> {
        let was = std::mem::replace(self, Entered::NOT);
        // SAFETY: attached; what was owned is given back once, after everything is in order: that may run Python code.
        unsafe {
            if was.inside.is_null() {
                return runtime::leave(py, &Bound::from_owned_ptr(py, was.token));
            }
            if let Some(here) = Here::now()
                && VARIABLE.load(Ordering::Relaxed) == was.variable
                && here.context() == was.inside
                && here.variables() == was.tree
            {
                let tree = here.replace(was.before, was.variable, was.value);
                let span =
                    if was.path.is_null() { null_mut() } else { give_back(was.path, here.variables(), was.value) };
                ffi::Py_DECREF(was.inside);
                ffi::Py_DECREF(was.tree);
                ffi::Py_DECREF(tree);
                ffi::Py_XDECREF(was.token);
                ffi::Py_XDECREF(span);
                return Ok(());
            }
            was.leave_elsewhere(py)
        }
    }

    /// Another execution context, or somebody changed a variable.
    #[cold]
    unsafe fn leave_elsewhere(self, py: Python<'_>) -> PyResult<()> {
        // SAFETY: attached; `self` owns what it says.
        unsafe {
            let left = match self.token() {
                Some(token) => runtime::leave(py, &Bound::from_owned_ptr(py, token)),
                None => runtime::detach_failed(
                    py,
                    PyValueError::new_err("the span's block was entered in a different execution context"),
                ),
            };
            Entered { token: null_mut(), ..self }.forget();
            left
        }
    }

    /// The token, or one like the block would have got; owned. `None` where this is another execution context.
    unsafe fn token(&self) -> Option<Raw> {
        if !self.token.is_null() {
            return Some(self.token);
        }
        // SAFETY: attached; the tree of now is put back at once.
        unsafe {
            let here = Here::now()?;
            if here.context() != self.inside || VARIABLE.load(Ordering::Relaxed) != self.variable {
                return None;
            }
            // A token remembers what `set` found; the value itself is of no importance.
            let now = here.replace(raw::share(self.before), self.variable, null_mut());
            let token = variable::set(self.variable, EMPTY.load(Ordering::Relaxed));
            ffi::Py_DECREF(here.replace(now, self.variable, null_mut()));
            if token.is_null() {
                ffi::PyErr_Clear();
                return None;
            }
            Some(token)
        }
    }

    /// Gives back what is owned, and changes nothing else.
    unsafe fn forget(self) {
        // SAFETY: attached; `self` owns what it says.
        unsafe {
            free(self.path);
            for owned in [self.tree, self.before, self.inside, self.token] {
                ffi::Py_XDECREF(owned);
            }
        }
    }

    const NOT: Entered = Entered {
        token: null_mut(),
        inside: null_mut(),
        variable: null_mut(),
        before: null_mut(),
        value: null_mut(),
        tree: null_mut(),
        path: null_mut(),
    };

    /// Gives back what a block that was never left holds: when its scope dies.
    ///
    /// # Safety
    /// Attached. May run Python code.
    #[inline]
    pub unsafe fn clear(&mut self) {
        if self.is_active() {
            // SAFETY: the caller's promise.
            unsafe { std::mem::replace(self, Entered::NOT).forget() };
        }
    }

    /// Shows the collector what is owned.
    ///
    /// # Safety
    /// Called by a `tp_traverse`, with what it was given.
    pub unsafe fn traverse(&self, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
        let path = if self.path.is_null() {
            [null_mut(); 2]
        } else {
            // SAFETY: owned, and alive.
            unsafe { [(*self.path).tree, (*self.path).context] }
        };
        for owned in [self.token, self.inside, self.before, self.tree].into_iter().chain(path) {
            if !owned.is_null() {
                // SAFETY: the caller's promise.
                let result = unsafe { visit(owned, arg) };
                if result != 0 {
                    return result;
                }
            }
        }
        0
    }
}

/// The path that goes through a context which is the variable's value in the tree; null where there is none.
///
/// # Safety
/// Attached; `value` is null or in the tree.
#[inline]
unsafe fn path_through(tree: Raw, value: Raw) -> *mut Path {
    // SAFETY: the caller's promise; a context's path lives until it is taken out of there.
    unsafe {
        if value.is_null() || !is_context(value) {
            return null_mut();
        }
        let path = lazy(value).path;
        if path.is_null() || (*path).tree != tree { null_mut() } else { path }
    }
}

/// An unused path that begins in `tree`, in which the variable is `value`; null where there is none.
///
/// # Safety
/// Attached; `value` is null or in the tree.
#[inline]
unsafe fn take(tree: Raw, value: Raw) -> *mut Path {
    // SAFETY: the caller's promise.
    unsafe {
        let path = if tree::has_none(tree) {
            let unused = &mut *UNUSED.0.get();
            if unused.count == 0 {
                return null_mut();
            }
            unused.count -= 1;
            unused.first[unused.count]
        } else {
            let outer = path_through(tree, value);
            if outer.is_null() {
                return outer;
            }
            std::mem::replace(&mut (*outer).next, null_mut())
        };
        // The collector shows all objects to whoever asks it: somebody may have one of these.
        if !path.is_null() && !(*path).is_ours(0) {
            free(path);
            return null_mut();
        }
        path
    }
}

/// A path of the tree that a block was entered with; null where it must not, or need not, be kept.
///
/// # Safety
/// Attached; `context` is the variable's new value.
unsafe fn make(entered: &Entered, context: Raw) -> *mut Path {
    // SAFETY: the caller's promise.
    unsafe {
        let unused = &mut *UNUSED.0.get();
        if unused.all == MOST
            || !is_context(context)
            || lazy(context).base != EMPTY.load(Ordering::Relaxed)
            || !lazy(context).key.is_null()
            || (!tree::has_none(entered.before) && path_through(entered.before, entered.value).is_null())
        {
            return null_mut();
        }
        let Some(node) = tree::only(entered.tree, entered.variable, context) else { return null_mut() };
        unused.all += 1;
        let path = Path { tree: raw::share(entered.tree), node, context: raw::share(context), next: null_mut() };
        let path = Box::into_raw(Box::new(path));
        lazy(context).path = path;
        path
    }
}

/// Keeps a path for the next block, where nobody else can see it; lets it go otherwise. `tree` and `value` are where it
/// begins. Returns the reference to the span, for the caller to let go of, or null.
///
/// # Safety
/// Attached; the caller has two references to the path's tree, which is not in force any more; `value` is null or in the
/// tree. May run Python code.
#[inline]
unsafe fn give_back(path: *mut Path, tree: Raw, value: Raw) -> Raw {
    // SAFETY: the caller's promise.
    unsafe {
        if (*path).is_ours(2) {
            let place = if tree::has_none(tree) {
                let unused = &mut *UNUSED.0.get();
                unused.count += 1;
                &raw mut unused.first[unused.count - 1]
            } else {
                let outer = path_through(tree, value);
                if outer.is_null() || !(*outer).next.is_null() {
                    free(path);
                    return null_mut();
                }
                &raw mut (*outer).next
            };
            *place = path;
            return std::mem::replace(&mut lazy((*path).context).span, null_mut());
        }
        free(path);
        null_mut()
    }
}

/// Lets go of a path, and of those that begin in it. May run Python code.
///
/// # Safety
/// Attached; null, or owned by the caller.
#[cold]
unsafe fn free(mut path: *mut Path) {
    while !path.is_null() {
        // SAFETY: the caller's promise.
        unsafe {
            let Path { tree, context, next, .. } = *Box::from_raw(path);
            lazy(context).path = null_mut();
            (*UNUSED.0.get()).all -= 1;
            ffi::Py_DECREF(tree);
            ffi::Py_DECREF(context);
            path = next;
        }
    }
}

/// Lets go of the paths that are not in use: their trees have a variable that is to be ours no more.
///
/// # Safety
/// Attached. May run Python code.
pub unsafe fn forget() {
    // SAFETY: the caller's promise; what is freed is taken out before.
    unsafe {
        while (*UNUSED.0.get()).count > 0 {
            let unused = &mut *UNUSED.0.get();
            unused.count -= 1;
            let path = unused.first[unused.count];
            free(path);
        }
    }
}
