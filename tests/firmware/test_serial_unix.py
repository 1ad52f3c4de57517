"""The virtual board's serial port on both interpreters: it never waits where it should not, and never lies."""

import json
import os
import termios
import tty
from collections.abc import Callable
from pathlib import Path

RunScript = Callable[..., str]

HERE = Path(__file__).parent


def test_a_pty(run_on_both: RunScript, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)
        os.write(ours, b"hello")
        printed = run_on_both(HERE / "check_serial_unix.py", os.ttyname(theirs), tmp_path / "nothing")
        mode = termios.tcgetattr(theirs)
    finally:
        os.close(theirs)
        os.close(ours)
    assert json.loads(printed) == {
        "ready": True,
        "read": "hello",
        "nothing": [None, False],
        "waited": [False, True],
        "full": True,
        "again": False,
        "absent": ["OSError"] * 3,
        "speed": "ValueError",
    }
    assert mode[4] == mode[5] == termios.B19200
    assert mode[2] & (termios.CSTOPB | termios.CSIZE) == termios.CSTOPB | termios.CS8
