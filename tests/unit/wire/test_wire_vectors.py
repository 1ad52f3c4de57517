"""The golden bytes on both interpreters, and where they come from."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RunScript = Callable[..., str]

# The messages of agents never come to the board: all their tables at once need more than its heap.
HEAPS = {
    "limits": "110k",
    "cbor": "110k",
    "cose": "110k",
    "topics": "110k",
    "notes": "110k",
    "rosters": "110k",
    "messages": "192k",
    "maced": "192k",
}


@pytest.mark.parametrize("group", HEAPS)
def test_vectors_hold(run_on_both: RunScript, repo_root: Path, group: str) -> None:
    folder = repo_root / "tests" / "vectors" / "wire"
    printed = run_on_both(repo_root / "tests" / "firmware" / "check_wire.py", folder, group, heap=HEAPS[group])
    assert "cases held" in printed


@pytest.mark.parametrize("group", ["cbor", "rosters"])
def test_a_vector_that_does_not_hold_is_found(repo_root: Path, tmp_path: Path, group: str) -> None:
    lines = (repo_root / "tests" / "vectors" / "wire" / f"{group}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    case = json.loads(lines[-1])
    (tmp_path / f"{group}.jsonl").write_text(json.dumps(case | {"refused": "something_else"}))
    script = repo_root / "tests" / "firmware" / "check_wire.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), group], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"FAILED {case['name']}" in done.stdout


@pytest.mark.parametrize("maker", ["make_cbor.py", "make_messages.py", "make_texts.py", "make_page.py"])
def test_the_makers_of_the_vectors_write_the_same_bytes(repo_root: Path, maker: str) -> None:
    script = repo_root / "tests" / "vectors" / "wire" / maker
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
