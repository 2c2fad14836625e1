//! Several processes, and processes that are killed.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ferrotel_spool::Found;

use super::{drained, files, spool};

const ROLE: &str = "FERROTEL_SPOOL_TEST_ROLE";
const ROOT: &str = "FERROTEL_SPOOL_TEST_ROOT";

/// This test again, in another process, which does what its role says.
fn process(role: &str, root: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["processes::another_process", "--exact", "--nocapture"]).env(ROLE, role).env(ROOT, root);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn another_process() {
    let (Ok(role), Some(root)) = (std::env::var(ROLE), std::env::var_os(ROOT)) else { return };
    let root = PathBuf::from(root);
    match role.as_str() {
        "writes" => writes(&root),
        "sends" => sends(&root),
        role => panic!("{role}"),
    }
}

/// Says how many batches it has written whole, after each of them.
fn writes(root: &Path) {
    let spool = spool(root);
    let mut told = std::io::stdout();
    writeln!(told, "\nbegins").unwrap();
    for number in 0_u64.. {
        spool.keep(&message(number), 1).unwrap();
        writeln!(told, "kept {number}").unwrap();
    }
}

fn message(number: u64) -> Vec<u8> {
    let mut message = number.to_le_bytes().to_vec();
    message.extend((0..20_000).map(|_| fastrand::u8(..)));
    message
}

fn number(message: &[u8]) -> u64 {
    u64::from_le_bytes(message[..8].try_into().unwrap())
}

/// Takes what waits until there is nothing, and writes the numbers down.
fn sends(root: &Path) {
    let spool = spool(root);
    let mut accepted = OpenOptions::new().append(true).create(true).open(root.join("accepted")).unwrap();
    loop {
        let Some(mut drain) = spool.drain().unwrap() else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        if drain.began_with() == 0 {
            return;
        }
        // A few at a time, so that everybody gets a turn.
        for _ in 0..5 {
            match drain.next() {
                Some(Found::Batch(claim, message)) => {
                    writeln!(accepted, "{}", number(&message)).unwrap();
                    claim.done().unwrap();
                }
                Some(Found::Damaged { line }) => panic!("{line}"),
                None => break,
            }
        }
    }
}

#[test]
fn kill_9_loses_at_most_the_batch_being_written() {
    let root = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let mut child = process("writes", root.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line == "begins"));
        std::thread::sleep(Duration::from_micros(1000 + fastrand::u64(0..20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        // Everything that was said to be kept is there, whole; one more may be, which it was killed too early to tell.
        let told = lines.filter(|line| line.starts_with("kept ")).count() as u64;
        let found: Vec<u64> = drained(&spool(root.path())).iter().map(|message| number(message)).collect();
        assert!(found.len() as u64 == told || found.len() as u64 == told + 1, "round {round}: {told} {found:?}");
        assert!(found.iter().copied().eq(0..found.len() as u64), "round {round}: {found:?}");
    }
    // What was being written is left under another name: at most one a kill.
    assert!(files(&spool(root.path())).len() <= 20);
}

#[test]
fn several_processes_send_each_batch_once() {
    let root = tempfile::tempdir().unwrap();
    let writer = spool(root.path());
    for number in 0..300 {
        writer.keep(&message(number), 1).unwrap();
    }
    let mut children: Vec<Child> = (0..4).map(|_| process("sends", root.path())).collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(accepted(root.path()), (0..300).map(|number| (number, 1)).collect());
}

#[test]
fn a_killed_sender_repeats_at_most_the_batch_it_was_sending() {
    let root = tempfile::tempdir().unwrap();
    let writer = spool(root.path());
    for number in 0..200 {
        writer.keep(&message(number), 1).unwrap();
    }
    let kills = 8;
    for _ in 0..kills {
        let mut child = process("sends", root.path());
        std::thread::sleep(Duration::from_micros(2000 + fastrand::u64(0..30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(process("sends", root.path()).wait().unwrap().success());
    let accepted = accepted(root.path());
    assert!((0..200).all(|number| accepted.contains_key(&number)), "nothing is lost");
    let repeated: usize = accepted.values().map(|times| times - 1).sum();
    assert!(repeated <= kills, "{repeated}");
}

fn accepted(root: &Path) -> HashMap<u64, usize> {
    let mut times = HashMap::new();
    for line in std::fs::read_to_string(root.join("accepted")).unwrap().lines() {
        *times.entry(line.parse().unwrap()).or_default() += 1;
    }
    times
}

/// A child that is forked while a batch is claimed, and lives on, does not keep it from others.
#[test]
fn a_forked_child_holds_nothing_of_its_parents() {
    let root = tempfile::tempdir().unwrap();
    let one = spool(root.path());
    let (claim, _) = one.keep_claimed(b"message", 1).unwrap();
    // SAFETY: the child only sleeps and ends, without running the test harness's exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        std::thread::sleep(Duration::from_secs(20));
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(0) };
    }
    // As if the parent had been killed: closed by the system, without a word.
    // SAFETY: finds and closes the descriptor that the claim holds, which is forgotten.
    unsafe {
        let mine = std::fs::metadata(&files(&one)[0]).unwrap();
        std::mem::forget(claim);
        for descriptor in 3..256 {
            let mut status = std::mem::zeroed::<libc::stat>();
            if libc::fstat(descriptor, &raw mut status) == 0
                && status.st_ino == std::os::unix::fs::MetadataExt::ino(&mine)
                && status.st_dev == std::os::unix::fs::MetadataExt::dev(&mine)
            {
                libc::close(descriptor);
            }
        }
    }
    // The child's handler has run before fork returned in it, which may be a moment later than here.
    let mut left = 200;
    let messages = loop {
        let messages = drained(&spool(root.path()));
        left -= 1;
        if !messages.is_empty() || left == 0 {
            break messages;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    // SAFETY: `child` is this process's child.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
    assert_eq!(messages, [b"message"]);
}
