"""Records that the household's node did not sign, or signed before, are refused, told by their reason, and change nothing."""

import pytest

from volthood.testing.forging import changed, flipped
from volthood.testing.intruder import Attacks, outcome, told
from volthood.testing.meternode import SignedMeter
from volthood.testing.neighbourhood import START, Home, Neighbourhood
from volthood.wire import limits
from volthood.wire.record import GENESIS
from volthood.wire.topics import node_topic

SLOT = START + 900
HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250), Home("h3", -100), Home("h4", 400)]
END_S = SLOT + 900 + 700
VICTIM, SELLER = "h0", "h1"


@pytest.fixture(scope="module")
def undisturbed() -> list[object]:
    hood = Neighbourhood(HOMES)
    hood.run_until(END_S)
    return outcome(hood)


def record_topic(hood: Neighbourhood, node: str | None = None) -> str:
    return node_topic(VICTIM, node or hood.houses[VICTIM].meter.name, "record")


def newest(hood: Neighbourhood) -> bytes:
    house = hood.houses[VICTIM]
    return house.readings.last_records(house.meter.kid, 1)[0]


def conflicting(hood: Neighbourhood) -> bytes:
    """A second record with a number that is taken, well signed: a board that was rolled back or copied."""
    house = hood.houses[VICTIM]
    record = house.meter.last
    return house.meter.sign(changed(record, import_wh=record.import_wh + 500))


def unlinked(hood: Neighbourhood) -> bytes:
    """The next record, well signed, that follows another past."""
    house = hood.houses[VICTIM]
    record = house.meter.last
    return house.meter.sign(changed(record, rseq=record.rseq + 1, prev=GENESIS, prev_slot=GENESIS))


RECORDS: Attacks = {
    "signed by another node": (
        "foreign_node",
        lambda n: (record_topic(n), SignedMeter(4711, VICTIM).slot_record(SLOT)),
    ),
    "of a neighbour's node": (
        "foreign_node",
        lambda n: (
            record_topic(n),
            n.houses[SELLER].readings.last_records(n.houses[SELLER].meter.kid, 1)[0],
        ),
    ),
    "with a flipped signature bit": (
        "bad_signature",
        lambda n: (record_topic(n), flipped(newest(n), 8 * len(newest(n)) - 8)),
    ),
    "replayed": ("replayed", lambda n: (record_topic(n), newest(n))),
    "under another node's topic": ("wrong_topic", lambda n: (record_topic(n, "00" * 8), newest(n))),
    "with a number that is taken": ("rseq_conflict", lambda n: (record_topic(n), conflicting(n))),
    "that follows another past": ("link_broken", lambda n: (record_topic(n), unlinked(n))),
    "one byte too long": ("too_large", lambda n: (record_topic(n), bytes(limits.MAX_RECORD_BYTES + 1))),
    "garbage": ("not_cose", lambda n: (record_topic(n), b"\x00")),
}


def test_records(undisturbed: list[object]) -> None:
    hood = Neighbourhood(HOMES)
    hood.run_until(SLOT + 450)
    kept = list(hood.houses[VICTIM].readings.all_records())
    reasons = {name: told(hood, forge) for name, (_, forge) in RECORDS.items()}
    assert reasons == {name: {reason} for name, (reason, _) in RECORDS.items()}
    assert list(hood.houses[VICTIM].readings.all_records()) == kept
    hood.run_until(END_S)
    assert outcome(hood) == undisturbed
    assert hood.broken_laws() == {}
