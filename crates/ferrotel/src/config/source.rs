//! Where environment variables are read from.

use std::collections::BTreeMap;

/// An environment. The engine reads variables only through this trait, so that a binding can hand in its language's
/// view of them and a test its own.
pub trait EnvSource {
    /// The value of the variable `name`; `None` where it is not set. What is no Unicode in it is replaced by U+FFFD.
    fn var(&self, name: &str) -> Option<String>;
}

impl<E: EnvSource + ?Sized> EnvSource for &E {
    fn var(&self, name: &str) -> Option<String> {
        (**self).var(name)
    }
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessEnv;

impl EnvSource for ProcessEnv {
    fn var(&self, name: &str) -> Option<String> {
        // `var_os` panics on such names on some systems.
        if name.is_empty() || name.contains(['=', '\0']) {
            return None;
        }
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }
}

/// An environment that is given, for tests and for configuration that comes from elsewhere.
///
/// ```
/// use ferrotel::config::{EnvSource, MapEnv};
///
/// let env = MapEnv::from([("OTEL_SERVICE_NAME", "shop")]);
/// assert_eq!(env.var("OTEL_SERVICE_NAME").as_deref(), Some("shop"));
/// assert_eq!(env.var("OTEL_LOG_LEVEL"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapEnv(BTreeMap<String, String>);

impl EnvSource for MapEnv {
    fn var(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for MapEnv {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        MapEnv(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, V); N]> for MapEnv {
    fn from(variables: [(K, V); N]) -> Self {
        variables.into_iter().collect()
    }
}
