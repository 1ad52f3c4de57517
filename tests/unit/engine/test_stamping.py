"""Records from before a node knew the time: kept as they are, and shown at their time once it is known."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.engine.events import NodeReported, RecordArrived
from volthood.engine.stamping import start_of
from volthood.errors import PeerError
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire.record import RELATIVE, SYNCHRONISED, unpack_record

STATUS: dict[str, object] = {"online": True, "boot": 1, "boot_s": START - 4000, "quality": 0}

SILENT = {
    "offline": {"online": False},
    "time not known": {**STATUS, "quality": 3, "boot_s": None},
    "time held too long": {**STATUS, "quality": 2},
    "no boot": {"online": True, "boot_s": START, "quality": 0},
}
INVALID: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b'"\xff"',
    "a list": b"[]",
    "a text for a number": json.dumps({**STATUS, "boot": "1"}).encode(),
    "a fraction": json.dumps({**STATUS, "boot_s": 1.5}).encode(),
    "true for a number": json.dumps({**STATUS, "boot_s": True}).encode(),
    "before 1970": json.dumps({**STATUS, "boot_s": -1}).encode(),
    "in 36,000 years": json.dumps({**STATUS, "boot_s": 2**40 + 1}).encode(),
    "nested without end": b"[" * 900,
    "a list for a quality": json.dumps({**STATUS, "quality": []}).encode(),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_status_that_says_no_time_says_none(name: str) -> None:
    assert start_of(json.dumps(SILENT[name]).encode()) is None


@pytest.mark.parametrize("name", INVALID)
def test_what_is_no_status_is_refused(name: str) -> None:
    with pytest.raises(PeerError, match="status_invalid"):
        start_of(INVALID[name])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ALMOST = st.fixed_dictionaries(
    {}, optional={name: ANYTHING | st.integers(0, 3) for name in ("online", "boot", "boot_s", "quality")}
)


@given(st.binary(max_size=60) | ANYTHING.map(json.dumps).map(str.encode) | ALMOST.map(json.dumps).map(str.encode))
def test_anything_is_a_status_or_is_refused(data: bytes) -> None:
    try:
        found = start_of(data)
    except PeerError:
        return
    assert found is None or min(found) >= 0


class Scene:
    """A household whose node records before it knows the time."""

    def __init__(self) -> None:
        self.hood = Neighbourhood([Home("h0", 500), Home("h1", -800), Home("h2", 250)])
        self.hood.run_until(START - 950)
        self.house = self.hood.houses["h0"]

    def record(self, since_s: int, **fields: object) -> int:
        meter = self.house.meter
        data = meter.slot_record(since_s, quality=RELATIVE, **fields)
        self.hood.handle("h0", RecordArrived(meter.name, data))
        return unpack_record(data)[1].rseq

    def status(self, **fields: object) -> None:
        status = {**STATUS, "boot": self.house.meter.boot, **fields}
        self.hood.handle("h0", NodeReported(self.house.meter.name, json.dumps(status).encode()))

    def kept_s(self, rseq: int) -> int | None:
        return self.house.readings.kept_time_s(self.house.meter.kid, rseq)


def test_records_are_stamped_once_the_time_is_known_and_from_then_on() -> None:
    scene = Scene()
    before = [scene.record(since_s) for since_s in (60, 120)]
    assert [scene.kept_s(rseq) for rseq in before] == [60, 120]
    scene.status()
    assert [scene.kept_s(rseq) for rseq in before] == [START - 3940, START - 3880]
    assert scene.kept_s(scene.record(180)) == START - 3820
    assert scene.house.events("RecordsStamped")[0].details.startswith(f"node={scene.house.meter.name} boot=")


def test_the_time_of_another_start_stamps_nothing() -> None:
    scene = Scene()
    rseq = scene.record(60)
    scene.house.meter.boot += 1
    scene.status()
    assert scene.kept_s(rseq) == 60


def test_a_restarted_agent_stamps_what_it_had_kept_before() -> None:
    scene = Scene()
    rseq = scene.record(60)
    scene.house.readings.commit()
    scene.hood.kill("h0")
    scene.hood.revive("h0")
    scene.status()
    assert scene.kept_s(rseq) == START - 3940


def test_a_stamped_record_is_still_no_slot_edge() -> None:
    scene = Scene()
    scene.status()
    rseq = scene.record(4000)
    assert scene.kept_s(rseq) == START
    assert "time_untrusted" in scene.house.refused()
    assert SYNCHRONISED not in {record.quality for record in (scene.house.meter.last,)}


def test_a_clock_that_is_set_again_moves_what_was_stamped() -> None:
    scene = Scene()
    scene.status()
    rseq = scene.record(60)
    scene.status(boot_s=START - 4010)
    assert scene.kept_s(rseq) in (START - 3940, START - 3950)


def test_a_strangers_status_is_refused() -> None:
    scene = Scene()
    scene.hood.handle("h0", NodeReported("00" * 8, b"{}"))
    assert scene.house.refused()[-1] == "foreign_node"
