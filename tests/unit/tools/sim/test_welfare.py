"""Welfare of a slot: money kept in the hood, beside the most that could have been kept."""

import pytest

from volthood.core.deals import Deal, Role
from volthood.core.hood import Hood, Member, ReferenceStep
from volthood.core.tariff import Price
from volthood.wire.market import Contract
from volthood_tools.sim.welfare import Metered, optimum_uct, slot_figures

AGENTS = {name: name.encode() * 32 for name in "abc"}
HOOD = Hood(
    hood_id=bytes(32),
    currency="EUR",
    reference=(ReferenceStep(0, 8000, 22000),),
    members=tuple(Member(agent, name, 17_250, "root") for name, agent in AGENTS.items()),
)
FLAT = Price(22_000, 8_000)


def home(name: str, net_wh: int, price: Price = FLAT, *deals: Deal) -> Metered:
    return Metered(AGENTS[name], net_wh, price, deals)


def bought(energy_wh: int, delivered_wh: int, path_fee: int = 0) -> Deal:
    contract = Contract(
        hood=bytes(32),
        slot=900,
        gate=0,
        algorithm="mid-market/1",
        book=bytes(32),
        seller=AGENTS["b"],
        buyer=AGENTS["a"],
        energy_wh=energy_wh,
        seller_price=15_000,
        buyer_price=15_000 + path_fee,
        path_fee=path_fee,
    )
    settled = {"own_settlement": b"o", "peer_settlement": b"p", "own_wh": delivered_wh, "peer_wh": energy_wh}
    return Deal(contract.to_cbor(), Role.BUYER, b"b", b"s", counted=True, **settled)  # type: ignore[arg-type]


def test_with_flat_prices_the_optimum_is_the_smaller_side_times_the_spread() -> None:
    homes = [home("a", 500), home("b", -300), home("c", -100)]
    assert optimum_uct(900, HOOD, homes) == 400 * 14_000


def test_with_mixed_prices_the_best_pairs_come_first() -> None:
    homes = [
        home("a", 100, Price(30_000, 8_000)),
        home("b", -150, Price(22_000, 5_000)),
        home("c", 100, Price(4_000, 1_000)),
    ]
    assert optimum_uct(900, HOOD, homes) == 100 * 25_000


@pytest.mark.parametrize(
    "homes", [[], [home("a", 100)], [home("a", -100), home("b", -100)], [home("a", 0), home("b", 0)]]
)
def test_where_nothing_can_be_gained_nothing_is_lost(homes: list[Metered]) -> None:
    figures = slot_figures(900, HOOD, homes)
    assert (figures.optimum_uct, figures.share) == (0, 1.0)


def test_a_slot_counts_what_was_delivered() -> None:
    figures = slot_figures(900, HOOD, [home("a", 500, FLAT, bought(300, 200, 1000)), home("b", -400)])
    assert (figures.import_wh, figures.export_wh, figures.delivered_wh) == (500, 400, 200)
    assert figures.welfare_uct == 200 * (14_000 - 1000)
    assert figures.optimum_uct == 400 * 14_000
    assert (figures.contracts, figures.pending) == (1, 0)
