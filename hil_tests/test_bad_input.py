"""Whatever comes up the cable: no restart, no failed task, no lost record, and the board counts what it refused."""

from hil_tests.bench import Bench
from hil_tests.corpus import corpus
from hil_tests.test_faults import unharmed

PIECES = 100


def test_no_line_harms_a_board(bench: Bench) -> None:
    before = refusals(bench)
    with unharmed(bench):
        for piece in corpus(PIECES, 1, pins=False):
            bench.send(piece)
        bench.let_finish()
    assert refusals(bench) > before


def refusals(bench: Bench) -> int:
    """How many lines the board has refused since its start."""
    counts = bench.ask("log")["counts"]
    return sum(counts[name] for name in counts if name.startswith("refused "))
