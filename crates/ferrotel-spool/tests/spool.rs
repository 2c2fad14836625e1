//! A spool in a directory, by itself.

#[path = "spool/bounds.rs"]
mod bounds;
#[path = "spool/damage.rs"]
mod damage;
#[path = "spool/disk.rs"]
mod disk;
#[path = "spool/processes.rs"]
mod processes;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ferrotel_spool::{Content, Found, Signal, Spool};

fn spool(root: &Path) -> Spool {
    to(root, "http://collector:4318/v1/traces")
}

fn to(root: &Path, destination: &str) -> Spool {
    Spool::new(root, Signal::Traces, Content::Protobuf, destination, 64 << 20)
}

/// Everything that waits, in its order; it is removed.
fn drained(spool: &Spool) -> Vec<Vec<u8>> {
    let drain = spool.drain().unwrap().expect("nobody else drains");
    let mut messages = Vec::new();
    for found in drain {
        match found {
            Found::Batch(claim, message) => {
                claim.done().unwrap();
                messages.push(message);
            }
            Found::Damaged { line } => panic!("{line}"),
        }
    }
    messages
}

/// The files of a destination, without its lock.
fn files(spool: &Spool) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(spool.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap() != ".lock");
    files.sort();
    files
}

#[test]
fn what_is_kept_comes_back_once_and_in_order() {
    let root = tempfile::tempdir().unwrap();
    let writer = spool(root.path());
    let messages: Vec<Vec<u8>> = (0..50_u32).map(|number| number.to_le_bytes().repeat(number as usize)).collect();
    for message in &messages {
        assert_eq!(writer.keep(message, 7).unwrap().batches, 0);
    }
    let backlog = writer.backlog().unwrap();
    assert_eq!((backlog.batches, backlog.items, backlog.bytes), (50, 350, 50 * 4096));
    // Another process would see it like this.
    let reader = spool(root.path());
    assert_eq!(drained(&reader), messages);
    assert!(drained(&writer).is_empty());
    assert!(files(&writer).is_empty());
}

#[test]
fn destinations_do_not_mix() {
    let root = tempfile::tempdir().unwrap();
    let one = spool(root.path());
    one.keep(b"one", 1).unwrap();
    let others = [
        to(root.path(), "http://elsewhere:4318/v1/traces"),
        Spool::new(root.path(), Signal::Logs, Content::Protobuf, "http://collector:4318/v1/traces", 1 << 20),
        Spool::new(root.path(), Signal::Traces, Content::Json, "http://collector:4318/v1/traces", 1 << 20),
    ];
    assert!(others.iter().all(|other| drained(other).is_empty()));
    assert_eq!(drained(&one), [b"one"]);
}

#[test]
fn a_batch_that_is_being_sent_is_nobody_elses() {
    let root = tempfile::tempdir().unwrap();
    let (one, other) = (spool(root.path()), spool(root.path()));
    let (under_way, _) = one.keep_claimed(b"under way", 1).unwrap();
    other.keep(b"waits", 1).unwrap();
    assert_eq!(drained(&other), [b"waits"]);
    drop(under_way);
    let mut drain = one.drain().unwrap().unwrap();
    assert!(other.drain().unwrap().is_none(), "one process sends a destination's at a time");
    let Some(Found::Batch(claim, message)) = drain.next() else { panic!("it is free") };
    assert_eq!(message, b"under way");
    // It could not be sent.
    drop((claim, drain));
    assert_eq!(drained(&other), [b"under way"]);
}

#[test]
fn only_the_user_may_look_and_no_secret_is_written() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("made/here");
    let spool = to(&root, "https://collector/v1/traces?token=hush authorization=Bearer hush");
    assert!(drained(&spool).is_empty());
    assert!(!root.exists(), "without a batch, nothing is made");
    spool.keep(b"message", 1).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o700);
    assert_eq!(mode(spool.folder()), 0o700);
    for file in files(&spool) {
        assert_eq!(mode(&file), 0o600);
        assert!(!file.to_str().unwrap().contains("hush"));
        assert!(!fs::read(&file).unwrap().windows(4).any(|part| part == b"hush"));
    }
}
