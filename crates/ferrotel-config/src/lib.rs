//! Reads OpenTelemetry's declarative configuration: YAML in, a tree of values out, with the environment filled in.
//!
//! ```
//! use ferrotel_config::{Value, parse};
//!
//! let environment = |name: &str| (name == "LIMIT").then(|| "64".to_owned());
//! let tree = parse("attribute_limits:\n  attribute_count_limit: ${LIMIT}", &environment)?;
//! let limits = tree.get("attribute_limits").unwrap();
//! assert_eq!(limits.get("attribute_count_limit"), Some(&Value::Int(64)));
//! # Ok::<(), ferrotel_config::ParseError>(())
//! ```
//!
//! What the tree may hold (the configuration's schema) and what becomes of it is decided by who reads it. Specification:
//! "Configuration data model", sections "YAML file format" and "Environment variable substitution".

mod parse;
mod scalar;
mod substitution;
mod value;

pub use parse::{ParseError, parse};
pub use substitution::{InvalidReference, substitute};
pub use value::Value;
