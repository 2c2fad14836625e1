//! A measured value.

use std::cmp::Ordering;
use std::sync::Once;

use crate::common::diagnostics::{self, Level};

/// A measurement or a sum of them: a whole number stays whole, as in the reference.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number, as OTLP can carry it.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// A whole number outside the signed 64-bit range, which only a sum of large values reaches. OTLP has no such type:
    /// it is encoded as a double.
    Big(i128),
}

impl Number {
    /// The whole number zero, with which sums start.
    pub const ZERO: Number = Number::Int(0);

    /// A whole number of any size up to 128 bits.
    #[inline]
    pub fn whole(value: i128) -> Self {
        i64::try_from(value).map_or(Number::Big(value), Number::Int)
    }

    /// The nearest double.
    #[inline]
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Double(value) => value,
            Number::Big(value) => value as f64,
        }
    }

    /// Whether it is neither infinite nor not a number.
    #[inline]
    pub fn is_finite(self) -> bool {
        !matches!(self, Number::Double(value) if !value.is_finite())
    }

    /// The sum, by Python's rules: whole where both are whole, however large, and a double where one is.
    ///
    /// ```
    /// use ferrotel::sdk::metrics::Number;
    ///
    /// assert_eq!(Number::Int(1).plus(Number::Int(2)), Number::Int(3));
    /// assert_eq!(Number::Int(1).plus(Number::Double(0.5)), Number::Double(1.5));
    /// assert_eq!(Number::Int(i64::MAX).plus(Number::Int(1)), Number::Big(1 << 63));
    /// ```
    #[inline]
    #[must_use]
    pub fn plus(self, other: Number) -> Number {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => match a.checked_add(b) {
                Some(sum) => Number::Int(sum),
                None => Number::Big(i128::from(a) + i128::from(b)),
            },
            (Number::Double(a), Number::Double(b)) => Number::Double(a + b),
            _ => self.plus_mixed(other),
        }
    }

    /// The difference, by the same rules as [`plus`](Self::plus).
    #[must_use]
    pub fn minus(self, other: Number) -> Number {
        match (self.as_whole(), other.as_whole()) {
            (Some(a), Some(b)) => saturated(a.checked_sub(b), a < 0),
            _ => Number::Double(self.as_f64() - other.as_f64()),
        }
    }

    #[cold]
    fn plus_mixed(self, other: Number) -> Number {
        match (self.as_whole(), other.as_whole()) {
            (Some(a), Some(b)) => saturated(a.checked_add(b), a < 0),
            _ => Number::Double(self.as_f64() + other.as_f64()),
        }
    }

    fn as_whole(self) -> Option<i128> {
        match self {
            Number::Int(value) => Some(value.into()),
            Number::Big(value) => Some(value),
            Number::Double(_) => None,
        }
    }
}

/// The sum, or the last number on its side.
fn saturated(sum: Option<i128>, negative: bool) -> Number {
    match sum {
        Some(sum) => Number::whole(sum),
        None => {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| {
                let line = "A sum of whole numbers passed 128 bits and stays at the limit from here on: record such values \
                            as floating point numbers.";
                diagnostics::log(Level::Warning, "opentelemetry.sdk.metrics", line);
            });
            Number::Big(if negative { i128::MIN } else { i128::MAX })
        }
    }
}

impl PartialEq for Number {
    /// By value: whole numbers and doubles are compared exactly, as in Python.
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (Number::Double(a), Number::Double(b)) => a.partial_cmp(&b),
            (Number::Double(a), b) => b.as_whole().and_then(|b| compare(b, a)).map(Ordering::reverse),
            (a, Number::Double(b)) => a.as_whole().and_then(|a| compare(a, b)),
            (a, b) => a.as_whole().partial_cmp(&b.as_whole()),
        }
    }
}

/// Compares without rounding the whole number.
fn compare(whole: i128, double: f64) -> Option<Ordering> {
    /// The first double past the range of `i128`.
    const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if double.is_nan() {
        None
    } else if double >= LIMIT {
        Some(Ordering::Less)
    } else if double < -LIMIT {
        Some(Ordering::Greater)
    } else {
        let below = double.floor();
        Some(whole.cmp(&(below as i128)).then(if double > below { Ordering::Less } else { Ordering::Equal }))
    }
}

macro_rules! from {
    ($($source:ty => $make:expr),+ $(,)?) => {$(
        impl From<$source> for Number {
            #[inline]
            fn from(value: $source) -> Self {
                let make: fn($source) -> Number = $make;
                make(value)
            }
        }
    )+};
}

from! {
    i64 => Number::Int,
    i32 => |value| Number::Int(value.into()),
    i16 => |value| Number::Int(value.into()),
    u16 => |value| Number::Int(value.into()),
    u32 => |value| Number::Int(value.into()),
    u64 => |value| Number::whole(value.into()),
    usize => |value| Number::whole(value as i128),
    f64 => Number::Double,
    f32 => |value| Number::Double(value.into()),
}
