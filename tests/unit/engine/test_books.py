"""Books read from stores: what was changed in a store afterwards is found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from volthood.adapters.crypto import SignatureVerifier
from volthood.core.deals import Deal
from volthood.core.laws import HomeBooks, check_laws
from volthood.engine.books import count_verified, home_books
from volthood.ports.stores import StoredRecord
from volthood.testing.forging import flipped
from volthood.testing.neighbourhood import RETAIL, START, Home, Neighbourhood

END_S = START + 900


@pytest.fixture(scope="module")
def hood() -> Neighbourhood:
    hood = Neighbourhood([Home("h0", 500), Home("h1", -800)])
    hood.run_until(END_S + 700)
    return hood


def books(hood: Neighbourhood, name: str = "h0") -> HomeBooks:
    verifier = SignatureVerifier()
    return home_books(hood.houses[name].books(hood.hood), hood.roster, verifier, verifier, START, END_S)


def records(hood: Neighbourhood) -> list[StoredRecord]:
    return list(hood.houses["h0"].readings.all_records())


def verified(hood: Neighbourhood, rows: list[StoredRecord]) -> int:
    return count_verified(hood.houses["h0"].member(), rows, SignatureVerifier())


def test_true_books(hood: Neighbourhood) -> None:
    found = books(hood)
    assert (found.house, found.faults) == ("h0", ())
    assert found.records_verified == found.records_kept == len(records(hood))
    assert [bill.slot for bill in found.bills] == [START]
    assert found.bills[0].utility_alone_uct == 500 * RETAIL


def test_only_deals_and_bills_of_the_stretch_are_in(hood: Neighbourhood) -> None:
    assert {deal.contract.slot for deal in books(hood).deals} == {START}
    assert [bill.slot for bill in hood.houses["h0"].books(hood.hood).bills(START - 900, END_S)] == [START - 900, START]


CHANGES: dict[str, Callable[[StoredRecord], StoredRecord]] = {
    "a column": lambda row: replace(row, import_wh=row.import_wh + 1),
    "its time": lambda row: replace(row, time_s=row.time_s + 900),
    "its number": lambda row: replace(row, rseq=row.rseq + 1),
    "its signature": lambda row: replace(row, data=flipped(row.data, 8 * len(row.data) - 8)),
    "its bytes": lambda row: replace(row, data=b"garbage"),
    "its node": lambda row: replace(row, node=b"n" * 8),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_record_that_was_changed_is_not_verified(hood: Neighbourhood, what: str) -> None:
    rows = records(hood)
    rows[1] = CHANGES[what](rows[1])
    assert verified(hood, rows) == len(rows) - 1


def test_a_record_that_is_missing_leaves_the_rest_verified_and_the_next_unlinked(hood: Neighbourhood) -> None:
    rows = records(hood)
    assert verified(hood, rows[1:]) == len(rows) - 1


def test_a_record_twice_counts_once(hood: Neighbourhood) -> None:
    rows = records(hood)
    assert verified(hood, [rows[0], *rows]) == len(rows)


def broken(deal: Deal, part: str) -> Deal:
    data: bytes = getattr(deal, part)
    changes: dict[str, Any] = {part: flipped(data, 8 * len(data) - 1)}
    return replace(deal, **changes)


SIGNATURES = ("buyer_signature", "seller_signature", "own_settlement", "peer_settlement")


@pytest.mark.parametrize("part", SIGNATURES)
def test_a_signature_that_does_not_hold_is_a_fault_and_breaks_the_law(hood: Neighbourhood, part: str) -> None:
    store = hood.houses["h0"].trades
    for deal in store.deals(START):
        if deal.settled:
            store.save_deal(broken(deal, part))
    found = books(hood)
    store.rollback()
    assert len(found.faults) == 1
    assert not check_laws([found, books(hood, "h1")])["two_signatures"].holds
    assert books(hood).faults == ()


def test_a_settlement_under_other_numbers_is_a_fault(hood: Neighbourhood) -> None:
    store = hood.houses["h0"].trades
    deal = next(deal for deal in store.deals(START) if deal.settled)
    store.save_deal(replace(deal, peer_wh=1))
    found = books(hood)
    store.rollback()
    assert len(found.faults) == 2
