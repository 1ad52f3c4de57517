"""The uniform rule (Sprumont 1991): everyone the same amount, up to what each wants. In whole Wh.

For amounts that are known, nobody gains by misstating its own: asking for more never gives more than the equal share.
"""


def share(available_wh: int, wants_wh: dict[bytes, int]) -> dict[bytes, int]:
    """Shares of `available_wh` by name; left-over Wh go one each in the order of `wants_wh`.

    The sum is min(available, sum of wants), every share at most its want.
    """
    level_wh = _level(available_wh, sorted(wants_wh.values()))
    shares = {name: min(want_wh, level_wh) for name, want_wh in wants_wh.items()}
    left_wh = min(available_wh, sum(wants_wh.values())) - sum(shares.values())
    for name, want_wh in wants_wh.items():
        if left_wh and want_wh > level_wh:
            shares[name] += 1
            left_wh -= 1
    return shares


def _level(available_wh: int, ascending_wh: list[int]) -> int:
    """The greatest whole amount that everyone can have, up to its want, out of what is available."""
    left_wh, open_count = available_wh, len(ascending_wh)
    for want_wh in ascending_wh:
        if want_wh * open_count > left_wh:
            return left_wh // open_count
        left_wh -= want_wh
        open_count -= 1
    return ascending_wh[-1] if ascending_wh else 0
