"""What a broker or a cable brings is judged alike on both interpreters, and nothing is raised that nobody expects."""

from collections.abc import Callable
from pathlib import Path

SCRIPT = Path(__file__).with_name("check_link_fuzz.py")
CASES = 600


def test_both_interpreters_judge_the_same_corpus_alike(
    run_on_cpython: Callable[..., str], run_on_micropython: Callable[..., str]
) -> None:
    on_cpython = run_on_cpython(SCRIPT, CASES)
    cases, refused = on_cpython.split(", ")[:2]
    assert cases == f"{6 * CASES} cases"
    assert int(refused.split()[0]) > 3 * CASES
    assert run_on_micropython(SCRIPT, CASES, heap="320k") == on_cpython
