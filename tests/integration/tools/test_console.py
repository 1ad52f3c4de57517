"""The terminal as a technician uses it: on a real pseudo-terminal, in tmux, by a pipe, and twice on one port."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CONSOLE = (sys.executable, "-c", "from volthood_tools.console.cli import main; main()")
LEAVE = b"\x1d"


class EchoBoard:
    """A board whose console repeats every line with `you said` before it."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._stop = threading.Event()
        self.plug_in()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def plug_in(self) -> None:
        """A new cable under the same name."""
        self._master, self._slave = pty.openpty()
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        """End the board's side; the name stays and leads nowhere."""
        self.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        line = b""
        while not self._stop.is_set():
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            line += os.read(self._master, 100)
            while b"\r" in line or b"\n" in line:
                said, line = line.replace(b"\n", b"\r").split(b"\r", 1)
                os.write(self._master, b"you said " + said + b"\r\n")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[EchoBoard]:
    made = EchoBoard(tmp_path / "board")
    yield made
    if not made._stop.is_set():
        made.close()


class Screen:
    """A terminal with the console in it, as a person has it."""

    def __init__(self, port: Path) -> None:
        self._master, slave = pty.openpty()
        self._seen = b""
        self.process = subprocess.Popen([*CONSOLE, str(port)], stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def expect(self, text: str) -> None:
        """Wait until the screen shows a text after what was expected before."""
        deadline_s = time.monotonic() + 10
        while text.encode() not in self._seen:
            left_s = deadline_s - time.monotonic()
            ready = select.select([self._master], [], [], max(0, left_s))[0]
            assert ready, f"{text!r} never came; {self._seen!r}"
            try:
                self._seen += os.read(self._master, 4096)
            except OSError:
                pytest.fail(f"{text!r} never came; {self._seen!r}")
        self._seen = self._seen.partition(text.encode())[2]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


def run_console(port: Path, typed: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*CONSOLE, str(port)], check=False, input=typed, capture_output=True, timeout=20)


@pytest.fixture
def screen(board: EchoBoard, tmp_path: Path) -> Iterator[Screen]:
    made = Screen(tmp_path / "board")
    yield made
    made.close()


def test_keys_reach_the_board_and_ctrl_bracket_leaves(screen: Screen) -> None:
    screen.expect("leave with Ctrl-]")
    screen.type(b"status\r")
    screen.expect("you said status")
    screen.type(b"\x03odd\r")
    screen.expect("you said \ufffdodd")
    screen.type(LEAVE)
    screen.expect("Left.")
    assert screen.process.wait(5) == 0


def test_a_second_one_is_told_who_has_the_port(screen: Screen, tmp_path: Path) -> None:
    screen.expect("Connected")
    second = run_console(tmp_path / "board")
    assert second.returncode == 1
    assert f"in use: process {screen.process.pid} has it open" in second.stderr.decode()


def test_a_killed_one_leaves_the_port_free(screen: Screen, tmp_path: Path) -> None:
    screen.expect("Connected")
    screen.process.send_signal(signal.SIGKILL)
    screen.process.wait()
    second = Screen(tmp_path / "board")
    second.expect("Connected")
    second.close()


def test_a_board_that_comes_back_is_connected_again(screen: Screen, board: EchoBoard, tmp_path: Path) -> None:
    screen.expect("Connected")
    board.unplug()
    screen.expect("waiting for it to come back")
    again = EchoBoard(tmp_path / "board")
    screen.expect("Connected again.")
    screen.type(b"hello\r")
    screen.expect("you said hello")
    again.close()


def test_piped_input_is_sent_and_answered(board: EchoBoard, tmp_path: Path) -> None:
    done = run_console(tmp_path / "board", b"id\n")
    assert done.returncode == 0
    assert done.stdout == b"you said id\r\n"


def test_no_port_is_told_in_one_line(tmp_path: Path) -> None:
    done = run_console(tmp_path / "no")
    assert done.returncode == 1
    assert done.stderr.decode() == f"Error: {tmp_path / 'no'}: no such port; is the board plugged in?\n"


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_works_inside_tmux(board: EchoBoard, tmp_path: Path) -> None:
    tmux = ("tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null")

    def run(*arguments: str) -> str:
        return subprocess.run([*tmux, *arguments], capture_output=True, text=True, timeout=10, check=True).stdout

    def until_shown(text: str) -> None:
        deadline_s = time.monotonic() + 10
        while text not in (shown := run("capture-pane", "-p")):
            assert time.monotonic() < deadline_s, shown
            time.sleep(0.05)

    launcher = tmp_path / "console.py"
    launcher.write_text("from volthood_tools.console.cli import main\nmain()\n")
    run("new-session", "-d", "-x", "100", "-y", "20", f"{sys.executable} {launcher} {tmp_path / 'board'}; sleep 60")
    try:
        until_shown("leave with Ctrl-]")
        run("send-keys", "meter read", "Enter")
        until_shown("you said meter read")
        run("send-keys", "C-]")
        until_shown("Left.")
    finally:
        run("kill-server")
