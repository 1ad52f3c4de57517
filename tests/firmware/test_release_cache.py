"""The compiled board is made once."""

from pathlib import Path

from volthood_tools.release import cache


def test_the_same_sources_are_compiled_once(tmp_path: Path) -> None:
    first = cache.compiled_board(tmp_path)
    assert first is not None
    assert (first / "voltnode" / "joined.mpy").exists()
    written = (first / "voltnode" / "joined.mpy").stat().st_mtime_ns
    assert cache.compiled_board(tmp_path) == first
    assert (first / "voltnode" / "joined.mpy").stat().st_mtime_ns == written
    assert list((tmp_path / "volthood" / "board").iterdir()) == [first]
