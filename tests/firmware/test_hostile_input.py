"""Hostile input of bus and settings on both interpreters: the same corpus, and the same comes of it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

RunScript = Callable[..., str]
SCRIPT = Path(__file__).parent / "check_hostile_input.py"


def test_hostile_input(run_on_both: RunScript) -> None:
    printed = run_on_both(SCRIPT, heap="160k")
    said = [line for line in printed.splitlines() if " digest " in line]
    assert len(said) == 5
    here = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=True).stdout
    assert said == [line for line in here.splitlines() if " digest " in line]
