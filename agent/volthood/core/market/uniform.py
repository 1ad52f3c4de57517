"""The uniform rule (Sprumont 1991): everyone the same amount, up to what it asks for.

No one gains by asking for more or less than it wants, which is why the market rations by it and by nothing else. Wh that
cannot be divided go one each to the first in line; the line is the order in which the caller names the takers, made
from hashes that nobody can choose.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

Taker = TypeVar("Taker")


def share(volume_wh: int, wants_wh: Mapping[Taker, int]) -> dict[Taker, int]:
    """What each taker gets of a volume, in Wh; all that it wants where there is enough for everybody.

    Args:
        volume_wh: 0 or more.
        wants_wh: 0 or more by taker, first in line first.
    """
    parts = share_between(volume_wh, [(0, want_wh) for want_wh in wants_wh.values()])
    return dict(zip(wants_wh, parts, strict=True))


def share_between(volume_wh: int, bounds_wh: Sequence[tuple[int, int]]) -> list[int]:
    """Total amounts as equal as the bounds (low, high) allow, with `volume_wh` in all above the lows.

    Where the volume covers every high, everybody gets its high.
    """
    level, rest = _level(volume_wh, bounds_wh)
    if level is None:
        return [high for _, high in bounds_wh]
    parts = []
    for low, high in bounds_wh:
        if low <= level < high and rest:
            parts.append(level + 1)
            rest -= 1
        else:
            parts.append(min(max(level, low), high))
    return parts


def _level(volume_wh: int, bounds_wh: Sequence[tuple[int, int]]) -> tuple[int | None, int]:
    """The highest whole level that the volume reaches, and the Wh left over; None where it covers everything."""
    changes: Counter[int] = Counter(low for low, _ in bounds_wh)
    changes.subtract(Counter(high for _, high in bounds_wh))
    edges = sorted(changes)
    rising = list(accumulate(changes[edge] for edge in edges))
    left_wh = volume_wh
    for edge, next_edge, takers in zip(edges, edges[1:], rising, strict=False):
        need_wh = takers * (next_edge - edge)
        if need_wh > left_wh:
            return edge + left_wh // takers, left_wh % takers
        left_wh -= need_wh
    return None, 0
