"""Transactions as others read them: exact numbers, one for each contract, the graver view of two."""

import json
import re
from dataclasses import replace

import pytest

from volthood.core.deals import Deal, Role, Status
from volthood.core.grid import GridMap
from volthood.wire.market import Contract
from volthood_tools.demo.result import HomeResult, HomeSlot, RunResult
from volthood_tools.demo.transactions import Transaction, to_json, transactions

SLOT = 1_472_227_200
SELLER, BUYER = bytes([1]) * 32, bytes([2]) * 32
FIELDS = ["transaction_id", "seller", "buyer", "energy_amount_kwh", "price_per_kwh", "timestamp", "status"]


def contract(energy_wh: int = 500, slot: int = SLOT) -> bytes:
    return Contract(
        hood=bytes(32),
        slot=slot,
        gate=0,
        algorithm="mid-market/1",
        book=bytes(32),
        seller=SELLER,
        buyer=BUYER,
        energy_wh=energy_wh,
        seller_price=15_000,
        buyer_price=15_010,
        path_fee=10,
    ).to_cbor()


def side(role: Role, payload: bytes, **changes: object) -> Deal:
    """A settled deal as one side keeps it; 400 Wh were allocated by both."""
    kept: dict[str, object] = {
        "buyer_signature": b"b",
        "seller_signature": b"s",
        "counted": True,
        "own_wh": 400,
        "peer_wh": 400,
        "own_settlement": b"o",
        "peer_settlement": b"p",
    }
    return replace(Deal(payload=payload, role=role), **(kept | changes))  # type: ignore[arg-type]


def result(*deals: Deal) -> RunResult:
    def home(house: str, agent: bytes, role: Role) -> HomeResult:
        own = tuple(deal for deal in deals if deal.role is role)
        return HomeResult(house, agent, True, "", "root", (HomeSlot(SLOT, None, (), own, 22_000, 8_000),))

    homes = (home("house01", SELLER, Role.SELLER), home("house02", BUYER, Role.BUYER))
    return RunResult(homes, (SLOT,), 900, (), (), "USD", "UTC", "mid-market", GridMap(), 120, (), {}, 0, {}, None, 1.0)


def test_a_contract_of_two_sides_is_one_transaction() -> None:
    payload = contract()
    (row,) = transactions(result(side(Role.BUYER, payload), side(Role.SELLER, payload)))
    assert (row.seller, row.buyer) == ("house01", "house02")
    assert (row.energy_wh, row.price_mct_per_kwh, row.status) == (400, 15_010, Status.PARTIAL)
    assert row.transaction_id == side(Role.BUYER, payload).id.hex()


@pytest.mark.parametrize(
    ("buyer", "seller", "status", "energy_wh"),
    [
        ({}, {}, Status.PARTIAL, 400),
        ({"own_wh": 500, "peer_wh": 500}, {"own_wh": 500, "peer_wh": 500}, Status.COMPLETED, 500),
        ({"own_wh": 0}, {"peer_wh": 0}, Status.FAILED, 0),
        ({"voided": True}, {}, Status.FAILED, 0),
        ({"disputed": True}, {}, Status.DISPUTED, 0),
        ({}, {"peer_settlement": None}, Status.CONTRACTED, 0),
        ({"counted": False}, {}, Status.CONTRACTED, 0),
    ],
)
def test_the_graver_view_of_both_sides_counts(
    buyer: dict[str, object], seller: dict[str, object], status: Status, energy_wh: int
) -> None:
    payload = contract()
    (row,) = transactions(result(side(Role.BUYER, payload, **buyer), side(Role.SELLER, payload, **seller)))
    assert (row.status, row.energy_wh) == (status, energy_wh)


def test_what_only_one_has_signed_is_no_transaction() -> None:
    lone = side(Role.BUYER, contract(), seller_signature=None, counted=False, own_settlement=None)
    assert transactions(result(lone)) == []


def test_they_are_printed_with_exactly_the_markets_fields() -> None:
    row = Transaction("ab" * 32, "house01", "house02", 1_050, 15_010, SLOT, Status.COMPLETED)
    (read,) = json.loads(to_json([row]))
    assert list(read) == FIELDS
    assert read["timestamp"] == "2016-08-26T16:00:00Z"
    assert read["status"] == "completed"
    assert '"energy_amount_kwh": 1.050,' in row.to_json()
    assert '"price_per_kwh": 0.15010,' in row.to_json()


@pytest.mark.parametrize(("price", "printed"), [(-5, "-0.00005"), (0, "0.00000"), (250_000, "2.50000")])
def test_prices_are_printed_from_integers(price: int, printed: str) -> None:
    row = Transaction("ab" * 32, "a", "b", 7, price, SLOT, Status.PARTIAL)
    assert re.search(r'"price_per_kwh": (\S+),', row.to_json()).group(1) == printed  # type: ignore[union-attr]
    assert '"energy_amount_kwh": 0.007,' in row.to_json()


def test_a_run_without_trades_has_an_empty_list() -> None:
    assert json.loads(to_json([])) == []
