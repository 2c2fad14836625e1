"""Numbers of 56 bits: thresholds and random values."""

RANDOM_VALUE_BITS = 56
MIN_THRESHOLD = 0
"""Every span is sampled."""
MAX_THRESHOLD = 1 << RANDOM_VALUE_BITS
"""No span is sampled."""
MAX_RANDOM_VALUE = MAX_THRESHOLD - 1
INVALID_THRESHOLD = -1
"""There is no threshold."""
INVALID_RANDOM_VALUE = -1
"""There is no random value."""


def calculate_threshold(sampling_probability: float) -> int:
    """The threshold that lets this share of all random values pass."""
    return MAX_THRESHOLD - round(sampling_probability * MAX_THRESHOLD)


def is_valid_threshold(threshold: int) -> bool:
    return MIN_THRESHOLD <= threshold <= MAX_THRESHOLD


def is_valid_random_value(random_value: int) -> bool:
    return 0 <= random_value <= MAX_RANDOM_VALUE
