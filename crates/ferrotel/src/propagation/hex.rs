//! Hexadecimal digits of fixed length.

/// What 2 lower-case digits spell.
#[inline]
pub(super) fn two(digits: [u8; 2]) -> Option<u8> {
    Some(lower_digit(digits[0])? << 4 | lower_digit(digits[1])?)
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

/// What 16 lower-case digits spell; and what is wrong with them, 0 for nothing. Eight at a time: an id is read for every
/// request, and digit by digit takes five times as long.
#[inline]
pub(super) const fn sixteen(digits: &[u8; 16]) -> (u64, u64) {
    let text = u128::from_be_bytes(*digits);
    let (high, wrong_high) = eight((text >> 64) as u64);
    let (low, wrong_low) = eight(text as u64);
    (high << 32 | low, wrong_high | wrong_low)
}

/// What eight lower-case digits spell, one a byte, the first in the most significant; and what is wrong with them, 0
/// for nothing.
#[inline]
const fn eight(text: u64) -> (u64, u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // No byte carries into its neighbour: none of these sums exceeds 0x6f.
    let letter = (text >> 6) & ONES;
    // A letter's low four bits are 9 less than its value.
    let values = (text & (0x0f * ONES)) + letter * 9;
    // Writing the values again gives the text, if it was one. Letters have values from 10 to 15, and only they.
    let again = values + 0x30 * ONES + letter * 0x27;
    let wrong = (again ^ text) | ((((values + 6 * ONES) >> 4) ^ letter) & ONES) | (values & (0x10 * ONES));
    let mut nibbles = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles >> 8) & 0x0000_ffff_0000_ffff;
    ((nibbles | nibbles >> 16) & 0xffff_ffff, wrong)
}

#[cfg(test)]
mod tests {
    use super::{any, sixteen, two};

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
                    let lower = number.filter(|_| !byte.is_ascii_uppercase());
                    if let Ok(digits) = <[u8; 16]>::try_from(&*digits) {
                        let (spelt, wrong) = sixteen(&digits);
                        assert_eq!((wrong == 0).then_some(u128::from(spelt)), lower, "{digits:?}");
                    }
                    if let Ok(digits) = <[u8; 2]>::try_from(&*digits) {
                        assert_eq!(two(digits).map(u128::from), lower, "{digits:?}");
                    }
                }
            }
        }
        assert_eq!(any(b""), None);
        assert_eq!(any(&[b'0'; 33]), None);
    }
}
