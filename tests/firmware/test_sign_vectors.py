"""The golden signatures come from where they say."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def make_vectors(repo_root: Path) -> ModuleType:
    path = repo_root / "tests/vectors/sign/make_vectors.py"
    spec = importlib.util.spec_from_file_location("make_vectors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_writes_the_same_files(make_vectors: ModuleType, repo_root: Path) -> None:
    for name, text in make_vectors.files().items():
        assert (repo_root / "tests/vectors/sign" / name).read_text() == text, name


def test_good_cases_are_among_the_bad(repo_root: Path) -> None:
    cases = [json.loads(line) for line in (repo_root / "tests/vectors/sign/judged.jsonl").read_text().splitlines()]
    good = [case["name"] for case in cases if case["valid"]]
    assert len(good) >= 20
    assert len(cases) - len(good) >= 30
    assert len({case["name"] for case in cases}) == len(cases)
