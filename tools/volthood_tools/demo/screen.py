"""What a person sees: a live table on a terminal, plain lines everywhere else."""

import time
from collections.abc import Sequence
from typing import Protocol, Self
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from volthood.cli.text import local, money, price
from volthood.core.deals import Deal, Role
from volthood.wire.market import BUY, WATCH
from volthood_tools.demo.dataset import SLOT_S
from volthood_tools.demo.plan import RunPlan
from volthood_tools.demo.watch import HomeView, HoodView

REFRESH_PER_S = 4
NEWS_LINES = 4
COLUMNS = ("W now", "forecast", "order", "price", "agreed", "trades", "kWh", "paid", "alone", "saved")


class Screen(Protocol):
    """Where a run is shown."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_exc: object) -> None:
        """End."""

    def show(self, view: HoodView) -> None:
        """How all homes stand."""

    def tell(self, news: str) -> None:
        """Something happened."""


def make_screen(console: Console, plan: RunPlan, zone: ZoneInfo, currency: str) -> "TableScreen | LineScreen":
    """The screen for a console: a table where there is a terminal."""
    if console.is_terminal:
        return TableScreen(console, plan, zone, currency)
    return LineScreen(console, plan, zone, currency)


class TableScreen:
    """A table that is drawn anew a few times a second."""

    def __init__(self, console: Console, plan: RunPlan, zone: ZoneInfo, currency: str) -> None:
        self._plan = plan
        self._zone = zone
        self._currency = currency
        self._news: list[str] = []
        self._live = Live(console=console, refresh_per_second=REFRESH_PER_S, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._live.stop()

    def show(self, view: HoodView) -> None:
        """Draw how all homes stand."""
        foot = [Text(line, style="yellow") for line in self._news[-NEWS_LINES:]]
        self._live.update(Group(self._progress(view), self._table(view), *foot))

    def tell(self, news: str) -> None:
        """Keep a line under the table."""
        self._news.append(f"{time.strftime('%H:%M:%S')} {news}")

    def _progress(self, view: HoodView) -> Table:
        plan = self._plan
        begin_s = plan.calendar_start_s
        done = min(max(view.now_s - begin_s, 0), plan.end_s - begin_s)
        left_s = (plan.end_s - begin_s - done) // plan.speed
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(no_wrap=True)
        row.add_column(ratio=1)
        row.add_column(no_wrap=True)
        clock = f"{local(view.now_s, self._zone):%a %d %b %Y %H:%M %Z}"
        row.add_row(clock, ProgressBar(total=plan.end_s - begin_s, completed=done), f"about {left_s} s left")
        return row

    def _table(self, view: HoodView) -> Table:
        slot = local(view.now_s // SLOT_S * SLOT_S + SLOT_S, self._zone)
        table = Table(box=None, pad_edge=False, collapse_padding=True, caption_justify="left")
        table.caption = (
            f"Forecast, order and contracts of {slot:%H:%M} in Wh; the rest since the start, in {self._currency}."
        )
        table.add_column("home", overflow="ellipsis", no_wrap=True)
        for name in COLUMNS:
            table.add_column(name, justify="right", no_wrap=True)
        for home in view.homes:
            table.add_row(*home_cells(home))
        return table


class LineScreen:
    """A line for each slot, and one for each thing that happens: for logs and pipes."""

    def __init__(self, console: Console, plan: RunPlan, zone: ZoneInfo, currency: str) -> None:
        self._console = console
        self._plan = plan
        self._zone = zone
        self._currency = currency
        self._slot = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        return

    def show(self, view: HoodView) -> None:
        """Print a line when a new slot has begun."""
        slot = view.now_s // SLOT_S * SLOT_S
        if slot == self._slot:
            return
        self._slot = slot
        bought_wh = sum(home.bought_wh for home in view.homes)
        saved_uct = sum(home.utility_alone_uct - home.paid_uct for home in view.homes)
        agreed_wh = sum(deal.contract.energy_wh for home in view.homes for deal in home.deals) // 2
        self.tell(
            f"{local(slot, self._zone):%H:%M}  next slot: {agreed_wh} Wh agreed; so far {view.settled} contracts settled,"
            f" {bought_wh} Wh delivered, {money(saved_uct)} {self._currency} saved"
        )

    def tell(self, news: str) -> None:
        """Print a line."""
        self._console.print(news, markup=False, highlight=False, soft_wrap=True)


def home_cells(home: HomeView) -> list[str]:
    """A home's row: eighty columns of a terminal hold it."""
    return [
        home.house,
        "" if home.power_w is None else str(home.power_w),
        "" if home.note is None or home.note.forecast_net_wh is None else str(home.note.forecast_net_wh),
        _order(home),
        _price(home),
        str(sum(deal.contract.energy_wh for deal in home.deals)) if home.deals else "",
        str(home.settled),
        f"{(home.bought_wh + home.sold_wh) / 1000:.2f}",
        money(home.paid_uct),
        money(home.utility_alone_uct),
        money(home.utility_alone_uct - home.paid_uct),
    ]


def _order(home: HomeView) -> str:
    note = home.note
    if not home.trading:
        return "off"
    if note is None:
        return ""
    if note.side == WATCH:
        return "nothing"
    return f"{'buy' if note.side == BUY else 'sell'} {note.order_wh}"


def _price(home: HomeView) -> str:
    """What the home pays or gets on average for what was agreed; before that the order's limit."""
    energy_wh = sum(deal.contract.energy_wh for deal in home.deals)
    if energy_wh:
        return _short(sum(deal.contract.energy_wh * _own_price(deal) for deal in home.deals) // energy_wh)
    if home.note is None or home.note.limit_mct_per_kwh is None:
        return ""
    return _short(home.note.limit_mct_per_kwh)


def _own_price(deal: Deal) -> int:
    contract = deal.contract
    return contract.buyer_price if deal.role is Role.BUYER else contract.seller_price


def _short(mct_per_kwh: int) -> str:
    """A price with three decimals, where space is short."""
    return price(mct_per_kwh)[:-2]


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of words as lines with aligned columns, the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) if not number else cell.rjust(width) for number, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]
