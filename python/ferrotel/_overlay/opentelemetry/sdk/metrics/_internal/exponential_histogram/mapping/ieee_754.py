"""The parts of a double (IEEE 754, binary64)."""

from __future__ import annotations

from struct import Struct
from sys import float_info

MANTISSA_WIDTH = 52
EXPONENT_WIDTH = 11
MANTISSA_MASK = (1 << MANTISSA_WIDTH) - 1
EXPONENT_BIAS = (1 << (EXPONENT_WIDTH - 1)) - 1
EXPONENT_MASK = ((1 << EXPONENT_WIDTH) - 1) << MANTISSA_WIDTH
SIGN_MASK = 1 << (EXPONENT_WIDTH + MANTISSA_WIDTH)
MIN_NORMAL_EXPONENT = 1 - EXPONENT_BIAS
MAX_NORMAL_EXPONENT = EXPONENT_BIAS
MIN_NORMAL_VALUE = float_info.min
MAX_NORMAL_VALUE = float_info.max

_double = Struct("<d")
_bits = Struct("<Q")


def get_ieee_754_exponent(value: float) -> int:
    """The exponent, -1023 for zero and subnormal numbers, 1024 for what is not finite."""
    return ((_bits_of(value) & EXPONENT_MASK) >> MANTISSA_WIDTH) - EXPONENT_BIAS


def get_ieee_754_mantissa(value: float) -> int:
    """The mantissa, without its implicit first bit; 0 for powers of two."""
    return _bits_of(value) & MANTISSA_MASK


def _bits_of(value: float) -> int:
    bits: int = _bits.unpack(_double.pack(value))[0]
    return bits
