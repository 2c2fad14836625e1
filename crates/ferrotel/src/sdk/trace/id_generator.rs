//! Where trace ids and span ids come from.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::api::trace::{SpanId, TraceId};
use crate::common::{clock, fork};

/// Makes ids for new spans (specification: trace SDK, id generators). Called on any thread, on the path of every span.
pub trait IdGenerator: Send + Sync + 'static {
    /// A new trace's id; must not be [`TraceId::INVALID`].
    fn generate_trace_id(&self) -> TraceId;

    /// A new span's id; must not be [`SpanId::INVALID`].
    fn generate_span_id(&self) -> SpanId;

    /// Whether at least the right-most 7 bytes of every trace id are uniformly random, so that the flag
    /// [`TraceFlags::RANDOM`](crate::api::trace::TraceFlags::RANDOM) may be set on new traces. Default: `false`.
    fn is_trace_id_random(&self) -> bool {
        false
    }
}

/// The default generator: every bit is random.
///
/// Each thread has a generator of its own, seeded by the operating system when it is first used, and again after a
/// fork, so that parent and child never repeat each other. The ids are unpredictable enough to be unique, not to be
/// secrets.
///
/// ```
/// use ferrotel::sdk::trace::{IdGenerator, RandomIdGenerator};
///
/// let ids = RandomIdGenerator;
/// assert!(ids.generate_trace_id().is_valid());
/// assert_ne!(ids.generate_span_id(), ids.generate_span_id());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RandomIdGenerator;

impl IdGenerator for RandomIdGenerator {
    #[inline]
    fn generate_trace_id(&self) -> TraceId {
        loop {
            let id = TraceId(next_u128());
            if id.is_valid() {
                return id;
            }
        }
    }

    #[inline]
    fn generate_span_id(&self) -> SpanId {
        loop {
            let id = SpanId(THREAD.with(ThreadRandom::next));
            if id.is_valid() {
                return id;
            }
        }
    }

    fn is_trace_id_random(&self) -> bool {
        true
    }
}

#[inline]
fn next_u128() -> u128 {
    THREAD.with(|random| u128::from(random.next()) << 64 | u128::from(random.next()))
}

/// xoshiro256++ (Blackman and Vigna): passes the usual batteries of tests, and needs no more than a few additions and
/// rotations. Nothing here has a destructor, so that a thread that is ending can still make ids.
struct ThreadRandom {
    state: [Cell<u64>; 4],
    /// The fork generation of the seed, plus one; 0 before the first seed.
    seeded_in: Cell<u64>,
}

thread_local! {
    static THREAD: ThreadRandom = const {
        ThreadRandom { state: [const { Cell::new(0) }; 4], seeded_in: Cell::new(0) }
    };
}

impl ThreadRandom {
    #[inline]
    fn next(&self) -> u64 {
        if self.seeded_in.get() != u64::from(fork::generation()) + 1 {
            self.seed();
        }
        let [s0, s1, s2, s3] = &self.state;
        let (a, b, c, d) = (s0.get(), s1.get(), s2.get(), s3.get());
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c1, d1) = (c ^ a, d ^ b);
        s0.set(a ^ d1);
        s1.set(b ^ c1);
        s2.set(c1 ^ (b << 17));
        s3.set(d1.rotate_left(45));
        result
    }

    #[cold]
    fn seed(&self) {
        fork::watch();
        let mut seed = [0_u64; 4];
        let mut bytes = [0_u8; 32];
        // All zeros is the one state that xoshiro never leaves.
        while seed == [0; 4] {
            match getrandom::fill(&mut bytes) {
                Ok(()) => {
                    for (word, chunk) in seed.iter_mut().zip(bytes.as_chunks::<8>().0) {
                        *word = u64::from_ne_bytes(*chunk);
                    }
                }
                Err(_) => seed = seed_without_system(),
            }
        }
        for (word, value) in self.state.iter().zip(seed) {
            word.set(value);
        }
        self.seeded_in.set(u64::from(fork::generation()) + 1);
    }
}

/// For a sandbox without a source of randomness: ids that are good enough beat a program that stops.
fn seed_without_system() -> [u64; 4] {
    let keys = RandomState::new();
    std::array::from_fn(|i| {
        let mut hasher = keys.build_hasher();
        hasher.write_usize(i);
        hasher.write_u64(clock::now_unix_nanos());
        hasher.write_u32(std::process::id());
        hasher.write_usize(&raw const hasher as usize);
        hasher.finish()
    })
}
