//! How much there may be.

use ferrotel_spool::{Content, Signal, Spool};

use super::{drained, files};

fn bounded(root: &std::path::Path, destination: &str, max_bytes: u64) -> Spool {
    Spool::new(root, Signal::Logs, Content::Protobuf, destination, max_bytes)
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|_| fastrand::u8(..)).collect()
}

#[test]
fn the_oldest_make_room_and_are_counted() {
    let root = tempfile::tempdir().unwrap();
    // Ten batches of three blocks each.
    let limit = 10 * 3 * 4096;
    let spool = bounded(root.path(), "a", limit);
    let messages: Vec<_> = (0..100).map(|_| noise(10_000)).collect();
    let (mut lost, mut items) = (0, 0);
    for message in &messages {
        let made_room = spool.keep(message, 5).unwrap();
        lost += made_room.batches;
        items += made_room.items;
        assert!(spool.backlog().unwrap().bytes <= limit);
    }
    let left = drained(&spool);
    assert!(left.len() >= 8, "{}", left.len());
    assert_eq!(left, messages[100 - left.len()..]);
    assert_eq!((lost as usize, items), (100 - left.len(), lost * 5));
}

#[test]
fn all_destinations_share_the_limit() {
    let root = tempfile::tempdir().unwrap();
    let limit = 10 * 3 * 4096;
    let (old, new) = (bounded(root.path(), "a", limit), bounded(root.path(), "b", limit));
    for _ in 0..8 {
        old.keep(&noise(10_000), 1).unwrap();
    }
    for _ in 0..8 {
        new.keep(&noise(10_000), 1).unwrap();
    }
    assert_eq!(new.backlog().unwrap().batches, 8);
    let (old, new) = (old.backlog().unwrap(), new.backlog().unwrap());
    assert!(old.batches <= 2 && old.bytes + new.bytes <= limit, "{old:?} {new:?}");
}

#[test]
fn a_batch_that_is_being_sent_does_not_make_room() {
    let root = tempfile::tempdir().unwrap();
    let spool = bounded(root.path(), "a", 10 * 3 * 4096);
    let (claim, _) = spool.keep_claimed(&noise(10_000), 1).unwrap();
    for _ in 0..20 {
        spool.keep(&noise(10_000), 1).unwrap();
    }
    assert!(files(&spool).len() <= 10);
    claim.done().unwrap();
    assert_eq!(spool.backlog().unwrap().batches as usize, files(&spool).len());
}

#[test]
fn a_batch_larger_than_everything_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let spool = bounded(root.path(), "a", 8192);
    spool.keep(b"small", 1).unwrap();
    assert!(spool.keep(&noise(9000), 1).unwrap_err().to_string().contains("larger than the whole spool"));
    assert_eq!(drained(&spool), [b"small"]);
}
