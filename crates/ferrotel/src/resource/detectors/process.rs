//! The process.

use std::path::{Path, PathBuf};

use super::ResourceDetector;
use crate::common::{Attributes, Text, Value};
use crate::resource::Resource;

/// `process.pid`, `.parent_pid`, `.executable.name`, `.executable.path` and `.command`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessDetector {
    /// Also `process.command_args` and `process.command_line`. Off by default: arguments may hold secrets.
    pub include_command_args: bool,
}

impl ResourceDetector for ProcessDetector {
    fn name(&self) -> &'static str {
        "process"
    }

    fn detect(&self) -> Resource {
        let mut attributes = Attributes::new();
        let mut set = |key: &'static str, value: Value| {
            attributes.set(Text::const_new(key), value, None);
        };
        set("process.pid", Value::from(std::process::id()));
        #[cfg(unix)]
        set("process.parent_pid", Value::from(std::os::unix::process::parent_id()));
        if let Some(path) = executable() {
            if let Some(name) = file_name(&path) {
                set("process.executable.name", Value::String(name));
            }
            set("process.executable.path", Value::from(path.to_string_lossy().into_owned()));
        }
        let mut args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
        if self.include_command_args {
            let args: Vec<String> = args.collect();
            if let Some(command) = args.first() {
                set("process.command", Value::from(command.as_str()));
            }
            set("process.command_line", Value::from(args.join(" ")));
            set("process.command_args", Value::from(args));
        } else if let Some(command) = args.next() {
            set("process.command", Value::from(command));
        }
        Resource { attributes, ..Resource::default() }
    }

    fn is_process_dependent(&self) -> bool {
        true
    }
}

/// The file name of the running executable.
pub(super) fn executable_name() -> Option<Text> {
    file_name(&executable()?)
}

fn executable() -> Option<PathBuf> {
    // The first argument serves where the system does not tell, for example without /proc.
    std::env::current_exe().ok().or_else(|| std::env::args_os().next().map(PathBuf::from))
}

fn file_name(path: &Path) -> Option<Text> {
    path.file_name().map(|name| Text::from(name.to_string_lossy()))
}
