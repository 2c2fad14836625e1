//! The host.

use super::ResourceDetector;
use crate::common::{Attributes, Text, Value};
use crate::resource::Resource;

/// `host.name`, `host.arch` and, where the system keeps one that anybody may read, `host.id` (semantic conventions:
/// host). The architecture is named as the kernel names it, for example `x86_64`, as the reference does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostDetector;

impl ResourceDetector for HostDetector {
    fn name(&self) -> &'static str {
        "host"
    }

    fn detect(&self) -> Resource {
        let mut attributes = Attributes::new();
        #[cfg(unix)]
        if let Some(uname) = super::uname::uname() {
            attributes.set(Text::const_new("host.name"), Value::String(uname.node), None);
            attributes.set(Text::const_new("host.arch"), Value::String(uname.machine), None);
        }
        if let Some(id) = MACHINE_ID_FILES.iter().find_map(|path| machine_id(path)) {
            attributes.set(Text::const_new("host.id"), Value::String(id), None);
        }
        Resource { attributes, ..Resource::default() }
    }
}

#[cfg(target_os = "linux")]
const MACHINE_ID_FILES: &[&str] = &["/etc/machine-id", "/var/lib/dbus/machine-id"];
#[cfg(any(target_os = "freebsd", target_os = "netbsd", target_os = "openbsd", target_os = "dragonfly"))]
const MACHINE_ID_FILES: &[&str] = &["/etc/hostid"];
#[cfg(not(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
)))]
const MACHINE_ID_FILES: &[&str] = &[];

fn machine_id(path: &str) -> Option<Text> {
    let id = std::fs::read_to_string(path).ok()?;
    Some(id.trim()).filter(|id| !id.is_empty()).map(Text::from)
}
