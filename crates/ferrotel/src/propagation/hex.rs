//! Hexadecimal digits of fixed length.

/// The number that up to 32 lower-case digits spell.
#[inline]
pub(super) fn lower(digits: &[u8]) -> Option<u128> {
    match digits.len() {
        32 => Some(u128::from(eight_by_eight(&digits[..16])?) << 64 | u128::from(eight_by_eight(&digits[16..])?)),
        16 => eight_by_eight(digits).map(u128::from),
        2 => Some(u128::from(lower_digit(digits[0])? << 4 | lower_digit(digits[1])?)),
        _ if digits.iter().any(u8::is_ascii_uppercase) => None,
        _ => any(digits),
    }
}

/// The number that up to 32 digits of either case spell.
pub(super) fn any(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | u128::from(char::from(*digit).to_digit(16)?)))
}

#[inline]
fn lower_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// 16 lower-case digits, eight at a time: an id is read for every request, and digit by digit takes five times as long.
#[inline]
fn eight_by_eight(digits: &[u8]) -> Option<u64> {
    let (high, low) = digits.split_at(8);
    let half = |digits: &[u8]| eight(u64::from_be_bytes(digits.try_into().ok()?));
    Some(half(high)? << 32 | half(low)?)
}

/// Eight lower-case digits, one a byte, the first in the most significant.
#[inline]
fn eight(text: u64) -> Option<u64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x80 * ONES;
    // With the top bit of each byte as a guard no byte borrows from or carries into its neighbour: the guard tells
    // which is greater.
    let at_least = |least: u8| ((text | TOPS) - u64::from(least) * ONES) & TOPS;
    if text & TOPS != 0 {
        return None;
    }
    let decimal = at_least(b'0') & !at_least(b'9' + 1);
    let letter = at_least(b'a') & !at_least(b'f' + 1);
    if decimal | letter != TOPS {
        return None;
    }
    // A letter's low four bits are 9 less than its value.
    let mut nibbles = (text & (0x0f * ONES)) + (letter >> 7) * 9;
    nibbles = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles >> 8) & 0x0000_ffff_0000_ffff;
    Some((nibbles | nibbles >> 16) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::{any, lower};

    #[test]
    fn every_byte_at_every_place() {
        for length in [1, 2, 16, 32] {
            for place in 0..length {
                for byte in 0..=255u8 {
                    let mut digits = vec![b'7'; length];
                    digits[place] = byte;
                    let text = std::str::from_utf8(&digits).ok();
                    let number = text.filter(|t| !t.contains('+')).and_then(|t| u128::from_str_radix(t, 16).ok());
                    assert_eq!(any(&digits), number, "{digits:?}");
                    assert_eq!(lower(&digits), number.filter(|_| !byte.is_ascii_uppercase()), "{digits:?}");
                }
            }
        }
        assert_eq!(any(b""), None);
        assert_eq!(any(&[b'0'; 33]), None);
    }
}
