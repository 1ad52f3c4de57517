"""How long to wait before the next try: doubling up to a cap, with chance in it: a street of nodes comes back one by one."""

CHANCE_BYTES = 2


def wait_ms(failures: int, first_ms: int, longest_ms: int, chance: bytes) -> int:
    """Ms to wait after so many failures in a row before this one: half of the step for sure, up to the whole by `chance`."""
    step_ms = min(first_ms << min(failures, 16), longest_ms)
    return step_ms // 2 + step_ms * int.from_bytes(chance, "big") // (2 << 8 * CHANCE_BYTES)
