#!/usr/bin/env python3
"""Renews tools/constraints.txt from pyproject.toml: `python3 tools/lock.py [--upgrade-package NAME ...]`.

Needs `uv` on the PATH (a development tool, not pinned). Every pin carries the hashes of all its files for every
machine, so one list serves x86_64 and aarch64 and every Python from 3.11 on. Two groups: what `volthood demo` needs
together with the build backend, then what only developers need, so that a demonstration fetches no linter.
Without arguments, pins that still fit stay as they are.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "tools" / "constraints.txt"
HEAD = """\
# Every package of the project, pinned with the hashes of its files. Made by tools/lock.py from pyproject.toml:
#
#   python3 tools/lock.py                              after a change of the dependencies
#   python3 tools/lock.py --upgrade-package NAME       to take a newer release of one
#   python3 tools/lock.py --upgrade                    to take newer releases of all
#
# Installed by tools/dev.py with --require-hashes and without building anything. No index is named here: pip's own
# configuration decides where the files come from, the hashes decide whether they are the right ones.
"""
DEMO_HEADING = "# --- demo: what `volthood demo` needs, and the build backend ---"
DEV_HEADING = "# --- dev: tests and linters, not installed for `demo` ---"
# The build backend is pinned too, since an editable install without build isolation takes it from the environment.
BUILD = "hatchling\n"
PIN = re.compile(r"^(\S+?)==(\S+).*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def resolve(extra: str, known: str, arguments: list[str]) -> str:
    """The pins of one extra and the build backend, as uv writes them; `known` pins are kept where they fit."""
    output = PINS.with_suffix(".new")
    output.write_text(known)
    command = ["uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--extra", extra, "--output-file", str(output)]
    try:
        subprocess.run([*command, *arguments, "pyproject.toml", "-"], cwd=ROOT, input=BUILD, text=True, check=True)
        return output.read_text()
    finally:
        output.unlink()


def main(arguments: list[str]) -> None:
    """Writes the list anew: the developers' pins decide the versions, so that the two groups agree."""
    everything = resolve("dev", PINS.read_text() if PINS.exists() else "", arguments)
    demo = resolve("demo", everything, [])
    names = {pin.group(1) for pin in PIN.finditer(demo)}
    blocks = [(pin.group(1), pin.group(0).strip()) for pin in PIN.finditer(everything)]
    first = [block for name, block in blocks if name in names]
    second = [block for name, block in blocks if name not in names]
    PINS.write_text("\n".join([HEAD, DEMO_HEADING, *first, "", DEV_HEADING, *second, ""]))
    print(f"{len(first)} packages for the demonstration, {len(second)} more for developers")


if __name__ == "__main__":
    main(sys.argv[1:])
