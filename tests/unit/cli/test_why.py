"""The story of a slot as `why` tells it, for people and for programs."""

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from volthood.cli.household import RefusedTrade, SlotStory
from volthood.cli.status import State, lines_of
from volthood.cli.why import Teller
from volthood.core.billing import bill_slot
from volthood.core.deals import Deal, Role
from volthood.core.energy import Quality, SlotEnergy
from volthood.ports.stores import RoundNote, SlotNote
from volthood.wire.market import BUY, WATCH, Contract

SLOT = 1_472_227_200
SELLER, BUYER = bytes([1]) * 32, bytes([2]) * 32


def note(gate: int, side: int, order_wh: int, reason: str) -> SlotNote:
    forward = gate == 0
    return SlotNote(
        slot=SLOT,
        gate=gate,
        forecast_net_wh=320 if forward else None,
        forecast_low_wh=210 if forward else None,
        forecast_high_wh=480 if forward else None,
        forecast_method="like_days",
        side=side,
        order_wh=order_wh,
        limit_mct_per_kwh=22_000 if order_wh else None,
        import_mct_per_kwh=22_000,
        export_mct_per_kwh=8_000,
        reason=reason,
    )


def bought(seller_price: int = 15_000, buyer_price: int = 15_000) -> Deal:
    payload = Contract(
        hood=bytes(32),
        slot=SLOT,
        gate=0,
        algorithm="mid-market/1",
        book=bytes(32),
        seller=SELLER,
        buyer=BUYER,
        energy_wh=120,
        seller_price=seller_price,
        buyer_price=buyer_price,
        path_fee=buyer_price - seller_price,
    ).to_cbor()
    return Deal(payload, Role.BUYER, b"b", b"s", True, False, False, 120, 118, b"e", b"o", b"p")


@pytest.fixture
def teller() -> Teller:
    deal = bought()
    story = SlotStory(
        slot=SLOT,
        notes=(note(0, BUY, 320, "forecast"), note(255, WATCH, 0, "all metered energy is contracted")),
        rounds=(RoundNote(SLOT, 0, 3, 3, 180, 15_000, bytes(32)), RoundNote(SLOT, 255, 3, 3, 0, None, bytes(32))),
        deals=(deal,),
        energy=SlotEnergy(SLOT, 298, 0, Quality.MEASURED),
        bill=bill_slot(SLOT, 298, 0, [deal], 22_000, 8_000),
    )
    zone = ZoneInfo("America/Los_Angeles")
    return Teller("house02", story, 900, "USD", zone, {SELLER: "house01", BUYER: "house02"}, trading=True)


def test_a_slot_from_forecast_to_money(teller: Teller) -> None:
    assert teller.lines() == [
        "house02, Fri 26 Aug 2016 09:00 to 09:15 PDT (2016-08-26T16:00:00Z)",
        "  forecast   import 320 Wh (between import 210 Wh and import 480 Wh most likely; like_days)",
        "  ordered    before the slot: buy 320 Wh at up to 0.22000 USD/kWh (forecast)",
        "  ordered    after the slot: nothing (all metered energy is contracted)",
        "  cleared    before the slot: 3 orders in the book, 180 Wh traded by all at 0.15000 USD/kWh",
        "  cleared    after the slot: 3 orders in the book, and nothing to trade between them",
        "  agreed     before the slot: 120 Wh from house01 at 0.15000 USD/kWh; partial, 118 Wh delivered",
        "  metered    import 298 Wh, export 0 Wh",
        "  paid          0.0177 USD: 118 Wh from house01 at 0.15000 USD/kWh",
        "  paid          0.0396 USD: 180 Wh from the utility at 0.22000 USD/kWh",
        "  in all        0.0573 USD",
        "  alone         0.0656 USD: all at the utility's tariff; trading saved 0.0083 USD",
    ]


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (Role.BUYER, "120 Wh from house01 at 0.14600 USD/kWh + 0.00800 for the grid; partial"),
        (Role.SELLER, "120 Wh to house02 at 0.14600 USD/kWh (the buyer pays 0.00800 more, for the grid); partial"),
    ],
)
def test_the_grids_part_of_a_price_is_told(teller: Teller, role: Role, words: str) -> None:
    deal = replace(bought(14_600, 15_400), role=role)
    bill = bill_slot(SLOT, 298, 0, [deal], 22_000, 8_000)
    rounds = (replace(teller.story.rounds[0], price_mct_per_kwh=None),)
    lines = replace(teller, story=replace(teller.story, rounds=rounds, deals=(deal,), bill=bill)).lines()
    assert any(words in line for line in lines)
    assert any("180 Wh traded by all, at prices that differ by the way through the grid" in line for line in lines)


def test_the_grid_fee_has_its_own_line(teller: Teller) -> None:
    deal = bought(15_000, 15_800)
    bill = bill_slot(SLOT, 298, 0, [deal], 22_000, 8_000)
    lines = replace(teller, story=replace(teller.story, deals=(deal,), bill=bill)).lines()
    assert "  paid          0.0177 USD: 118 Wh from house01 at 0.15000 USD/kWh" in lines
    assert "  paid          0.0009 USD: 118 Wh grid fee on the way from house01 at 0.00800 USD/kWh" in lines


def test_a_trade_refused_by_standing_is_named_on_the_own_side(teller: Teller) -> None:
    story = replace(teller.story, deals=(), refused=(RefusedTrade(0, "house01", 120, 250),))
    told = replace(teller, story=story)
    line = "  refused    before the slot: 120 Wh with house01, not signed: its standing 0.250 is below what this home asks for"
    assert line in told.lines()
    refused = [{"gate": 0, "peer": "house01", "energy_wh": 120, "standing_permille": 250}]
    assert json.loads(json.dumps(told.as_json()))["refused"] == refused


def test_a_slot_that_has_not_been_metered_says_what_is_missing(teller: Teller) -> None:
    empty = replace(teller, story=SlotStory(SLOT, (), (), (), None, None), trading=False)
    assert [line.split(maxsplit=1)[0] for line in empty.lines()[1:]] == [
        "forecast",
        "ordered",
        "agreed",
        "metered",
        "now",
    ]
    assert "not yet: both edges of the slot are needed" in empty.lines()[4]


def test_the_story_in_json_is_exact(teller: Teller) -> None:
    told = json.loads(json.dumps(teller.as_json()))
    assert told["slot"] == "2016-08-26T16:00:00Z"
    assert told["local"] == "2016-08-26T09:00:00-07:00"
    assert [order["side"] for order in told["orders"]] == ["buy", "watch"]
    assert told["contracts"][0] | {"contract": ""} == {
        "contract": "",
        "gate": 0,
        "role": "buyer",
        "peer": "house01",
        "energy_wh": 120,
        "buyer_price_mct_per_kwh": 15_000,
        "seller_price_mct_per_kwh": 15_000,
        "path_fee_mct_per_kwh": 0,
        "status": "partial",
        "delivered_wh": 118,
    }
    assert told["metered"] == {"import_wh": 298, "export_wh": 0}
    assert told["bill"]["total_uct"] == 118 * 15_000 + 180 * 22_000
    assert told["bill"]["utility_alone_uct"] == 298 * 22_000


def test_status_in_lines() -> None:
    state = State("house01", True, "USD", "2016-08-26T17:00:18Z", -1556, 6, 8, 5, 440, -6_285_000, -3_170_000, 0, None)
    assert lines_of(state) == [
        "house01: trading on; exporting 1556 W at 2016-08-26T17:00:18Z",
        "  6 slots: bought 5 Wh from and sold 440 Wh to neighbours in 8 settled contracts",
        "  paid -0.0629 USD; the utility alone -0.0317; trading saved 0.0312",
    ]
    refused = replace(state, trading=False, power_w=None, refused=2, last_refused="reason=stranger")
    assert lines_of(refused)[0] == "house01: trading off; the meter has not been read yet"
    heated = replace(state, sub_meters_w={2: -40, 1: 1900})
    assert lines_of(heated)[3:] == ["  behind the connection: meter 1 1900 W, meter 2 -40 W"]
    unsure = replace(state, metered_at=None, clock_doubt="the system's clock is not synchronised")
    assert lines_of(unsure)[0].endswith("exporting 1556 W by a node that does not know the time yet")
    assert lines_of(unsure)[3] == "  sits rounds out: the system's clock is not synchronised"
    assert lines_of(refused)[3] == "  2 messages refused, the last: reason=stranger"
