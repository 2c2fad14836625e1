//! Attributes as what tells one time series from another: in no order, and typed.

use super::attributes::{Attributes, KeyValue};
use super::value::Value;

/// A hash of attributes that does not depend on their order: equal for sets for which [`same_set`] holds.
///
/// Fast rather than strong. `seed` keeps outsiders from choosing attributes that collide.
#[inline]
pub fn hash<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>, seed: u64) -> u64 {
    let mut sum = seed;
    for (key, value) in attributes {
        // A sum does not depend on the order; each member is mixed well before it comes in.
        sum = sum.wrapping_add(hash_value(value, hash_bytes(key.as_bytes(), seed)));
    }
    mix(sum, SALT[3])
}

/// Whether both hold the same keys with the same values, in whatever order; `theirs` must not name a key twice.
///
/// `true`, `1` and `1.0` differ. `NaN` equals itself here, and the zeros equal each other.
#[inline]
pub fn same_set<'a>(ours: &Attributes, theirs: impl IntoIterator<Item = &'a KeyValue>) -> bool {
    let mut count = 0;
    for (key, value) in theirs {
        // Mostly both are in the same order.
        let known = match ours.iter().as_slice().get(count) {
            Some((other, known)) if other == key => Some(known),
            _ => ours.get(key),
        };
        if !known.is_some_and(|known| same_value(known, value)) {
            return false;
        }
        count += 1;
    }
    count == ours.len()
}

/// Whether two values are the same to a time series.
pub fn same_value(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Double(a), Value::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.iter().any(|(other, theirs)| other == key && same_value(value, theirs)))
        }
        _ => ours == theirs,
    }
}

/// Odd words without a pattern (digits of pi).
const SALT: [u64; 4] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1, 0x082e_fa98_ec4e_6c89];

/// Multiplies to 128 bits and folds: every bit of the product depends on every bit of both.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ SALT[0]) * u128::from(b ^ SALT[1]);
    (product as u64) ^ ((product >> 64) as u64)
}

#[inline]
fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let mut hash = seed ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    // What is left is read in pieces of a known size, which may overlap: copying it together would take longer.
    let last = match (bytes.last_chunk::<8>(), rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(last), ..) => u64::from_le_bytes(*last),
        (_, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte)),
    };
    mix(hash, last)
}

#[inline]
fn hash_value(value: &Value, seed: u64) -> u64 {
    match value {
        Value::String(text) => hash_bytes(text.as_bytes(), seed),
        Value::Int(number) => mix(seed ^ SALT[2], number.cast_unsigned()),
        Value::Bool(yes) => mix(seed ^ SALT[3], u64::from(*yes)),
        other => hash_rare(other, seed),
    }
}

fn hash_rare(value: &Value, seed: u64) -> u64 {
    match value {
        Value::Empty => mix(seed, 5),
        Value::Double(number) if number.is_nan() => mix(seed, 6),
        // Both zeros are the same one.
        Value::Double(number) => mix(seed ^ SALT[1], (number + 0.0).to_bits()),
        Value::Bytes(bytes) => hash_bytes(bytes, mix(seed, 7)),
        Value::BigInt(digits) => hash_bytes(digits.as_bytes(), mix(seed, 8)),
        Value::Array(items) => items.iter().fold(mix(seed, 9), |hash, item| hash_value(item, hash)),
        Value::Map(items) => items.iter().fold(mix(seed, 10), |sum, (key, item)| {
            sum.wrapping_add(hash_value(item, hash_bytes(key.as_bytes(), seed)))
        }),
        Value::String(_) | Value::Int(_) | Value::Bool(_) => hash_value(value, seed),
    }
}
