"""A record taken apart once: the same bytes prove a slot's end and the next one's start, to every counterparty."""

from functools import lru_cache

from volthood.core.energy import Edge, edge_of
from volthood.wire.cose import Signed
from volthood.wire.record import Record, unpack_record

REMEMBERED = 1024


@lru_cache(maxsize=REMEMBERED)
def taken_apart(data: bytes) -> tuple[Signed, Record]:
    """The signed message and the record in it, its signature not yet checked. Raises `WireError`."""
    return unpack_record(data)


@lru_cache(maxsize=REMEMBERED)
def edge_in(data: bytes, slot_s: int) -> Edge:
    """The edge that a slot record stands at. Raises `WireError`, or `PeerError` where it is no edge."""
    return edge_of(taken_apart(data)[1], slot_s)
