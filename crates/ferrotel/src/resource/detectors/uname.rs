//! What the kernel says about itself.

use std::ffi::{CStr, c_char};

use crate::common::Text;

/// The parts of `uname(2)` that detectors report.
pub(super) struct Uname {
    /// The host's name.
    pub node: Text,
    /// The operating system's name, in lower case.
    pub system: Text,
    /// The kernel's release.
    pub release: Text,
    /// The kernel's version, a free text.
    pub version: Text,
    /// The hardware's name.
    pub machine: Text,
}

pub(super) fn uname() -> Option<Uname> {
    // SAFETY: the structure consists of character arrays only, for which zeros are valid.
    let mut name: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: `name` is a writable structure of the right type.
    if unsafe { libc::uname(&raw mut name) } < 0 {
        return None;
    }
    Some(Uname {
        node: text(&name.nodename),
        system: Text::from(text(&name.sysname).to_lowercase()),
        release: text(&name.release),
        version: text(&name.version),
        machine: text(&name.machine),
    })
}

fn text(field: &[c_char]) -> Text {
    let bytes: Vec<u8> = field.iter().map(|&byte| byte as u8).collect();
    CStr::from_bytes_until_nul(&bytes).map(|text| Text::from(text.to_string_lossy())).unwrap_or_default()
}
