"""Signing never delays the bus: its steps are short, and between them the bus has its turn."""

import re
from collections.abc import Callable
from pathlib import Path

SCRIPT = Path(__file__).with_name("check_pace.py")


def test_polls_keep_their_pace_while_records_are_signed(run_on_micropython: Callable[..., str]) -> None:
    printed = run_on_micropython(SCRIPT, 6, heap="512k")
    found = {word: int(number) for word, number in re.findall(r"(\w+) (\d+)", printed)}
    # Whole signatures between two looks at the line would cost each poll half a signature more, here several ms.
    assert found["signatures"] > 20
    assert found["signing"] <= found["alone"] + found["signature"] // 2
    assert found["step"] * 10 <= found["signature"]
