"""From values to the indexes of exponential histograms' buckets.

Bucket `i` at a scale has the values above `base ** i` up to `base ** (i + 1)`, with the base `2 ** (2 ** -scale)`
(specification: metrics data model, exponential histogram).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import RLock
from typing import ClassVar


class Mapping(ABC):
    """The mapping of one scale; there is one object for each."""

    # Each subclass has its own two.
    _mappings: ClassVar[dict[int, Mapping]]
    _mappings_lock: ClassVar[RLock]  # type: ignore[valid-type,unused-ignore]

    _min_scale: ClassVar[int]
    _max_scale: ClassVar[int]

    _scale: int

    def __new__(cls, scale: int) -> Mapping:
        with cls._mappings_lock:
            mapping = cls._mappings.get(scale)
            if mapping is None:
                mapping = super().__new__(cls)
                mapping._init(scale)
                mapping = cls._mappings.setdefault(scale, mapping)
        return mapping

    @abstractmethod
    def _init(self, scale: int) -> None:
        if scale > self._get_max_scale():
            raise Exception(f"scale is larger than {self._max_scale}")
        if scale < self._get_min_scale():
            raise Exception(f"scale is smaller than {self._min_scale}")
        self._scale = scale

    @abstractmethod
    def _get_min_scale(self) -> int:
        """The smallest scale."""

    @abstractmethod
    def _get_max_scale(self) -> int:
        """The largest scale."""

    @abstractmethod
    def map_to_index(self, value: float) -> int:
        """The index of the bucket that a positive, finite value falls into."""

    @abstractmethod
    def get_lower_boundary(self, index: int) -> float:
        """A bucket's lower bound; raises `MappingUnderflowError` or `MappingOverflowError` where it is no number."""

    @property
    def scale(self) -> int:
        """The resolution."""
        return self._scale
