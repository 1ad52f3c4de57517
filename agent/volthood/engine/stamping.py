"""Turns times since boot into calendar times, once the node knows what time it is.

A node that was not told the time yet records seconds since its start (quality *relative*). Later its `status` says when that
start was; then the times under which its records are kept are set right. The signed bytes stay as they are, and so does
their quality: a stamped time is shown, never billed. Status is unsigned, so a wrong one misplaces a curve and no more.
"""

import json
from collections import defaultdict, deque

from volthood.engine.desk import Desk
from volthood.errors import PeerError
from volthood.wire.limits import MAX_STATUS_BYTES
from volthood.wire.record import INFORMATIVE, RELATIVE, SYNCHRONISED, Record

MAX_WAITING = 1024
"""Records of one node that wait for the time of its start; the oldest give way: 17 hours."""
_LATEST_S = 2**40


class Stamping:
    """All nodes of the household."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._starts: dict[bytes, tuple[int, int]] = {}
        self._waiting: defaultdict[bytes, deque[tuple[int, int, int]]] = defaultdict(lambda: deque(maxlen=MAX_WAITING))

    def time_s(self, kid: bytes, record: Record) -> int:
        """The time under which a record is kept."""
        if record.quality != RELATIVE:
            return record.time_s
        boot, start_s = self._starts.get(kid, (0, 0))
        if boot == record.boot:
            return start_s + record.time_s
        self._waiting[kid].append((record.boot, record.rseq, record.time_s))
        return record.time_s

    def on_status(self, kid: bytes, data: bytes) -> None:
        """Take a node's word about itself. Raises `PeerError` (`status_invalid`)."""
        found = start_of(data)
        if found is None or self._starts.get(kid) == found:
            return
        boot, start_s = self._starts[kid] = found
        mine = [(rseq, since_s) for at_boot, rseq, since_s in self._waiting[kid] if at_boot == boot]
        for rseq, since_s in mine:
            self._desk.readings.set_time(kid, rseq, start_s + since_s)
        if mine:
            # Kept in mind: the node may set its clock once more.
            self._desk.note("RecordsStamped", node=kid.hex(), boot=boot, records=len(mine), start_s=start_s)


def start_of(data: bytes) -> tuple[int, int] | None:
    """(boot, its start in UTC seconds) of a status; None where it says none. Raises `PeerError` (`status_invalid`)."""
    try:
        status = json.loads(data) if len(data) <= MAX_STATUS_BYTES else None
    except (ValueError, RecursionError):
        status = None
    if not isinstance(status, dict):
        raise PeerError("status_invalid", f"{len(data)} bytes")
    boot, start_s, quality = (status.get(name) for name in ("boot", "boot_s", "quality"))
    if boot is None or start_s is None:
        return None
    if not (_is_whole(boot, 2**32) and _is_whole(start_s, _LATEST_S) and _is_whole(quality, RELATIVE)):
        raise PeerError("status_invalid", "boot, boot_s or quality is no such number")
    return (boot, start_s) if quality in {SYNCHRONISED, INFORMATIVE} else None


def _is_whole(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most
