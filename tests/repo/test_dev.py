"""The set-up script: what makes it rebuild, what it says when it cannot, what it runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import dev


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment folder that looks whole but for its stamp."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    monkeypatch.setattr(dev, "VENV", tmp_path)
    monkeypatch.setattr(dev, "STAMP", tmp_path / "stamp.json")
    return tmp_path


def test_an_interrupted_set_up_has_no_stamp(environment: Path) -> None:
    assert environment.exists()
    assert dev.found_stamp() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
def test_a_torn_stamp_counts_as_none(environment: Path, text: str) -> None:
    (environment / "stamp.json").write_text(text)
    assert dev.found_stamp() == {}


def test_a_stamp_without_python_counts_as_none(environment: Path) -> None:
    (environment / "stamp.json").write_text(json.dumps(dev.wanted_stamp("dev")))
    assert dev.found_stamp() == dev.wanted_stamp("dev")
    (environment / "bin" / "python").unlink()
    assert dev.found_stamp() == {}


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("NewConnectionError: failed\nERROR: No matching distribution found for x==1", "cannot be reached"),
        ("Temporary failure in name resolution", "cannot be reached"),
        ("ERROR: No matching distribution found for x==1", "No ready-made file for this machine"),
        ("The virtual environment was not created because ensurepip is not available", "apt install python3-venv"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("something else", "Run the same command again"),
    ],
)
def test_a_failed_step_says_what_to_do(output: str, hint: str) -> None:
    text = dev.explain("installing", output)
    assert hint in text
    assert output.splitlines()[-1] in text


def test_a_failing_command_ends_the_set_up_with_its_own_words() -> None:
    with pytest.raises(dev.SetupError, match="it broke"):
        dev.Steps(total=1).run("a step", [sys.executable, "-c", "import sys; sys.exit('it broke')"])


def test_missing_programs_are_an_error_in_ci_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "SYSTEM_PROGRAMS", {"no-such-program": "no-such-package"})
    monkeypatch.delenv("CI", raising=False)
    dev.check_programs()
    assert "sudo apt install no-such-package" in capsys.readouterr().err
    monkeypatch.setenv("CI", "true")
    with pytest.raises(dev.SetupError, match="no-such-package"):
        dev.check_programs()


def test_summary_fails_when_any_stage_did() -> None:
    assert dev.summary([("tests/unit", 1.0, "ok"), ("tests/repo", 1.0, "none")]) == 0
    assert dev.summary([("tests/unit", 1.0, "failed (1)"), ("tests/repo", 1.0, "ok")]) == 1


def test_the_demonstration_installs_no_linter(root: Path) -> None:
    demo, everything = (root / "tools" / "constraints.txt").read_text().split(dev.DEV_HEADING)
    assert "\naiomqtt==" in demo
    assert "\nhatchling==" in demo
    assert "\nruff==" not in demo
    assert "\nruff==" in everything


def test_an_unknown_command_shows_the_known_ones(root: Path) -> None:
    command = [sys.executable, str(root / "tools" / "dev.py"), "no-such-thing"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "demo" in done.stdout
    assert "test" in done.stdout


@pytest.mark.parametrize(("stored", "status"), [("made\n", 0), ("changed by hand\n", 1)])
def test_vectors_are_made_anew_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: str, status: int
) -> None:
    folder = tmp_path / "tests" / "vectors" / "x"
    folder.mkdir(parents=True)
    maker = "from pathlib import Path\nPath(__file__).with_name('bytes.txt').write_text('made\\n')\n"
    (folder / "make_bytes.py").write_text(maker)
    (folder / "bytes.txt").write_text(stored)
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "VENV", Path(sys.prefix))
    (tmp_path / "test_vectors.py").write_text("def test_nothing(): pass\n")
    assert dev.vectors(["-p", "no:cacheprovider", "-q"]) == status
    assert (folder / "bytes.txt").read_text() == stored
