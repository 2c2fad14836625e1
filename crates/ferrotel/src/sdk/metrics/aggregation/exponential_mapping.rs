//! From values to the indices of an exponential histogram's buckets (specification: metrics data model, exponential
//! scale).

/// The coarsest scale: here two buckets hold all doubles above zero.
pub const MIN_SCALE: i32 = -10;
/// The finest scale: here every index fits into 32 bits.
pub const MAX_SCALE: i32 = 20;

const MANTISSA_BITS: u32 = 52;
const MANTISSA: u64 = (1 << MANTISSA_BITS) - 1;
const EXPONENT_BIAS: i32 = 1023;
const MIN_NORMAL_EXPONENT: i32 = -1022;
const MAX_EXPONENT: i32 = 1023;

/// The index of the bucket in which a finite value above zero lies: its lower bound is `2^(index * 2^-scale)`, exclusive.
///
/// Powers of two are exact. Subnormal values count into the bucket below that of the smallest normal one.
#[inline]
pub fn index(value: f64, scale: i32) -> i32 {
    let bits = value.to_bits();
    let exponent = ((bits >> MANTISSA_BITS) & 0x7ff) as i32 - EXPONENT_BIAS;
    let power_of_two = bits & MANTISSA == 0;
    if scale > 0 {
        if value <= f64::MIN_POSITIVE {
            (MIN_NORMAL_EXPONENT << scale) - 1
        } else if power_of_two {
            (exponent << scale) - 1
        } else {
            // A logarithm times 2^scale: the multiplication only moves the exponent.
            let index = (value.ln() * (std::f64::consts::LOG2_E * f64::from(1_u32 << scale))).floor() as i32;
            index.min(((MAX_EXPONENT + 1) << scale) - 1)
        }
    } else if exponent < MIN_NORMAL_EXPONENT {
        (MIN_NORMAL_EXPONENT - 1) >> -scale
    } else {
        (exponent - i32::from(power_of_two)) >> -scale
    }
}
