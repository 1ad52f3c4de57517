"""Real agents in two processes on a real broker with mutual TLS and access lists: every trade of the book is co-signed."""

from pathlib import Path

import pytest

from volthood_tools.bench.broker import run
from volthood_tools.bench.broker_setup import Setup
from volthood_tools.broker.choice import find_mosquitto, free_port

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")


def test_all_that_a_book_yields_is_signed_by_both(tmp_path: Path) -> None:
    done = run(Setup(str(tmp_path), free_port(), agents=6, workers=2, rounds=2, interval_s=3, seed=1))
    assert done.cleared_wh > 0
    assert done.total("signed_wh") == done.cleared_wh
    assert [worker["refused"] for worker in done.workers] == [[], []]
    # Six orders and three bundles a round, and nothing that had to be asked for.
    assert {kind: count for kind, count in done.published.items() if kind != "in"} == {"order": 12, "bundle": 6}
    assert done.published["in"] >= 2 * done.contracts
