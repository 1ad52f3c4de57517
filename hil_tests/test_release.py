"""A board is brought a newer release over its broker while it meters; one that does not work is taken back."""

from pathlib import Path

import pytest

from hil_tests.bench import Bench, Releases
from hil_tests.releases import after, another
from volthood.app.updating import is_kept, send

ANSWER_S = 5.0
KEPT_S = 120.0


def releases_of(bench: Bench) -> Releases:
    if bench.releases is None:
        pytest.skip("this board takes no releases of ours: no --release-key, or no MicroPython")
    return bench.releases


def test_a_newer_release_is_tried_and_kept(bench: Bench, tmp_path: Path) -> None:
    releases = releases_of(bench)
    number = after(str(bench.ask("update status")["release"]))
    bundle = another(releases.hardware, releases.key, tmp_path, number)
    with bench.line() as line:
        send(line, bundle, ANSWER_S, lambda _position, _total: None)
        assert is_kept(line, bundle, KEPT_S)
    status = bench.ask("update status")
    assert (status["release"], status["state"]) == (number, "good")
    bench.records(1)
    assert bench.agent.stream.lost == []


@pytest.mark.long
def test_a_release_that_does_not_work_is_taken_back(bench: Bench, tmp_path: Path) -> None:
    releases = releases_of(bench)
    before = bench.ask("update status")["release"]
    bundle = another(releases.hardware, releases.key, tmp_path, after(str(before), 5), broken=True)
    with bench.line() as line:
        send(line, bundle, ANSWER_S, lambda _position, _total: None)
        assert not is_kept(line, bundle, KEPT_S)
    assert bench.ask("update status")["release"] == before
    bench.records(1)
    assert bench.agent.stream.lost == []
