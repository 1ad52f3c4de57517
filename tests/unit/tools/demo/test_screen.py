"""What a person sees of a run, on a terminal and in a pipe."""

import io
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from volthood.core.deals import Deal, Role
from volthood.ports.stores import SlotNote
from volthood.wire.market import BUY, SELL, WATCH, Contract
from volthood_tools.demo.plan import RunPlan
from volthood_tools.demo.run import PATIENCE_S, is_over
from volthood_tools.demo.screen import LineScreen, TableScreen, columns, home_cells, make_screen
from volthood_tools.demo.watch import HomeView, HoodView

START = 1_472_227_200
PLAN = RunPlan(START, 4, 120, 2)
ZONE = ZoneInfo("America/Los_Angeles")


def note(side: int, order_wh: int, limit: int | None) -> SlotNote:
    return SlotNote(START, 0, -320, -400, -200, "like_days", side, order_wh, limit, 22_000, 8_000, "forecast")


def view_of(house: str, side: int = SELL, order_wh: int = 320, limit: int | None = 8_000) -> HomeView:
    return HomeView(house, -1556, True, note(side, order_wh, limit), (), 3, 0, 440, -6_290_000, -3_170_000)


@pytest.mark.parametrize(
    ("side", "order_wh", "limit", "shown"),
    [
        (SELL, 320, 8_000, ["sell 320", "0.080"]),
        (BUY, 50, 22_000, ["buy 50", "0.220"]),
        (WATCH, 0, None, ["nothing", ""]),
    ],
)
def test_a_homes_row(side: int, order_wh: int, limit: int | None, shown: list[str]) -> None:
    cells = home_cells(view_of("house01", side, order_wh, limit))
    assert cells[:5] == ["house01", "-1556", "-320", *shown]
    assert cells[-4:] == ["0.44", "-0.0629", "-0.0317", "0.0312"]


@pytest.mark.parametrize(("role", "shown"), [(Role.BUYER, "0.153"), (Role.SELLER, "0.147")])
def test_a_homes_price_is_the_mean_of_what_it_pays_or_gets(role: Role, shown: str) -> None:
    deals = tuple(
        Deal(contract(wh, seller_price, buyer_price), role)
        for wh, seller_price, buyer_price in ((100, 15_000, 15_000), (300, 14_600, 15_400))
    )
    assert home_cells(replace(view_of("house01"), deals=deals))[4] == shown


def contract(energy_wh: int, seller_price: int, buyer_price: int) -> bytes:
    return Contract(
        hood=bytes(32),
        slot=START,
        gate=0,
        algorithm="mid-market/1",
        book=bytes(32),
        seller=b"s" * 32,
        buyer=b"b" * 32,
        energy_wh=energy_wh,
        seller_price=seller_price,
        buyer_price=buyer_price,
        path_fee=buyer_price - seller_price,
    ).to_cbor()


def test_a_home_whose_agent_has_not_started_has_an_empty_row() -> None:
    cells = home_cells(HomeView("house01", None, True, None, (), 0, 0, 0, 0, 0))
    assert cells[:5] == ["house01", "", "", "", ""]


def test_a_home_that_does_not_trade_says_so() -> None:
    view = HomeView("house01", 5, False, None, (), 0, 0, 0, 0, 0)
    assert home_cells(view)[3] == "off"


def test_a_pipe_gets_a_line_for_each_slot() -> None:
    out = io.StringIO()
    screen = make_screen(Console(file=out), PLAN, ZONE, "USD")
    assert isinstance(screen, LineScreen)
    with screen:
        for now_s in (START, START + 60, START + 900):
            screen.show(HoodView(now_s, (view_of("house01"), view_of("house02"))))
        screen.tell("agent-house01 was ended by SIGKILL; it starts again at once")
    lines = out.getvalue().splitlines()
    assert [line[:5] for line in lines] == ["09:00", "09:15", "agent"]
    assert "3 contracts settled" in lines[0]
    assert "0.0624 USD saved" in lines[0]


def test_a_terminal_gets_a_table_with_the_calendar_and_the_news() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24)
    screen = make_screen(console, PLAN, ZONE, "USD")
    assert isinstance(screen, TableScreen)
    with screen:
        screen.tell("node-house02 ended with status 1; it starts again at once")
        screen.show(HoodView(START + 60, (view_of("house01"), view_of("house02"))))
    shown = out.getvalue()
    for text in (
        "Fri 26 Aug 2016 09:01 PDT",
        "contracts of 09:15",
        "house02",
        "sell 320",
        "0.080",
        "node-house02 ended",
    ):
        assert text in shown


@pytest.mark.parametrize(
    ("after_s", "all_settled", "over"),
    [(0, True, False), (1, True, True), (1, False, False), (PATIENCE_S * 120 + 1, False, True)],
)
def test_a_run_ends_when_all_is_settled_or_patience_is_over(after_s: int, all_settled: bool, over: bool) -> None:
    assert is_over(PLAN, HoodView(PLAN.end_s + after_s, ()), all_settled) is over


def test_columns_are_aligned() -> None:
    assert columns([["home", "Wh"], ["house01", "5"]]) == ["home     Wh", "house01   5"]
