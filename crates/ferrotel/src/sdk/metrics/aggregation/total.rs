//! A number that accumulates, in 16 bytes.

use super::super::Number;

/// Nothing yet, or a number.
#[derive(Clone, Debug, Default)]
pub enum Total {
    #[default]
    Nothing,
    Int(i64),
    Double(f64),
    /// Boxed: rare, and twice as large as the others together.
    Big(Box<i128>),
}

impl Total {
    #[inline]
    pub fn get(&self) -> Option<Number> {
        match self {
            Total::Nothing => None,
            Total::Int(value) => Some(Number::Int(*value)),
            Total::Double(value) => Some(Number::Double(*value)),
            Total::Big(value) => Some(Number::Big(**value)),
        }
    }

    /// Adds `value`; to nothing as to the whole number zero.
    #[inline]
    pub fn add(&mut self, value: Number) {
        match (&mut *self, value) {
            (Total::Int(total), Number::Int(value)) if total.checked_add(value).is_some() => *total += value,
            (Total::Double(total), Number::Double(value)) => *total += value,
            _ => *self = Total::from(self.get().unwrap_or(Number::ZERO).plus(value)),
        }
    }

    #[inline]
    pub fn set(&mut self, value: Number) {
        *self = Total::from(value);
    }

    /// Keeps the smaller one; the earlier one of equals.
    #[inline]
    pub fn lower_to(&mut self, value: Number) {
        if self.get().is_none_or(|known| value < known) {
            self.set(value);
        }
    }

    /// Keeps the larger one; the earlier one of equals.
    #[inline]
    pub fn raise_to(&mut self, value: Number) {
        if self.get().is_none_or(|known| value > known) {
            self.set(value);
        }
    }

    pub fn take(&mut self) -> Option<Number> {
        std::mem::take(self).get()
    }
}

impl From<Number> for Total {
    #[inline]
    fn from(value: Number) -> Self {
        match value {
            Number::Int(value) => Total::Int(value),
            Number::Double(value) => Total::Double(value),
            Number::Big(value) => Total::Big(Box::new(value)),
        }
    }
}
