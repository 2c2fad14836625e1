//! Disks that take nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{drained, files, spool};

#[test]
fn a_directory_that_vanishes_is_made_again() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("spool");
    let spool = spool(&root);
    spool.keep(b"gone", 1).unwrap();
    fs::remove_dir_all(&root).unwrap();
    assert!(drained(&spool).is_empty());
    spool.keep(b"here", 1).unwrap();
    assert_eq!(drained(&spool), [b"here"]);
}

#[test]
fn a_file_in_the_place_of_the_directory_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("file");
    fs::write(&root, "").unwrap();
    spool(&root).keep(b"message", 1).unwrap_err();
}

#[test]
fn a_directory_without_permission_is_an_error() {
    // Root may do everything.
    // SAFETY: always succeeds.
    if unsafe { libc::geteuid() } == 0 {
        let output = as_nobody("a_directory_without_permission_is_an_error");
        assert!(output.contains("1 passed"), "{output}");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let spool = spool(root.path());
    spool.keep(b"before", 1).unwrap();
    fs::set_permissions(spool.folder(), Permissions::from_mode(0o500)).unwrap();
    spool.keep(b"refused", 1).unwrap_err();
    fs::set_permissions(spool.folder(), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(drained(&spool), [b"before"]);
}

fn as_nobody(test: &str) -> String {
    use std::os::unix::process::CommandExt;
    // Where that user may run it.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let mut command = Command::new(&copy);
    command.args([&format!("disk::{test}"), "--exact"]).env("TMPDIR", "/tmp").uid(65534).gid(65534);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// The system refuses to let a file grow, as it does on a full disk: in a process of its own.
#[test]
fn a_full_disk_is_an_error_and_leaves_nothing_half_written() {
    const INSIDE: &str = "FERROTEL_SPOOL_TEST_FULL";
    if std::env::var_os(INSIDE).is_none() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["disk::a_full_disk_is_an_error_and_leaves_nothing_half_written", "--exact"]).env(INSIDE, "1");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let spool = spool(root.path());
    spool.keep(b"before", 1).unwrap();
    let limit = |bytes| {
        // SAFETY: plain data; the signal that comes with the limit is ignored, as Python does.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            libc::setrlimit(libc::RLIMIT_FSIZE, &libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY });
        }
    };
    limit(100);
    let noise: Vec<u8> = (0..10_000).map(|_| fastrand::u8(..)).collect();
    spool.keep(&noise, 1).unwrap_err();
    limit(libc::RLIM_INFINITY);
    assert_eq!(files(&spool).len(), 1);
    spool.keep(b"after", 1).unwrap();
    assert_eq!(drained(&spool), [b"before".to_vec(), b"after".to_vec()]);
}
