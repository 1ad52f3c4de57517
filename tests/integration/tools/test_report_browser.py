"""report.html in a real browser: Debian's chromium at a phone's and a desk's width, light and dark, and on paper."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, sync_playwright

from volthood.core.laws import Verdict
from volthood_tools.demo.example import example_run
from volthood_tools.demo.report import write_report

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOMES, SLOTS = 6, 16
MAX_BYTES = 300_000
LEAST_TEXT_PX = 9.5
WIDTHS = (390, 1280)

TOO_WIDE = """() => [...document.querySelectorAll('main *')].filter(element => {
  const card = element.closest('.card, .figure');
  const right = card ? card.getBoundingClientRect().right : innerWidth;
  return element.getClientRects().length && element.getBoundingClientRect().right > right + 0.5;
}).map(element => element.tagName + ': ' + element.textContent.slice(0, 40))"""
SMALL_TEXT = """least => [...document.querySelectorAll('figure svg[role=img] text')].filter(text => {
  const svg = text.ownerSVGElement;
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return scale && parseFloat(getComputedStyle(text).fontSize) * scale < least;
}).length"""
OVERLAPS = """() => [...document.querySelectorAll('figure svg[role=img]')].filter(svg => {
  const boxes = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect());
  return boxes.some((a, i) => boxes.slice(i + 1).some(b => a.width && b.width &&
    a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom));
}).map(svg => svg.getAttribute('aria-label'))"""
HEADINGS = "() => [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(heading => +heading.tagName[1])"
OPEN_ALL = "() => document.querySelectorAll('details').forEach(details => { details.open = true })"


@pytest.fixture(scope="module")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, example_run(HOMES, SLOTS))
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


class Visit:
    """The report as one reader has it open, with all that the browser asked for or complained about."""

    def __init__(self, browser: Browser, path: Path, width: int, scheme: Literal["light", "dark"]) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in ("light", "dark")], ids=str)
def visit(request: pytest.FixtureRequest, browser: Browser, report_file: Path) -> Iterator[Visit]:
    visit = Visit(browser, report_file, *request.param)
    yield visit
    visit.context.close()


def test_the_page_is_small(report_file: Path) -> None:
    assert report_file.stat().st_size <= MAX_BYTES


def test_it_fits_and_stays_quiet(visit: Visit, report_file: Path) -> None:
    page = visit.page
    for _ in ("closed", "open"):
        width, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= inner
        assert page.evaluate(TOO_WIDE) == []
        page.evaluate(OPEN_ALL)
    assert visit.complaints == []
    assert [url for url in visit.requests if url not in {report_file.as_uri(), "data:,"}] == []


def test_it_fits_at_widths_between(browser: Browser, report_file: Path) -> None:
    visit = Visit(browser, report_file, 320, "light")
    visit.page.evaluate(OPEN_ALL)
    for width in (320, 360, 621, 768, 861, 901, 1024, 1920):
        visit.page.set_viewport_size({"width": width, "height": 844})
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert visit.page.evaluate(TOO_WIDE) == [], width
    visit.context.close()


def test_headings_go_down_one_step_at_a_time(visit: Visit) -> None:
    levels = visit.page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(lower - upper for upper, lower in itertools.pairwise(levels)) <= 1


def test_every_chart_is_seen_once_named_and_legible(visit: Visit) -> None:
    page = visit.page
    charts = page.get_by_role("img")
    names = [charts.nth(number).get_attribute("aria-label") for number in range(charts.count())]
    assert len(names) == 3 + HOMES
    assert len(set(names)) == len(names)
    assert all(name and name.startswith(("Energy of ", "Price of ", "Grid map: ")) for name in names)
    assert page.evaluate(SMALL_TEXT, LEAST_TEXT_PX) == 0
    assert page.evaluate(OVERLAPS) == []


def test_tables_open_by_keyboard(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Energy as a table"
    page.keyboard.press("Enter")
    assert page.get_by_role("table").count() == 4
    assert page.get_by_role("table", name="Energy of all homes by slot").get_by_role("row").count() == SLOTS + 2


def test_long_names_fit_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    run = example_run(2, 2)
    names = ("abcdefghijklmnopqrstuvwxyz012345", "w" * 32)
    homes = tuple(replace(home, house=name, source=name) for home, name in zip(run.homes, names, strict=True))
    broken = {name: Verdict(False, f"{names[1]} slot 1470700800") for name in run.laws}
    write_report(tmp_path / "report.html", replace(run, homes=homes, laws=broken, refused={names[0]: 1}))
    visit = Visit(browser, tmp_path / "report.html", 390, "light")
    visit.page.evaluate(OPEN_ALL)
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
    assert visit.page.evaluate(TOO_WIDE) == []
    visit.context.close()


@pytest.mark.parametrize(("homes", "grid"), [(2, "tree"), (10, "tree"), (3, "one")])
def test_grids_of_other_sizes_fit(browser: Browser, tmp_path: Path, homes: int, grid: str) -> None:
    write_report(tmp_path / "report.html", example_run(homes, 2, grid=grid))
    for width in WIDTHS:
        visit = Visit(browser, tmp_path / "report.html", width, "light")
        visit.page.evaluate(OPEN_ALL)
        assert visit.page.evaluate(TOO_WIDE) == []
        assert visit.page.evaluate(OVERLAPS) == []
        assert visit.page.evaluate(SMALL_TEXT, LEAST_TEXT_PX) == 0
        visit.context.close()


def test_on_paper_every_table_is_open_and_the_ground_is_white(browser: Browser, report_file: Path) -> None:
    visit = Visit(browser, report_file, 1280, "dark")
    visit.page.emulate_media(media="print", color_scheme="dark")
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    hidden = (
        "() => [...document.querySelectorAll('details table')].filter(t => !t.getBoundingClientRect().height).length"
    )
    assert visit.page.evaluate(hidden) == 0
    assert visit.page.pdf(format="A4").startswith(b"%PDF")
    visit.context.close()
