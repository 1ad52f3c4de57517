"""A real update of a whole node, the public way: signed bundle, agent's line, broker, selector, trial, receipt."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.firmware.update_releases import KEY, XY
from tests.integration.node.test_node import LINK_KEY, Scene, slots_arrive, wait_until
from volthood.adapters.node_line import NodeLine
from volthood.app.updating import is_kept, send
from volthood.core.release import Bundle
from volthood.errors import DeviceError
from volthood_tools.broker.choice import find_mosquitto
from volthood_tools.onehome import OneHome, board_in
from volthood_tools.release.build import PACKAGES
from volthood_tools.release.bundle import compile_contents, make_bundle, tree_release
from volthood_tools.release.layout import lay_out
from volthood_tools.virtual_board import find_micropython

ANSWER_S = 2.0
KEPT_S = 60.0
LIVE_GAP_S = 1.7
"""Live values come once a second; a piece of the release may put one off by its own time."""
BROKEN = "raise ValueError('this release does not work')\n"


def release(folder: Path, number: str, *, broken: bool = False) -> Bundle:
    """The tree as another release."""
    copies = []
    for package in PACKAGES:
        for source in package.rglob("*.py"):
            copy = folder / number / package.name / source.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
        copies.append(folder / number / package.name)
    version = folder / number / "voltnode" / "__init__.py"
    version.write_text(version.read_text().replace(f'"{tree_release()}"', f'"{number}"'))
    if broken:
        main = folder / number / "voltnode" / "main.py"
        main.write_text(main.read_text() + BROKEN)
    return make_bundle(compile_contents("virtual", copies), KEY)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """The tree's release, a newer one, and one that does not work."""
    folder = tmp_path_factory.mktemp("releases")
    return {
        "old": make_bundle(compile_contents("virtual"), KEY),
        "new": release(folder, "0.2.0"),
        "broken": release(folder, "0.3.0", broken=True),
    }


class Updated(Scene):
    """A scene whose board starts from a root with a release in folder a."""

    def __init__(self, folder: Path, micropython: Path, bundle: Bundle) -> None:
        root = folder / "root"
        lay_out(bundle, XY, root)
        super().__init__(folder, micropython, root=root)

    def line(self) -> NodeLine:
        assert self.agent is not None
        kid = bytes.fromhex(str(self.ask("id")["node"]))
        return NodeLine("127.0.0.1", self.port, None, "house01", kid, LINK_KEY)


@pytest.fixture
def updated(tmp_path: Path, releases: dict[str, Bundle]) -> Iterator[Updated]:
    micropython = find_micropython()
    if micropython is None:
        pytest.skip("no micropython, and CPython reads no .mpy files")
    made = Updated(tmp_path, micropython, releases["old"])
    with made.supervisor:
        made.start()
        made.enrol()
        made.set_clock()
        try:
            yield made
        finally:
            made.close()


def test_an_update_with_a_kill_in_the_middle_is_tried_and_kept(updated: Updated, releases: dict[str, Bundle]) -> None:
    sent = releases["new"]
    shown: list[int] = []

    def show(position: int, total: int) -> None:
        if len(shown) < total // 2000 <= len(shown) + 1:
            updated.kill("node")
        shown.append(position)

    with updated.line() as line:
        began_s = time.monotonic()
        send(line, sent, ANSWER_S, show)
        print(f"{len(sent.stream)} bytes in {time.monotonic() - began_s:.1f} s")
        assert is_kept(line, sent, KEPT_S)
        status = json.loads(line.ask("console", b"update status"))
    assert (status["release"], status["slot"], status["state"]) == ("0.2.0", "b", "good")
    assert status["other_release"] == tree_release()
    assert shown[-1] == len(sent.stream)
    assert slots_arrive(updated, 1)
    assert updated.agent is not None
    assert updated.agent.stream.lost == []


def test_a_release_that_does_not_work_is_taken_back(updated: Updated, releases: dict[str, Bundle]) -> None:
    sent = releases["broken"]
    with updated.line() as line:
        send(line, sent, ANSWER_S, lambda _position, _total: None)
        assert not is_kept(line, sent, KEPT_S)
    status = updated.ask("update status")
    assert (status["release"], status["slot"], status["state"]) == (tree_release(), "a", "back")
    assert updated.ask("status")["safe_mode"] is None
    assert slots_arrive(updated, 1)


def test_what_the_node_refuses_is_said(updated: Updated, releases: dict[str, Bundle]) -> None:
    with updated.line() as line:
        for _ in range(2):
            with pytest.raises(DeviceError, match="not_newer"):
                send(line, releases["old"], ANSWER_S, lambda _position, _total: None)
        assert updated.ask("update status")["offered"] is None
    wait_until(lambda: bool(updated.agent and updated.agent.slots()), "records go on")


def test_metering_does_not_wait_for_an_update(updated: Updated, releases: dict[str, Bundle]) -> None:
    agent = updated.agent
    assert agent is not None
    wait_until(lambda: bool(agent.lives), "live values")
    arrivals: list[tuple[float, int]] = []

    def show(_position: int, _total: int) -> None:
        arrivals.append((time.monotonic(), len(agent.lives)))
        time.sleep(0.03)

    with updated.line() as line:
        send(line, releases["new"], ANSWER_S, show)
    changes = [later for earlier, later in pairwise(arrivals) if later[1] > earlier[1]]
    assert len(changes) >= 4
    assert max(later[0] - earlier[0] for earlier, later in pairwise(changes)) < LIVE_GAP_S


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_a_household_updates_its_node_over_tls(tmp_path: Path, releases: dict[str, Bundle]) -> None:
    """The command, the agent's certificate and access list, the agent's own receipt."""
    micropython = find_micropython()
    if micropython is None:
        pytest.skip("no micropython, and CPython reads no .mpy files")
    lay_out(releases["old"], XY, tmp_path / "root")
    bundle = tmp_path / "new.vhu"
    bundle.write_bytes(releases["new"].pack())
    with OneHome(tmp_path, board_in(tmp_path, micropython, root=tmp_path / "root")) as home:
        home.start()
        program = "from volthood.cli import main; main()"
        command = [sys.executable, "-c", program, "node", "update", "--dir", str(tmp_path), str(bundle)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=KEPT_S)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1] == "The node keeps 0.2.0."
        again = subprocess.run(command, check=False, capture_output=True, text=True, timeout=KEPT_S)
        assert again.returncode == 1
        assert "not_newer" in again.stderr
        assert home.ask("id")["version"] == "0.2.0"
