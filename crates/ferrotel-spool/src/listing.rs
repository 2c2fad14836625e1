//! What lies in the directories.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use crate::name::Name;

/// Behind the name of a file that is being written.
pub(crate) const UNFINISHED: &str = ".tmp";
/// A file that is not finished after so long is of a process that was killed.
const ABANDONED: Duration = Duration::from_secs(60);

/// The batches in one directory, in no order; none where there is no directory: a batch that is to be kept there tells.
pub(crate) fn batches(folder: &Path) -> io::Result<Vec<Name>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let text = entry.file_name();
        let Some(text) = text.to_str() else { continue };
        if let Some(name) = Name::parse(text) {
            names.push(name);
        } else if text.ends_with(UNFINISHED) && is_abandoned(&entry) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(names)
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
    age().is_some_and(|age| age > ABANDONED)
}

/// The directories of all destinations.
pub(crate) fn folders(root: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// Makes a directory that only this user may look into, and those above it.
pub(crate) fn create(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
