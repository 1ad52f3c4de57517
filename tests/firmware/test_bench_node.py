"""The area `node` has a figure for every mark of the node, and its parts measure what they say."""

import re
from pathlib import Path

import pytest

import volthood_tools.bench
from volthood_tools.bench import node_sign, poll
from volthood_tools.bench.figures import read_marks
from volthood_tools.bench.node_board import Compiled, sizes
from volthood_tools.virtual_board import find_micropython

SOURCES = "".join(path.read_text() for path in sorted(Path(volthood_tools.bench.__path__[0]).glob("node*.py")))


def test_every_mark_of_the_node_is_measured() -> None:
    names = [name.removeprefix("node.") for name in read_marks() if name.startswith("node.")]
    assert len(names) > 10
    bauds = {f"poll_rate_{baud}" for baud in (9600, 19_200, 115_200)}
    assert [name for name in names if f'"{name}"' not in SOURCES and name not in bauds] == []
    assert re.search(r'f"poll_rate_\{baud\}"', SOURCES)


def test_the_wire_limit_is_that_of_the_design() -> None:
    assert poll.limit_us(9600) == pytest.approx((13 + 80) * 10 / 9600 * 1e6 + 2 * 35 / 9600 * 1e6, abs=3)
    assert poll.limit_us(115_200) == pytest.approx((13 + 80) * 10 / 115_200 * 1e6 + 2 * 1750, abs=3)


def test_signatures_are_timed_on_the_compiled_board() -> None:
    if find_micropython() is None:
        pytest.skip("no micropython")
    with Compiled.make() as compiled:
        assert sizes(compiled.esp32)["voltnode.joined"] > 20_000
    figures = {figure.name: figure for figure in node_sign.measure(True, 1)}
    assert set(figures) == {"signature", "verification", "verification_node_heap"}
    assert all(figure.samples == 50 and figure.unit == "ms" for figure in figures.values())
