"""report.html: every figure equals what the run's stores say, nothing breaks out of the markup, nothing is loaded.

The runs come from the real engine in one process. Sums are made here anew from bills and deals, not by the report's own
`figures`; the page is read through the exact numbers that its `<data>` elements carry.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from volthood.core.deals import Deal, Role
from volthood.core.laws import Verdict
from volthood_tools.demo.example import example_run
from volthood_tools.demo.report import report, write_report
from volthood_tools.demo.result import HomeResult, RunResult

VOID = {"meta", "link", "br"}
SHAPES = {"path", "rect"}
LOADING = {"src", "href", "srcset", "action", "data", "poster"}


@dataclass
class Element:
    """One element of the page."""

    name: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)

    def all(self, name: str) -> Iterator["Element"]:
        """Every element of a name inside, in the order of the page."""
        for child in self.children:
            if isinstance(child, Element):
                if child.name == name:
                    yield child
                yield from child.all(name)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()


class Page(HTMLParser):
    """A strict reader: every element is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(text)
        self.close()
        assert [element.name for element in self._open] == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES
        self._open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def figures(self, name: str) -> list[int]:
        """The exact numbers of a class, in the order of the page."""
        return [int(data.attributes["value"]) for data in self.root.all("data") if name in data.classes]

    def figure(self, name: str) -> int:
        (value,) = self.figures(name)
        return value

    def section(self, anchor: str) -> Element:
        return next(part for part in self.root.all("section") if part.attributes["id"] == anchor)


@pytest.fixture(scope="module", params=["mid-market", "auction"])
def run(request: pytest.FixtureRequest) -> RunResult:
    return example_run(homes=4, slots=5, price_rule=request.param)


@pytest.fixture(scope="module")
def page(run: RunResult) -> Page:
    return Page(report(run))


def deals(run: RunResult, role: Role) -> list[Deal]:
    return [deal for home in run.homes for slot in home.slots for deal in slot.deals if deal.role is role]


def delivered_wh(run: RunResult, role: Role) -> int:
    return sum(min(deal.own_wh or 0, deal.peer_wh or 0) for deal in deals(run, role) if deal.settled)


def paid_uct(home: HomeResult) -> int:
    """From metered energy, deals and tariff: as an auditor would."""
    total = 0
    for slot in home.slots:
        assert slot.bill is not None
        import_wh, export_wh = slot.bill.import_wh, slot.bill.export_wh
        for deal in slot.deals:
            wh = deal.delivered_wh
            if deal.role is Role.BUYER:
                total, import_wh = total + wh * deal.contract.buyer_price, import_wh - wh
            else:
                total, export_wh = total - wh * deal.contract.seller_price, export_wh - wh
        total += import_wh * slot.import_mct_per_kwh - export_wh * slot.export_mct_per_kwh
    return total


def alone_uct(home: HomeResult) -> int:
    bills = [(slot, slot.bill) for slot in home.slots if slot.bill is not None]
    return sum(
        bill.import_wh * slot.import_mct_per_kwh - bill.export_wh * slot.export_mct_per_kwh for slot, bill in bills
    )


def grid_uct(run: RunResult) -> int:
    bought = deals(run, Role.BUYER)
    return sum(deal.delivered_wh * (deal.contract.buyer_price - deal.contract.seller_price) for deal in bought)


def near(per_mille: int, part: int, whole: int) -> bool:
    return abs(per_mille * whole - 1000 * part) * 2 <= whole


def test_the_run_is_worth_a_report(run: RunResult) -> None:
    assert delivered_wh(run, Role.BUYER) > 500
    assert len({deal.status for deal in deals(run, Role.BUYER)}) > 1


def test_key_figures(run: RunResult, page: Page) -> None:
    traded_wh = delivered_wh(run, Role.BUYER)
    bills = [slot.bill for home in run.homes for slot in home.slots if slot.bill is not None]
    paid, alone = sum(map(paid_uct, run.homes)), sum(map(alone_uct, run.homes))
    assert traded_wh == delivered_wh(run, Role.SELLER) == page.figure("f-traded")
    assert page.figure("f-saved") == alone - paid
    assert page.figure("f-alone") == alone
    assert near(page.figure("f-saved-share"), alone - paid, alone)
    assert near(page.figure("f-share"), traded_wh, sum(bill.import_wh for bill in bills))
    assert near(page.figure("f-kept"), traded_wh, sum(bill.export_wh for bill in bills))
    assert page.figure("f-grid") == page.figure("g-grid") == grid_uct(run)
    assert page.figure("f-trades") == sum(deal.delivered_wh > 0 for deal in deals(run, Role.BUYER))


def test_the_grid(run: RunResult, page: Page) -> None:
    """Every delivered Wh is inside a street or goes up and down; each pair of streets stands once."""
    bought = [deal for deal in deals(run, Role.BUYER) if deal.delivered_wh]
    node = {home.agent: home.node for home in run.homes}
    far_wh = sum(deal.delivered_wh for deal in bought if node[deal.contract.seller] != node[deal.contract.buyer])
    assert page.figure("f-away") == far_wh > 0
    ways, pairs = page.section("grid").all("table")
    rows = {next(row.all("th")).text: numbers(row) for row in body_rows(ways)}
    assert list(rows) == ["substation", "north", "south"]
    assert sum(row[2] or 0 for row in rows.values()) == delivered_wh(run, Role.BUYER) - far_wh
    assert (rows["north"][3], rows["north"][4]) == (rows["south"][4], rows["south"][3])
    assert (rows["north"][3] or 0) + (rows["north"][4] or 0) == far_wh
    assert len(body_rows(pairs)) == len({(node[deal.contract.seller], node[deal.contract.buyer]) for deal in bought})
    assert sum(page.figures("g-energy")) == delivered_wh(run, Role.BUYER)


def test_the_drawing_of_the_grid_names_everything_in_both_forms(page: Page) -> None:
    wide, narrow = (svg for svg in page.section("grid").all("svg"))
    assert wide.attributes["aria-label"] == narrow.attributes["aria-label"]
    assert wide.attributes["aria-label"] == (
        "Grid map: substation; north behind substation, fee 0.40 ct with House 1, House 4; "
        "south behind substation, fee 0.40 ct with House 2, House 3"
    )
    for form in (wide, narrow):
        words = [text.text for text in form.all("text")]
        assert {"substation", "north", "south", "House 1 · PV", "House 2", "House 3 · PV", "House 4"} <= set(words)
        assert words.count("0.40 ct/kWh") == 2
        lines = [path for path in form.all("path") if path.attributes["class"] == "way"]
        assert len(lines) == 2


def test_the_example_tells_the_fee(page: Page) -> None:
    told = page.section("why").text
    assert re.search(r"From House \d \((north|south)\) to House \d \((north|south)\)", told)
    assert "lines with fees of 0.80 ct together" in told
    assert "and 0.80 ct went to the grid." in told


def test_one_node_needs_no_fee() -> None:
    page = Page(report(example_run(homes=2, slots=2, grid="one")))
    assert page.figure("f-grid") == 0
    assert "this grid has no fees" in page.section("figures").text
    assert "no trade pays a fee" in page.section("grid").text
    assert "lines with fees" not in page.section("why").text


def test_the_price_range(run: RunResult, page: Page) -> None:
    prices = {deal.contract.buyer_price for deal in deals(run, Role.BUYER) if deal.delivered_wh}
    shown = page.figures("f-price") or [page.figure("f-price-low"), page.figure("f-price-high")]
    assert {min(shown), max(shown)} == {min(prices), max(prices)}


def test_each_home(run: RunResult, page: Page) -> None:
    assert page.figures("h-paid") == [paid_uct(home) for home in run.homes]
    assert page.figures("h-alone") == [alone_uct(home) for home in run.homes]
    assert page.figures("h-saved") == [alone_uct(home) - paid_uct(home) for home in run.homes]


def test_the_table_of_homes(run: RunResult, page: Page) -> None:
    table = next(page.section("all-homes").all("table"))
    rows = [numbers(row) for row in body_rows(table)]
    assert [row[2] for row in rows] == [paid_uct(home) for home in run.homes]
    assert [row[4] for row in rows] == [alone_uct(home) - paid_uct(home) for home in run.homes]
    assert sum(row[0] or 0 for row in rows) == sum(row[1] or 0 for row in rows) == delivered_wh(run, Role.BUYER)


def body_rows(table: Element) -> list[Element]:
    return [row for body in table.all("tbody") for row in body.all("tr")]


def numbers(row: Element) -> list[int | None]:
    """A row's cells behind its name: the sum of the exact numbers in each; None where there is none."""
    cells = [[int(data.attributes["value"]) for data in cell.all("data")] for cell in row.all("td")]
    return [sum(found) if found else None for found in cells]


def test_every_foot_is_the_sum_of_its_rows(page: Page) -> None:
    tables = [table for table in page.root.all("table") if list(table.all("tfoot"))]
    assert len(tables) == 1 + 1 + 4 + 1
    for table in tables:
        rows = [numbers(row) for row in body_rows(table)]
        (foot,) = [numbers(row) for part in table.all("tfoot") for row in part.all("tr")]
        head = [cell.text for part in table.all("thead") for cell in part.all("th")][1:]
        for place, (name, total) in enumerate(zip(head, foot, strict=True)):
            if total is not None and "%" not in name:
                assert total == sum(row[place] or 0 for row in rows), name


def test_every_row_has_a_cell_for_every_heading(page: Page) -> None:
    for table in page.root.all("table"):
        width = sum(1 for part in table.all("thead") for _ in part.all("th"))
        assert {len([*row.all("th"), *row.all("td")]) for row in body_rows(table)} <= {width}
        assert next(table.all("caption")).text


def test_every_transaction_stands_once(run: RunResult, page: Page) -> None:
    shown = [code.attributes["title"] for code in page.section("trades").all("code")]
    assert sorted(shown) == sorted(deal.id.hex() for deal in deals(run, Role.BUYER))
    assert sum(page.figures("t-delivered")) == delivered_wh(run, Role.BUYER)


def test_the_example_round_has_the_orders_of_the_run(run: RunResult, page: Page) -> None:
    table = next(page.section("why").all("table"))
    agreed = [numbers(row)[3] for row in body_rows(table)]
    rounds = defaultdict(list)
    for deal in deals(run, Role.BUYER):
        if deal.contract.gate == 0:
            rounds[deal.contract.slot].append(deal.contract)
    _, best = max(
        (any(contract.path_fee for contract in found), sum(contract.energy_wh for contract in found))
        for found in rounds.values()
    )
    assert sum(wh or 0 for wh in agreed) == 2 * best
    assert f"{best / 1000:.3f} kWh were agreed at" in page.section("why").text


def test_the_page_says_what_it_rests_on(run: RunResult, page: Page) -> None:
    said = page.section("basis").text
    assert all(note in said for note in run.notes)


def test_times_are_local(run: RunResult) -> None:
    there = Page(report(replace(run, timezone="America/Los_Angeles")))
    header = next(there.root.all("header")).text
    assert "Monday, 8 August 2016" in header
    assert "17:00 to 18:15 local time (America/Los_Angeles, PDT)" in header
    assert "17:15–17:30" in there.section("trades").text


def test_headings_go_down_one_step_at_a_time(page: Page) -> None:
    levels = [int(element.name[1]) for element in everything(page.root) if re.fullmatch("h[1-6]", element.name)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(lower - upper <= 1 for upper, lower in itertools.pairwise(levels))


def everything(element: Element) -> Iterator[Element]:
    for child in element.children:
        if isinstance(child, Element):
            yield child
            yield from everything(child)


def test_every_chart_names_itself_and_stands_beside_a_table(page: Page) -> None:
    charts = list(page.root.all("figure"))
    assert len(charts) == 3 + 4
    for chart in charts:
        names = {svg.attributes["aria-label"] for svg in chart.all("svg") if svg.attributes.get("role") == "img"}
        assert len(names) == 1
        assert len(names.pop()) > 40
    assert sum("as a table" in summary.text for summary in page.root.all("summary")) == len(charts)


def test_nothing_is_loaded_and_nothing_runs(run: RunResult, page: Page) -> None:
    text = report(run)
    assert not re.search(r"https?:|//|@import|url\(|<script|<iframe|\bon[a-z]+=", text)
    assert {
        element.attributes[key]
        for element in everything(page.root)
        for key in ("src", "href")
        if key in element.attributes
    } == {"data:,"}
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    "change",
    [
        lambda run, bad: replace(run, notes=(bad,)),
        lambda run, bad: replace(run, currency=bad),
        lambda run, bad: replace(run, price_rule=bad),
        lambda run, bad: replace(run, refused={bad: 3}),
        lambda run, bad: replace(run, laws={bad: Verdict(False, bad)}),
        lambda run, bad: replace(run, homes=tuple(replace(home, house=bad) for home in run.homes)),
        lambda run, bad: replace(run, homes=tuple(replace(home, source=bad) for home in run.homes)),
    ],
    ids=["notes", "currency", "price_rule", "refused", "laws", "house", "source"],
)
def test_foreign_text_stays_text(run: RunResult, change: Callable[[RunResult, str], RunResult]) -> None:
    bad = "<script>x</script>\"'&$body"
    changed = Page(report(change(run, bad)))
    assert list(changed.root.all("script")) == []
    told = changed.root.text + "".join(
        value for element in everything(changed.root) for value in element.attributes.values()
    )
    assert bad.casefold() in told.casefold()


def test_each_law_has_its_verdict_in_words(run: RunResult) -> None:
    broken = {
        **run.laws,
        "no_regret": Verdict(False, "house02 slot 900: 5 µct above its tariff"),
        "new_law": Verdict(True),
    }
    laws = Page(report(replace(run, laws=broken))).section("laws")
    told = {next(item.all("code")).text: item.text for item in laws.all("li")}
    assert list(told) == list(broken)
    assert "broken" in told["no_regret"]
    assert "✗" in told["no_regret"]
    assert "First case: house02 slot 900: 5 µct above its tariff" in told["no_regret"]
    assert all("holds" in text and "✓" in text for name, text in told.items() if name != "no_regret")
    assert f"1 of {len(broken)} laws is broken" in laws.text
    assert "New law" in told["new_law"]


def test_all_laws_hold_in_the_example(run: RunResult, page: Page) -> None:
    assert all(verdict.holds for verdict in run.laws.values())
    assert f"All {len(run.laws)} laws hold" in page.section("laws").text


def test_a_missing_reading_is_told_and_counted_nowhere(run: RunResult) -> None:
    first, *others = run.homes
    gap = replace(first, slots=(replace(first.slots[0], bill=None), *first.slots[1:]))
    page = Page(report(replace(run, homes=(gap, *others))))
    assert "Readings of 1 slot of single homes are missing" in page.section("basis").text
    assert "not read" in page.section("homes").text
    assert page.figures("h-paid")[0] == gap.paid_uct


def test_a_day_without_trades(run: RunResult) -> None:
    def without(home: HomeResult) -> HomeResult:
        return replace(home, slots=tuple(replace(slot, deals=(), notes=(), bill=None) for slot in home.slots))

    page = Page(report(replace(run, homes=tuple(map(without, run.homes)), rounds=(), first_settled_real_s=None)))
    assert "no energy changed hands" in next(page.root.all("header")).text
    assert page.section("trades").text.count("no trades") == len(run.slots)
    assert "No round of this run came to a trade" in page.section("why").text
    assert "first trade" not in page.section("check").text


def test_the_file_is_written_as_utf_8(run: RunResult, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", run)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == report(run)


@pytest.mark.long
def test_ten_homes_keep_the_page_small() -> None:
    run = example_run(homes=10, slots=16)
    text = report(run)
    assert len(text.encode()) <= 900_000
    assert len(list(Page(text).root.all("figure"))) == 13
