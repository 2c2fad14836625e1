//! Trace ids, span ids and trace flags.

use std::fmt;

macro_rules! id {
    ($name:ident, $int:ty, $bytes:literal, $digits:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $int);

        impl $name {
            /// The invalid id: all zeros.
            pub const INVALID: Self = $name(0);

            /// Whether any bit is set.
            #[inline]
            pub const fn is_valid(self) -> bool {
                self.0 != 0
            }

            /// The id in network byte order, as OTLP carries it.
            #[inline]
            pub const fn to_bytes(self) -> [u8; $bytes] {
                self.0.to_be_bytes()
            }

            /// From network byte order.
            #[inline]
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                $name(<$int>::from_be_bytes(bytes))
            }

            /// The id as lower-case hexadecimal digits.
            #[inline]
            pub fn to_hex(self) -> [u8; $digits] {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let mut hex = [0; $digits];
                for (i, byte) in self.to_bytes().into_iter().enumerate() {
                    hex[2 * i] = DIGITS[usize::from(byte >> 4)];
                    hex[2 * i + 1] = DIGITS[usize::from(byte & 15)];
                }
                hex
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(&self.to_hex()).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

id!(TraceId, u128, 16, 32, "A trace's id: 16 bytes (specification: trace API, `SpanContext`).");
id!(SpanId, u64, 8, 16, "A span's id: 8 bytes (specification: trace API, `SpanContext`).");

/// The trace flags of W3C Trace Context level 2; bits beyond the two known ones are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct TraceFlags(pub u8);

impl TraceFlags {
    /// The trace is sampled.
    pub const SAMPLED: TraceFlags = TraceFlags(0x01);
    /// The right-most 7 bytes of the trace id are random (level 2).
    pub const RANDOM: TraceFlags = TraceFlags(0x02);

    /// Whether the sampled bit is set.
    #[inline]
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }

    /// Whether the random bit is set.
    #[inline]
    pub const fn is_random(self) -> bool {
        self.0 & Self::RANDOM.0 != 0
    }
}
