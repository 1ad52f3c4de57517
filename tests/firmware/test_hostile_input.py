"""Hostile input of bus, meters and settings on both interpreters: the same corpus, and the same comes of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

RunScript = Callable[..., str]
HERE = Path(__file__).parent


@pytest.mark.parametrize(("script", "digests"), [("check_hostile_input.py", 5), ("check_hostile_meters.py", 1)])
def test_both_interpreters_come_to_the_same(
    run_on_cpython: RunScript, run_on_micropython: RunScript, script: str, digests: int
) -> None:
    said = [
        [line for line in run(HERE / script, heap="160k").splitlines() if "digest " in line]
        for run in (run_on_cpython, run_on_micropython)
    ]
    assert len(said[0]) == digests
    assert said[0] == said[1]
