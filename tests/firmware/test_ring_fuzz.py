"""The ring over anything that may stand in its segments: it opens, and the next record is written and read again."""

from hypothesis import given
from hypothesis import strategies as st

from volthood_tools.memory_board import MemoryFlash
from volthood_tools.nor import BLOCK_BYTES, NorDevice
from voltnode.hal.partition import Partition
from voltnode.log import Log
from voltnode.rawring import RING_BYTES, header
from voltnode.ring import MINUTE_SEGMENTS, SEGMENT_BYTES, SLOT_SEGMENTS, Ring, frame

RSEQ = 1 << 38
"""Above whatever the frames here say."""
frames = st.builds(frame, st.integers(0, 1 << 37), st.binary(max_size=300))
pieces = st.lists(frames | st.binary(max_size=300) | st.just(b"\xa7V") | st.just(b"\xff" * 64), max_size=12).map(
    b"".join
)
numbers = st.integers(0, 40).map(lambda number: f"{number:06d}") | st.sampled_from(["999999", "0000001", "x00001", ""])
names = st.builds(str.__add__, st.sampled_from(["s", "m"]), numbers)
places = st.integers(0, RING_BYTES // BLOCK_BYTES - 1)
SLOT_SECTORS = SLOT_SEGMENTS * SEGMENT_BYTES // BLOCK_BYTES
MINUTE_SECTORS = MINUTE_SEGMENTS * SEGMENT_BYTES // BLOCK_BYTES


def right_number(place: int, turn: int) -> int:
    """One that a sector at this place may have."""
    return place + SLOT_SECTORS * turn if place < SLOT_SECTORS else place - SLOT_SECTORS + MINUTE_SECTORS * turn


def check(ring: Ring, again: Ring) -> None:
    """`ring` has just had `RSEQ` written; what it reads ascends and ends with it, after a restart too."""
    for opened in (ring, again):
        reader, found = opened.reader(), [0]
        while (entry := reader.next()) is not None:
            assert entry[0] > found[-1]
            found.append(entry[0])
        assert (found[-1], opened.newest, opened.greatest) == (RSEQ, b"next", RSEQ)


@given(st.dictionaries(names, pieces, max_size=8), st.booleans())
def test_any_files(files: dict[str, bytes], is_slot: bool) -> None:
    flash = MemoryFlash(dict(files))
    ring = Ring(flash, Log(lambda: 0))
    ring.write(RSEQ, b"next", is_slot)
    check(ring, Ring(flash, Log(lambda: 0)))
    assert all(len(data) <= SEGMENT_BYTES for name, data in flash.files.items() if name not in files)


@given(st.lists(st.tuples(places, st.integers(0, 3), st.booleans(), pieces), max_size=6), st.booleans())
def test_any_sectors(sectors: list[tuple[int, int, bool, bytes]], is_slot: bool) -> None:
    device = NorDevice(RING_BYTES // BLOCK_BYTES)
    for place, turn, is_right, data in sectors:
        begin, number = place * BLOCK_BYTES, right_number(place, turn) if is_right else turn
        device.image[begin : begin + BLOCK_BYTES] = (header(number) + data)[:BLOCK_BYTES].ljust(BLOCK_BYTES, b"\xff")
    ring = Ring(MemoryFlash(), Log(lambda: 0), Partition(device))
    ring.write(RSEQ, b"next", is_slot)
    check(ring, Ring(MemoryFlash(), Log(lambda: 0), Partition(device)))
