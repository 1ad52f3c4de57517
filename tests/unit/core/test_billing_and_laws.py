"""Deals, bills and laws: money is exact, and each law fails when it is broken."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.core.billing import bill_slot
from volthood.core.deals import Deal, Role, Status
from volthood.core.laws import HomeBooks, check_laws, grid_account, in_flight
from volthood.wire.market import Contract, Settlement

SELLER, BUYER = b"s" * 32, b"b" * 32


def contract(energy_wh: int = 1000, seller_price: int = 15000, buyer_price: int = 15000) -> bytes:
    fee = buyer_price - seller_price
    return Contract(
        hood=b"h" * 32,
        slot=900,
        gate=0,
        algorithm="mid-market/1",
        book=b"k" * 32,
        seller=SELLER,
        buyer=BUYER,
        energy_wh=energy_wh,
        seller_price=seller_price,
        buyer_price=buyer_price,
        path_fee=fee,
    ).to_cbor()


def settled(role: Role, own_wh: int, peer_wh: int, payload: bytes | None = None) -> Deal:
    return Deal(
        payload or contract(),
        role,
        b"buyer",
        b"seller",
        counted=True,
        own_wh=own_wh,
        peer_wh=peer_wh,
        own_settlement=b"own",
        peer_settlement=b"peer",
    )


@pytest.mark.parametrize(
    ("deal", "status"),
    [
        (Deal(contract(), Role.BUYER, b"sig"), Status.PROPOSED),
        (Deal(contract(), Role.BUYER, b"sig", b"sig", counted=True), Status.CONTRACTED),
        (settled(Role.BUYER, 1000, 1000), Status.COMPLETED),
        (settled(Role.BUYER, 1000, 999), Status.PARTIAL),
        (settled(Role.BUYER, 0, 1000), Status.FAILED),
        (replace(Deal(contract(), Role.BUYER), voided=True), Status.FAILED),
        (replace(settled(Role.BUYER, 1, 1), disputed=True), Status.DISPUTED),
    ],
    ids=lambda value: value.value if isinstance(value, Status) else "",
)
def test_status(deal: Deal, status: Status) -> None:
    assert deal.status is status


def test_an_allocation_is_stated_once() -> None:
    deal = Deal(contract(), Role.SELLER, counted=True).stated(700)
    assert deal.stated(300).own_wh == 700


def test_both_sides_sign_the_same_settlement() -> None:
    ours = Deal(contract(), Role.SELLER, own_wh=700, peer_wh=900).settlement()
    theirs = Deal(contract(), Role.BUYER, own_wh=900, peer_wh=700).settlement()
    assert ours is not None
    assert ours == theirs
    agreed = Settlement.from_cbor(ours)
    assert (agreed.seller_wh, agreed.buyer_wh, agreed.delivered_wh) == (700, 900, 700)


def test_a_buyers_slot_by_hand() -> None:
    """1,500 Wh used, 1,000 of it from a neighbour at 15 ct + 1 ct fee, the rest from the utility at 22 ct."""
    deal = settled(Role.BUYER, 1000, 1000, contract(buyer_price=16000))
    bill = bill_slot(900, 1500, 0, [deal], 22000, 8000)
    assert [(line.kind, line.amount_uct) for line in bill.lines] == [
        ("neighbour_bought", 15_000_000),
        ("grid_fee", 1_000_000),
        ("utility_import", 11_000_000),
    ]
    assert bill.total_uct == 27_000_000
    assert bill.utility_alone_uct == 33_000_000
    assert bill.saving_uct == 6_000_000


def test_a_sellers_slot_by_hand() -> None:
    """2,000 Wh fed in, 1,000 of it sold at 15 ct, the rest at the feed-in of 8 ct."""
    bill = bill_slot(900, 0, 2000, [settled(Role.SELLER, 1000, 1000)], 22000, 8000)
    assert bill.total_uct == -15_000_000 - 8_000_000
    assert bill.utility_alone_uct == -16_000_000


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(-50000, 50000), st.integers(-50000, 50000))
def test_without_deals_a_slot_costs_the_tariff(import_wh: int, export_wh: int, buy: int, sell: int) -> None:
    bill = bill_slot(900, import_wh, export_wh, [], buy, sell)
    assert bill.total_uct == bill.utility_alone_uct
    assert bill.saving_uct == 0


def books(buyer_deal: Deal, seller_deal: Deal, *, import_wh: int = 1000, export_wh: int = 1000) -> list[HomeBooks]:
    return [
        HomeBooks("b", BUYER, (bill_slot(900, import_wh, 0, [buyer_deal], 22000, 8000),), (buyer_deal,), 5, 5),
        HomeBooks("s", SELLER, (bill_slot(900, 0, export_wh, [seller_deal], 22000, 8000),), (seller_deal,), 5, 5),
    ]


GOOD = books(settled(Role.BUYER, 1000, 1000), settled(Role.SELLER, 1000, 1000))


def test_honest_books_break_no_law() -> None:
    assert all(verdict.holds for verdict in check_laws(GOOD).values())


def test_the_grid_account_receives_the_fee() -> None:
    payload = contract(buyer_price=16000)
    homes = books(settled(Role.BUYER, 1000, 1000, payload), settled(Role.SELLER, 1000, 1000, payload))
    assert grid_account(homes) == {settled(Role.SELLER, 1000, 1000, payload).id: 1_000_000}
    assert check_laws(homes)["money_sums_to_zero"].holds


def test_a_fee_that_the_grid_account_does_not_receive_is_money_lost() -> None:
    buyer, seller = books(
        *(settled(role, 1000, 1000, contract(buyer_price=16000)) for role in (Role.BUYER, Role.SELLER))
    )
    (bill,) = buyer.bills
    more = replace(bill.lines[1], amount_uct=bill.lines[1].amount_uct + 1)
    wrong = replace(buyer, bills=(replace(bill, lines=(bill.lines[0], more)),))
    verdict = check_laws([wrong, seller])["money_sums_to_zero"]
    assert not verdict.holds
    assert verdict.case.endswith("1 µct left over")


def test_a_settlement_on_its_way_is_judged_when_it_arrives() -> None:
    waiting = replace(settled(Role.SELLER, 1000, 1000), peer_settlement=None)
    homes = books(settled(Role.BUYER, 1000, 1000), waiting)
    assert in_flight(homes) == {waiting.id}
    assert all(verdict.holds for verdict in check_laws(homes).values())


DEAR = contract(seller_price=23000, buyer_price=23000)
BROKEN = {
    "no_regret": books(settled(Role.BUYER, 1000, 1000, DEAR), settled(Role.SELLER, 1000, 1000, DEAR)),
    "two_signatures": books(
        replace(settled(Role.BUYER, 1000, 1000), seller_signature=None), settled(Role.SELLER, 1000, 1000)
    ),
    "both_sides_agree": books(settled(Role.BUYER, 1000, 1000), settled(Role.SELLER, 900, 900)),
    "money_sums_to_zero": books(settled(Role.BUYER, 1000, 1000), replace(settled(Role.SELLER, 1, 1), voided=True)),
    "no_wh_allocated_twice": books(settled(Role.BUYER, 1000, 1000), settled(Role.SELLER, 1000, 1000), export_wh=999),
    "all_records_verified": [replace(GOOD[0], records_verified=4), GOOD[1]],
}


@pytest.mark.parametrize("law", sorted(BROKEN))
def test_each_law_fails_when_it_is_broken(law: str) -> None:
    verdict = check_laws(BROKEN[law])[law]
    assert not verdict.holds
    assert verdict.case


def test_every_law_has_a_case_that_breaks_it() -> None:
    assert set(BROKEN) == set(check_laws(GOOD))
