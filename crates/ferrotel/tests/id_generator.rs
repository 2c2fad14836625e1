//! Random ids: valid, evenly spread, never the same twice across threads and forks.

use std::collections::HashSet;
use std::io::Read;
use std::os::fd::FromRawFd;

use ferrotel::api::trace::{SpanId, TraceId};
use ferrotel::sdk::trace::{IdGenerator, RandomIdGenerator};

#[test]
fn ids_are_valid_and_distinct() {
    let mut spans = HashSet::new();
    let mut traces = HashSet::new();
    for _ in 0..100_000 {
        let (span, trace) = (RandomIdGenerator.generate_span_id(), RandomIdGenerator.generate_trace_id());
        assert!(span.is_valid() && trace.is_valid());
        assert!(spans.insert(span), "{span} came twice");
        assert!(traces.insert(trace), "{trace} came twice");
    }
}

#[test]
fn the_generator_says_that_its_trace_ids_are_random() {
    struct Fixed;
    impl IdGenerator for Fixed {
        fn generate_trace_id(&self) -> TraceId {
            TraceId(1)
        }
        fn generate_span_id(&self) -> SpanId {
            SpanId(1)
        }
    }
    assert!(RandomIdGenerator.is_trace_id_random());
    assert!(!Fixed.is_trace_id_random());
}

#[test]
fn every_byte_is_evenly_spread() {
    const IDS: usize = 100_000;
    let mut counts = [[0_u32; 256]; 24];
    for _ in 0..IDS {
        let trace = RandomIdGenerator.generate_trace_id().to_bytes();
        let span = RandomIdGenerator.generate_span_id().to_bytes();
        for (place, byte) in trace.into_iter().chain(span).enumerate() {
            counts[place][usize::from(byte)] += 1;
        }
    }
    let expected = IDS as f64 / 256.0;
    for (place, counts) in counts.iter().enumerate() {
        let chi_square: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
        // 255 degrees of freedom: mean 255, standard deviation 22.6. Eight deviations either way do not happen.
        assert!((75.0..435.0).contains(&chi_square), "byte {place}: chi-square {chi_square}");
    }
}

#[test]
fn every_bit_is_set_half_of_the_time() {
    const IDS: u32 = 100_000;
    let mut set = [0_u32; 128];
    for _ in 0..IDS {
        let id = RandomIdGenerator.generate_trace_id().0;
        for (bit, count) in set.iter_mut().enumerate() {
            *count += (id >> bit & 1) as u32;
        }
    }
    for (bit, count) in set.into_iter().enumerate() {
        assert!((48_500..51_500).contains(&count), "bit {bit} was set {count} times");
    }
}

#[test]
fn threads_do_not_repeat_each_other() {
    let threads: Vec<_> = (0..8)
        .map(|_| std::thread::spawn(|| (0..10_000).map(|_| RandomIdGenerator.generate_span_id()).collect::<Vec<_>>()))
        .collect();
    let mut seen = HashSet::new();
    for thread in threads {
        for id in thread.join().expect("the thread ends well") {
            assert!(seen.insert(id), "{id} came twice");
        }
    }
}

#[test]
fn parent_and_children_of_a_fork_do_not_repeat_each_other() {
    const IDS: usize = 64;
    // Seeds this thread's generator, so that a child that did not seed its own again would repeat the parent.
    RandomIdGenerator.generate_span_id();
    let mut seen = HashSet::new();
    for _ in 0..3 {
        for id in ids_of_a_child(IDS) {
            assert!(id.is_valid());
            assert!(seen.insert(id), "a child repeated {id}");
        }
    }
    for _ in 0..IDS {
        let id = RandomIdGenerator.generate_trace_id();
        assert!(seen.insert(id), "the parent repeated {id}");
    }
}

fn ids_of_a_child(count: usize) -> Vec<TraceId> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: the child makes ids, writes them to the pipe and leaves by `_exit`: it takes no lock and allocates nothing.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        for _ in 0..count {
            let bytes = RandomIdGenerator.generate_trace_id().to_bytes();
            // SAFETY: `bytes` is 16 bytes long, and the pipe holds all ids at once, so that no write is partial.
            unsafe { libc::write(ends[1], bytes.as_ptr().cast(), bytes.len()) };
        }
        // SAFETY: always sound; runs no destructor of the parent's state.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: both descriptors are open and owned by this function alone; each is closed exactly once.
    let mut reader = unsafe {
        libc::close(ends[1]);
        std::fs::File::from_raw_fd(ends[0])
    };
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).expect("the pipe can be read");
    // SAFETY: `child` is this process's own child and is waited for once; a null status is allowed.
    assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }, child);
    assert_eq!(bytes.len(), count * 16);
    bytes.as_chunks().0.iter().map(|id| TraceId::from_bytes(*id)).collect()
}
