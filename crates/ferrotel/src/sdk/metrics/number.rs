//! A measured value.

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
