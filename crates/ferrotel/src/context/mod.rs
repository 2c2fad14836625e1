//! The execution-scoped context of a Rust program (specification: context).
//!
//! A [`Context`] is immutable: setting a value makes another one. Each thread has a current context, which
//! [`Context::attach`] replaces until the returned [`ContextGuard`] is dropped.
//!
//! ```
//! use ferrotel::context::{Context, Key};
//!
//! let tenant: Key<String> = Key::new("tenant");
//! let context = Context::current().with_value(tenant, "acme".to_owned());
//! {
//!     let _attached = context.attach();
//!     assert_eq!(Context::current().value(tenant).map(String::as_str), Some("acme"));
//! }
//! assert_eq!(Context::current().value(tenant), None);
//! ```

mod current;
mod key;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

pub use current::ContextGuard;
pub use key::Key;

/// A value of any type, shared by all the contexts that hold it.
type Shared = Arc<dyn Any + Send + Sync>;

/// Values that belong to one logical unit of execution. Cloning costs no more than a reference count.
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Entries>>);

#[derive(Clone, Default)]
struct Entries {
    span: Option<Shared>,
    /// A handful at most: a scan beats a map.
    values: Vec<(u64, &'static str, Shared)>,
}

impl Context {
    /// The context without any value; allocates nothing.
    pub const fn new() -> Self {
        Context(None)
    }

    /// The current context of this thread.
    pub fn current() -> Self {
        current::get()
    }

    /// Makes this the current context of this thread until the guard is dropped. Guards are to be dropped in the
    /// reverse order of their making; another order is reported once and otherwise harmless.
    #[must_use = "the context is detached when the guard is dropped"]
    pub fn attach(self) -> ContextGuard {
        current::attach(self)
    }

    /// This context with `key` set to `value`.
    #[must_use = "a context is immutable: the value is only in the returned one"]
    pub fn with_value<T: Any + Send + Sync>(&self, key: Key<T>, value: T) -> Self {
        let value: Shared = Arc::new(value);
        self.change(|entries| match entries.values.iter_mut().find(|(id, ..)| *id == key.id()) {
            Some((.., slot)) => *slot = value,
            None => entries.values.push((key.id(), key.name(), value)),
        })
    }

    /// This context without a value for `key`.
    #[must_use = "a context is immutable: the value is only missing from the returned one"]
    pub fn without_value<T: Any + Send + Sync>(&self, key: Key<T>) -> Self {
        if self.value(key).is_none() {
            return self.clone();
        }
        self.change(|entries| entries.values.retain(|(id, ..)| *id != key.id()))
    }

    /// The value of `key`.
    pub fn value<T: Any + Send + Sync>(&self, key: Key<T>) -> Option<&T> {
        let (.., value) = self.0.as_deref()?.values.iter().find(|(id, ..)| *id == key.id())?;
        value.downcast_ref()
    }

    /// This context with `span` as its current span: a span context, or a handle of a span that records.
    ///
    /// The slot has a place of its own because it is read at every span's start. What lies above this module decides
    /// on the type of what it holds.
    #[must_use = "a context is immutable: the span is only in the returned one"]
    pub fn with_span_slot<T: Any + Send + Sync>(&self, span: Arc<T>) -> Self {
        self.change(|entries| entries.span = Some(span))
    }

    /// What [`with_span_slot`](Self::with_span_slot) put there, where it is of type `T`.
    pub fn span_slot<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.as_deref()?.span.as_deref()?.downcast_ref()
    }

    /// Like [`span_slot`](Self::span_slot), with a share in its ownership.
    pub fn span_slot_shared<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::downcast(Arc::clone(self.0.as_deref()?.span.as_ref()?)).ok()
    }

    fn change(&self, change: impl FnOnce(&mut Entries)) -> Self {
        let mut entries = self.0.as_deref().cloned().unwrap_or_default();
        change(&mut entries);
        Context(Some(Arc::new(entries)))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.0.as_deref();
        let names: Vec<&str> = entries.into_iter().flat_map(|e| &e.values).map(|(_, name, _)| *name).collect();
        f.debug_struct("Context")
            .field("span", &entries.is_some_and(|entries| entries.span.is_some()))
            .field("values", &names)
            .finish()
    }
}
