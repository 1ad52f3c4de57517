"""The Modbus master and the meters on both interpreters: the same checks, the same vectors."""

from collections.abc import Callable
from pathlib import Path

RunScript = Callable[..., str]

HERE = Path(__file__).parent


def test_frames_and_bus(run_on_both: RunScript, repo_root: Path) -> None:
    assert "check_port" in run_on_both(HERE / "check_bus.py", repo_root / "tests/vectors/meters")


def test_meters(run_on_both: RunScript, repo_root: Path) -> None:
    assert "check_meter" in run_on_both(HERE / "check_meters.py", repo_root / "tests/vectors/meters")


def test_tables(run_on_both: RunScript) -> None:
    assert "check_tables" in run_on_both(HERE / "check_tables.py")
