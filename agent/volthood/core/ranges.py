"""A set of counters kept as disjoint ranges: what has been seen of a stream, in memory that its gaps alone decide."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """A set of integers as ascending ranges [first, last], neighbours merged."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __len__(self) -> int:
        """How many ranges, not how many numbers."""
        return len(self._firsts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __contains__(self, number: int) -> bool:
        return self.covers(number, number)

    def copy(self) -> "Ranges":
        """An independent copy."""
        out = Ranges()
        out._firsts = self._firsts.copy()
        out._lasts = self._lasts.copy()
        return out

    def add(self, first: int, last: int) -> None:
        """Adds every number from `first` to `last`."""
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def covers(self, first: int, last: int) -> bool:
        """Whether every number from `first` to `last` is in; True for an empty span."""
        index = bisect_right(self._firsts, first) - 1
        return first > last or (index >= 0 and self._lasts[index] >= last)

    def touches(self, first: int, last: int) -> bool:
        """Whether any number from `first` to `last` is in; False for an empty span."""
        index = bisect_left(self._lasts, first)
        return first <= last and index < len(self._firsts) and self._firsts[index] <= last

    def outside(self, first: int, last: int) -> list[tuple[int, int]]:
        """The ranges between `first` and `last` that are not in."""
        out = []
        for low, high in self:
            if high < first:
                continue
            if low > last:
                break
            if low > first:
                out.append((first, low - 1))
            first = high + 1
        if first <= last:
            out.append((first, last))
        return out
