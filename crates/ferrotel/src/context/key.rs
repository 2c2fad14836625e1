//! Keys of context values.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A key for values of type `T` in a [`Context`](super::Context) (specification: context, create a key).
///
/// Every key is unique: the name only serves people who read a debug line, and two keys of the same name don't meet.
/// A key that is used in more than one place is kept in a `static`:
///
/// ```
/// use ferrotel::context::{Context, Key};
/// use std::sync::LazyLock;
///
/// static REQUEST_ID: LazyLock<Key<u64>> = LazyLock::new(|| Key::new("request id"));
///
/// let context = Context::new().with_value(*REQUEST_ID, 7);
/// assert_eq!(context.value(*REQUEST_ID), Some(&7));
/// ```
pub struct Key<T> {
    id: u64,
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T: Any + Send + Sync> Key<T> {
    /// A key unlike any other.
    pub fn new(name: &'static str) -> Self {
        Key { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), name, value: PhantomData }
    }

    /// The name it was made with.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<T> Eq for Key<T> {}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.name)
    }
}
