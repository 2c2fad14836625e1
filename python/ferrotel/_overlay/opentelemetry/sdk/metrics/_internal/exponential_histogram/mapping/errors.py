"""What asking a mapping for a bound outside of the floating point range raises."""

from __future__ import annotations


class MappingUnderflowError(Exception):
    """The bucket's lower bound is below the smallest normal number."""


class MappingOverflowError(Exception):
    """The bucket's lower bound is above the largest number."""
