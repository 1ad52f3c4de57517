"""Standing: what a neighbour's own allocations covered of what it contracted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core.deals import Deal, Role
from volthood.core.standing import MEMORY_S, standing_permille, standings_permille
from volthood.wire.keys import sha256
from volthood.wire.market import Contract

SLOT = 1_470_700_800
ME, PEER, OTHER = (sha256(name) for name in (b"me", b"peer", b"other"))


def deal(energy_wh: int, peer_wh: int | None, slot: int = SLOT, peer: bytes = PEER, **fields: Any) -> Deal:
    contract = Contract(
        hood=sha256(b"hood"),
        slot=slot,
        gate=0,
        algorithm="mid-market/1",
        book=sha256(b"book"),
        seller=peer,
        buyer=ME,
        energy_wh=energy_wh,
        seller_price=19000,
        buyer_price=19000,
        path_fee=0,
    )
    state: dict[str, Any] = {"counted": True, "own_wh": energy_wh, "peer_wh": peer_wh, **fields}
    return Deal(contract.to_cbor(), Role.BUYER, **state)


def test_a_neighbour_without_history_has_full_standing() -> None:
    assert standing_permille([], SLOT) == 1000


def test_by_hand() -> None:
    """Covered 300 + 0 + 450 of 300 + 200 + 500: 750 of 1000."""
    assert standing_permille([deal(300, 300), deal(200, 0), deal(500, 450)], SLOT) == 750


def test_it_is_rounded_down() -> None:
    assert standing_permille([deal(3000, 2999)], SLOT) == 999


def test_what_we_could_not_use_is_not_its_fault() -> None:
    assert standing_permille([deal(500, 500, own_wh=0)], SLOT) == 1000


@pytest.mark.parametrize(
    ("case", "permille"),
    [
        (deal(500, None), 1000),
        (deal(500, 100, voided=True), 1000),
        (deal(500, 100, counted=False), 1000),
        (deal(500, None, expired=True), 500),
        (deal(500, 400, expired=True), 900),
        (deal(500, 500, disputed=True), 500),
        (deal(500, 900), 1000),
    ],
    ids=["waiting", "void", "unsigned", "never stated", "stated in time", "disputed", "more than contracted"],
)
def test_what_counts(case: Deal, permille: int) -> None:
    """Beside a contract of 500 Wh that was kept."""
    assert standing_permille([deal(500, 500), case], SLOT) == permille


def test_what_is_old_is_forgotten() -> None:
    deals = [deal(500, 500), deal(500, 0, SLOT - MEMORY_S)]
    assert standing_permille(deals, SLOT) == 1000
    assert standing_permille(deals, SLOT - 1) == 500


def test_evidence_ends_it() -> None:
    assert standing_permille([deal(500, 500)], SLOT, misbehaved=True) == 0


def test_each_neighbour_for_itself() -> None:
    stranger = sha256(b"stranger")
    deals = [deal(500, 500), deal(500, 250, peer=OTHER)]
    assert standings_permille(deals, SLOT, [stranger]) == {PEER: 1000, OTHER: 500, stranger: 0}
    assert standings_permille(deals, SLOT, [PEER])[PEER] == 0


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)), max_size=20))
def test_it_lies_between_nothing_and_full_and_never_falls_when_more_is_covered(rows: list[tuple[int, int]]) -> None:
    before = standing_permille([deal(energy_wh, peer_wh) for energy_wh, peer_wh in rows], SLOT)
    after = standing_permille([deal(energy_wh, peer_wh + 1) for energy_wh, peer_wh in rows], SLOT)
    assert 0 <= before <= after <= 1000
