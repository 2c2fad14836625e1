//! Inputs from other inputs, always the same ones from the same seed.

use fastrand::Rng;

/// Bytes that mean something to one of the readers.
const SPECIAL: &[u8] = b"\0\r\n\t ,;=-_.:%+\"\\/@#&{}[]()$<>|~!*'`^?09afAFzZ\x1b\x7f\x80\xc3\xff";
/// Texts that do.
const WORDS: &[&str] = &[
    "%0d%0a",
    "\r\nx: y",
    "%00",
    "%ff",
    "%C3%BC",
    "\u{202e}",
    "\u{feff}",
    "ü",
    "00-",
    "ff-",
    "uberctx-",
    ";a=b",
    "==",
    ",,",
    "00000000000000000000000000000001",
    "0000000000000001",
    "18446744073709551616",
    "-1",
    "1e309",
    "nan",
    "true",
    "${A:-b}",
    "https://a:b@c:1/d?e=f",
    "[::1",
    "grpc",
    "<<: *a",
    "&a",
    "!!int",
    "null",
    "---",
];
/// Longer than any of the limits that headers have.
const LONG: usize = 9000;

/// A changed copy of one of the inputs, with parts of others.
pub fn mutate(inputs: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut data = pick(inputs, rng).to_vec();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=data.len());
        let end = (at + rng.usize(0..16)).min(data.len());
        match rng.u8(0..9) {
            0 if at < data.len() => data[at] = rng.u8(..),
            1 if at < data.len() => data[at] ^= 1 << rng.u8(0..8),
            2 => data.insert(at, SPECIAL[rng.usize(0..SPECIAL.len())]),
            3 => drop(data.splice(at..at, WORDS[rng.usize(0..WORDS.len())].bytes())),
            4 => drop(data.drain(at..end)),
            5 => drop(data.splice(at..end, pick(inputs, rng).iter().copied().take(200))),
            6 => {
                let piece = data[at..end].to_vec();
                let times = if rng.u8(0..20) == 0 { LONG / piece.len().max(1) } else { rng.usize(0..8) };
                drop(data.splice(at..at, piece.repeat(times)));
            }
            7 => data.truncate(at),
            _ if at < data.len() => data[at] = SPECIAL[rng.usize(0..SPECIAL.len())],
            _ => {}
        }
    }
    data
}

fn pick<'a>(inputs: &'a [Vec<u8>], rng: &mut Rng) -> &'a [u8] {
    &inputs[rng.usize(0..inputs.len())]
}
