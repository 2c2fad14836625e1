"""Neighbouring buckets of an exponential histogram that Python aggregates."""

from __future__ import annotations


class Buckets:
    """The counts of the buckets from `index_start` to `index_end`.

    `_counts[0]` is the count of the first one; the list may be longer than there are buckets, and ends with zeros then.
    Not locked: the histogram's lock is held.
    """

    def __init__(self) -> None:
        self._counts = [0]
        self.index_start = 0
        """The index of the first bucket."""
        self.index_end = 0
        """The index of the last one."""

    @property
    def index_base(self) -> int:
        """The index that `_counts[0]` belongs to."""
        return self.index_start

    @property
    def counts(self) -> list[int]:
        """The counts, with the room that there is after them."""
        return self._counts

    @property
    def offset(self) -> int:
        """The index of the first bucket, as points have it."""
        return self.index_start

    def get_offset_counts(self) -> list[int]:
        """A copy of the counts."""
        return list(self._counts)

    def cover(self, index: int, max_size: int) -> int:
        """Makes room for a bucket; returns its place in `_counts`. At most `max_size` buckets may lie in between."""
        if len(self) == 0:
            self.index_start = self.index_end = index
        elif index > self.index_end:
            self.grow(index - self.index_start + 1, max_size)
            self.index_end = index
        elif index < self.index_start:
            before = self.index_start - index
            self.grow(self.index_end - index + 1, max_size)
            self._counts = [0] * before + self._counts[: len(self._counts) - before]
            self.index_start = index
        return index - self.index_start

    def grow(self, needed: int, max_size: int) -> None:
        """Makes the list at least `needed` long, and as long as the next power of two where that is allowed."""
        if needed > len(self._counts):
            size = min(1 << (needed - 1).bit_length(), max_size)
            self._counts += [0] * (size - len(self._counts))

    def downscale(self, amount: int) -> None:
        """Merges `2 ** amount` buckets each into one."""
        start, merged = self.index_start >> amount, [0] * len(self._counts)
        for place in range(self.index_end - self.index_start + 1):
            merged[((self.index_start + place) >> amount) - start] += self._counts[place]
        self._counts = merged
        self.index_start = start
        self.index_end >>= amount

    def increment_bucket(self, bucket_index: int, increment: int = 1) -> None:
        """Adds to the count at a place in `_counts`."""
        self._counts[bucket_index] += increment

    def copy_empty(self) -> Buckets:
        """As many buckets at the same place, without counts."""
        copy = Buckets()
        copy.index_start, copy.index_end = self.index_start, self.index_end
        copy._counts = [0] * len(self._counts)
        return copy

    def __len__(self) -> int:
        if self.index_end == self.index_start and not any(self._counts[:1]):
            return 0
        return self.index_end - self.index_start + 1

    def __getitem__(self, key: int) -> int:
        return self._counts[key]
