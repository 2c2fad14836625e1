//! What the Rust contenders of `make bench` share: the protocol of `benches/worker.py`, and its way to measure.

use std::io::{BufRead, Write};
use std::time::Instant;

/// Spans in one burst: fewer than the default queue holds, as in `benches/worker.py`.
const BURST: u64 = 1500;

/// Nanoseconds of a burst that may be shorter.
const LONG: u64 = 20_000_000;

/// One operation, done so many times.
pub type Run<'a> = Box<dyn FnMut(u64) + 'a>;

/// What a burst or a turn took.
#[derive(Clone, Copy, Default)]
struct Cost {
    count: u64,
    /// Nanoseconds on the clock.
    wall: u64,
    /// Nanoseconds of the calling thread's CPU time.
    cpu: u64,
}

/// Answers commands until stdin ends; `flush` is called between bursts and not timed.
pub fn serve(mut operations: Vec<(&'static str, Run<'_>)>, flush: impl Fn()) {
    say("ready");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[command, name, amount] = words.as_slice() else { return say("error three words make a command") };
        let Ok(amount) = amount.parse::<u64>() else { return say("error the amount is no number") };
        let Some((_, run)) = operations.iter_mut().find(|(known, _)| *known == name) else {
            say("absent");
            continue;
        };
        let cost = match command {
            "turn" => turn(run, &flush, amount * 1_000_000),
            _ => exactly(run, &flush, amount),
        };
        say(&format!("done {} {} {}", cost.count, cost.wall, cost.cpu));
    }
}

fn turn(run: &mut Run<'_>, flush: &impl Fn(), wanted: u64) -> Cost {
    let mut total = Cost::default();
    let mut size = 1;
    while total.wall < wanted {
        let cost = burst(run, size);
        flush();
        if cost.wall < LONG && size < BURST {
            // These warm up.
            size = (size * 4).min(BURST);
            continue;
        }
        total = sum(total, cost);
    }
    total
}

fn exactly(run: &mut Run<'_>, flush: &impl Fn(), wanted: u64) -> Cost {
    let mut total = Cost::default();
    while total.count < wanted {
        let cost = burst(run, BURST.min(wanted - total.count));
        flush();
        total = sum(total, cost);
    }
    total
}

fn burst(run: &mut Run<'_>, count: u64) -> Cost {
    let (cpu, wall) = (thread_nanos(), Instant::now());
    run(count);
    let wall = wall.elapsed().as_nanos() as u64;
    Cost { count, wall, cpu: thread_nanos() - cpu }
}

fn sum(a: Cost, b: Cost) -> Cost {
    Cost { count: a.count + b.count, wall: a.wall + b.wall, cpu: a.cpu + b.cpu }
}

fn thread_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on Linux, and `time` is ours to be written.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn say(line: &str) {
    println!("{line}");
    // A parent that no longer listens ends this program by closing stdin.
    let _ = std::io::stdout().flush();
}
