"""The console is loaded with the first key, and dropped when all is quiet."""

from collections.abc import Callable
from pathlib import Path

SCRIPT = Path(__file__).with_name("check_door.py")


def test_what_a_key_loads_is_gone_when_all_is_quiet(run_on_both: Callable[..., str]) -> None:
    printed = run_on_both(SCRIPT, heap="256k").split("\n")
    assert printed[:4] == ["prompts 2 loaded True", "dropped True", "prompts 1 loaded True", "dropped True"]
