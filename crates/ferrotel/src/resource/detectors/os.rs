//! The operating system.

use super::ResourceDetector;
use crate::common::Text;
use crate::resource::Resource;

/// `os.type` and `os.version` (semantic conventions: operating system).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OsDetector;

impl ResourceDetector for OsDetector {
    fn name(&self) -> &'static str {
        "os"
    }

    #[cfg(unix)]
    fn detect(&self) -> Resource {
        let Some(uname) = super::uname::uname() else { return Resource::default() };
        let (system, version) = match uname.system.as_str() {
            "sunos" => (Text::const_new("solaris"), uname.version),
            _ => (uname.system, uname.release),
        };
        Resource::new([("os.type", system), ("os.version", version)])
    }

    #[cfg(not(unix))]
    fn detect(&self) -> Resource {
        Resource::new([("os.type", Text::const_new(std::env::consts::OS))])
    }
}
