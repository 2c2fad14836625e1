//! Files that are not as they were written.

use std::fs;

use ferrotel_spool::Found;

use super::{drained, files, spool};

#[test]
fn a_damaged_file_is_set_aside_with_one_line_and_the_rest_is_sent() {
    let root = tempfile::tempdir().unwrap();
    let spool = spool(root.path());
    for message in ["first", "second", "third"] {
        spool.keep(message.repeat(100).as_bytes(), 512).unwrap();
    }
    let damaged = files(&spool)[1].clone();
    let mut content = fs::read(&damaged).unwrap();
    let last = content.len() - 1;
    content[last] ^= 1;
    fs::write(&damaged, content).unwrap();

    let drain = spool.drain().unwrap().unwrap();
    let (mut messages, mut lines) = (Vec::new(), Vec::new());
    for found in drain {
        match found {
            Found::Batch(claim, message) => {
                claim.done().unwrap();
                messages.push(message);
            }
            Found::Damaged { line } => lines.push(line),
        }
    }
    assert_eq!(messages, [b"first".repeat(100), b"third".repeat(100)]);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.contains(damaged.to_str().unwrap()) && line.contains("512 item(s)") && line.contains("checksum"));
    assert_eq!(files(&spool), [damaged.with_extension("damaged")]);
    let backlog = spool.backlog().unwrap();
    assert_eq!((backlog.batches, backlog.damaged), (0, 1));
    assert!(drained(&spool).is_empty(), "it is not looked at again");
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_set_aside() {
    let root = tempfile::tempdir().unwrap();
    let spool = spool(root.path());
    spool.keep(b"a message", 1).unwrap();
    let path = files(&spool).remove(0);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let mut drain = spool.drain().unwrap().unwrap();
        assert!(matches!(drain.next(), Some(Found::Damaged { .. })), "{length}");
        assert!(drain.next().is_none());
        assert!(!path.exists());
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(drained(&spool), [b"a message"]);
}

#[test]
fn what_is_no_batch_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let spool = spool(root.path());
    spool.keep(b"a message", 1).unwrap();
    let others = ["README", "1-2-3.batch", "notes.damaged"].map(|name| spool.folder().join(name));
    for other in &others {
        fs::write(other, "mine").unwrap();
    }
    fs::write(root.path().join("1-2-3-4.batch"), "mine").unwrap();
    assert_eq!(drained(&spool), [b"a message"]);
    assert!(others.iter().all(|other| fs::read(other).unwrap() == b"mine"));
}
