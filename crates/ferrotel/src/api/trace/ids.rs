//! Trace ids, span ids and trace flags.

use std::fmt;

/// Eight hexadecimal digits at a time, as in a register of eight bytes.
#[inline]
const fn eight_digits(number: u32) -> [u8; 8] {
    let halves = (number as u64 | (number as u64) << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (halves | halves << 8) & 0x00ff_00ff_00ff_00ff;
    let digits = (bytes | bytes << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // The eighth bit of each byte whose digit is beyond 9, as a 1: what lies between '9' and 'a' is added there.
    let letters = (digits + 0x7676_7676_7676_7676) >> 7 & 0x0101_0101_0101_0101;
    (digits + 0x3030_3030_3030_3030 + letters * 39).to_be_bytes()
}

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
                let mut hex = [0; $digits];
                for (digits, bytes) in hex.as_chunks_mut::<8>().0.iter_mut().zip(self.to_bytes().as_chunks::<4>().0) {
                    *digits = eight_digits(u32::from_be_bytes(*bytes));
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

#[cfg(test)]
mod tests {
    use super::{SpanId, TraceId, eight_digits};

    #[test]
    fn digits_are_those_of_the_standard_library() {
        let mut number: u32 = 0;
        for i in 0..100_000_u32 {
            assert_eq!(eight_digits(number), format!("{number:08x}").as_bytes(), "{number}");
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) ^ i;
        }
        for byte in 0..=u8::MAX {
            let number = u64::from_be_bytes([byte, 0, 0xff, byte, 1, byte.reverse_bits(), byte, !byte]);
            assert_eq!(SpanId(number).to_string(), format!("{number:016x}"));
            let number = u128::from(number) << 61 | u128::from(number);
            assert_eq!(TraceId(number).to_string(), format!("{number:032x}"));
        }
    }
}
