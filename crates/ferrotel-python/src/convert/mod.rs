//! Between Python objects and the engine's values.

mod attributes;
mod value;

pub use attributes::{add_from_py, attributes_from_py, attributes_to_py, set_from_py};
pub use value::{text_from_py, text_from_py_lossy, value_from_py, value_to_py};
