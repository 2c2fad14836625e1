//! What every signal shares: values, attributes, scopes, limits and the clock.

pub mod attribute_set;
pub mod attributes;
pub mod clock;
pub mod diagnostics;
pub mod fork;
pub mod fork_lock;
pub mod fork_mutex;
pub mod host;
pub mod scope;
pub(crate) mod sync;
pub mod value;

pub use attributes::{Attributes, KeyValue};
pub use scope::Scope;
pub use value::{Text, Value};
