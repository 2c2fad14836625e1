//! Reading variables with a report of what is malformed.

use super::env_vars::EnvVar;
use super::parse::Malformed;
use super::source::EnvSource;
use crate::common::diagnostics::{self, Level};
use crate::propagation::percent;

/// Reads variables from an environment; reports under one logger's name.
///
/// ```
/// use ferrotel::config::{MapEnv, Reader, env_vars, parse};
///
/// let env = MapEnv::from([("OTEL_BSP_MAX_QUEUE_SIZE", "many")]);
/// let reader = Reader::new(&env, "opentelemetry.sdk.trace.export");
/// assert_eq!(reader.parsed(&env_vars::OTEL_BSP_MAX_QUEUE_SIZE, parse::size), None); // and one line in the log
/// ```
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    env: &'a dyn EnvSource,
    target: &'static str,
}

impl<'a> Reader<'a> {
    /// Of `env`; malformed values are reported under the logger `target`.
    pub const fn new(env: &'a dyn EnvSource, target: &'static str) -> Self {
        Reader { env, target }
    }

    /// The value as it stands, even where it is empty.
    pub fn raw(&self, variable: &EnvVar) -> Option<String> {
        self.env.var(variable.name)
    }

    /// The value without white space at its ends; one that is empty then counts as not set (specification: parsing
    /// empty value).
    pub fn text(&self, variable: &EnvVar) -> Option<String> {
        let value = self.raw(variable)?;
        let stripped = percent::strip(&value);
        (!stripped.is_empty()).then(|| stripped.to_owned())
    }

    /// The value as `parse` understands it; `None` where it is not set or malformed, which is reported.
    pub fn parsed<T>(&self, variable: &EnvVar, parse: impl FnOnce(&str) -> Result<T, Malformed>) -> Option<T> {
        let value = self.text(variable)?;
        parse(&value).map_err(|malformed| self.refuse(variable, &value, malformed)).ok()
    }

    /// Like [`parsed`](Self::parsed), for a parser to which the empty value means something.
    pub fn parsed_even_empty<T>(
        &self,
        variable: &EnvVar,
        parse: impl FnOnce(&str) -> Result<T, Malformed>,
    ) -> Option<T> {
        let value = self.raw(variable)?;
        parse(&value).map_err(|malformed| self.refuse(variable, &value, malformed)).ok()
    }

    /// Hands one warning to the log, as one line whatever of a value is in it.
    pub fn warn(&self, line: &str) {
        let line = line.replace(char::is_control, "\u{fffd}");
        diagnostics::log(Level::Warning, self.target, &line);
    }

    fn refuse(&self, variable: &EnvVar, value: &str, malformed: Malformed) {
        let consequence = match variable.default {
            Some(default) => format!("Defaulting to {default}"),
            None => "Ignoring it".to_owned(),
        };
        self.warn(&format!("Invalid value for {}: {}. {malformed}. {consequence}.", variable.name, quoted(value)));
    }
}

/// A value that is meant to be short, fit for a log line however long and strange it is.
fn quoted(value: &str) -> String {
    const SHOWN: usize = 64;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}
