"""What lies where: the top level is a table of contents, and no file tells of the machine it was written on."""

import re
from pathlib import Path

import pytest

TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "agent",
    "firmware",
    "hil_tests",
    "pyproject.toml",
    "tests",
    "tools",
}
# Written in pieces, since this file is searched too.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb.deb" + "ian.org", "pi" + "wheels.org")
PATHS = ("/wo" + "rk/", "/ro" + "ot/", "/opt/" + "py" + "pi", "/opt/" + "wheels", "/tmp/" + "venv", "/tmp/" + "plan")
LEAK = re.compile("|".join(re.escape(word) for word in HOSTS + PATHS))


def test_the_top_level_is_exactly_the_agreed_list(tree: list[Path]) -> None:
    assert {path.parts[0] for path in tree if not path.parts[0].startswith(".")} - TOP_LEVEL == set()


def test_the_source_root_of_the_agent_is_no_package(tree: list[Path]) -> None:
    directly = {str(path) for path in tree if path.parts[0] in {"agent", "firmware"} and len(path.parts) == 2}
    assert directly <= {"firmware/README.md", "firmware/mypy.ini"}


def leaks(text: str) -> list[str]:
    return LEAK.findall(text)


def test_no_file_names_a_registry_or_a_path_of_a_machine(tree: list[Path], root: Path) -> None:
    found = {str(path): leaks((root / path).read_text(encoding="utf-8", errors="ignore")) for path in tree}
    assert {path: words for path, words in found.items() if words} == {}


@pytest.mark.parametrize("word", [*HOSTS, *PATHS])
def test_the_search_for_leaks_finds_them(word: str) -> None:
    assert leaks(f"see https://{word}x") == [word]


def test_the_pins_name_no_index(root: Path) -> None:
    pins = (root / "tools" / "constraints.txt").read_text()
    assert re.findall(r"https?:|--index|--extra|--find-[l]inks|--trusted", pins) == []


def test_every_pin_has_its_version_and_hashes(root: Path) -> None:
    text = re.sub(r"\\\n\s*", " ", (root / "tools" / "constraints.txt").read_text())
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert pins
    assert [line[:60] for line in pins if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []
