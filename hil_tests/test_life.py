"""The life of a board: it records, keeps, delivers; it is restarted, and given away."""

from itertools import pairwise

from hil_tests.bench import PATIENCE_S, Bench
from volthood.core.energy import edge_of

SLOT_S = 900


def test_records_arrive_signed_gapless_and_with_the_energy_that_flowed(bench: Bench) -> None:
    """The agent's end verifies every signature and every link, and raises what is wrong."""
    records = bench.records(3)
    for earlier, later in pairwise(records):
        assert later.rseq == earlier.rseq + 1
        assert later.time_s > earlier.time_s
        assert later.power_w == bench.power_w
    assert bench.agent.stream.lost == []
    bench.until(lambda: bench.ask("queue")["receipt"] >= records[-1].rseq, "the receipt has come home")


def test_each_slot_edge_has_its_record(bench: Bench) -> None:
    bench.until(lambda: len(bench.agent.slots()) >= 2, "two slot records", PATIENCE_S + bench.minutes(31))
    edges = [edge_of(record, SLOT_S).edge_s for record in bench.agent.slots()]
    assert len(set(edges)) == len(edges)


def test_live_values_are_those_of_the_meter(bench: Bench) -> None:
    seen = len(bench.agent.lives)
    bench.until(lambda: len(bench.agent.lives) > seen, "a live value")
    assert bench.agent.lives[-1].power_w == bench.power_w


def test_a_restart_loses_nothing(bench: Bench) -> None:
    identity, boots = bench.ask("id"), bench.ask("status")["boots"]
    bench.records(1)
    assert bench.ask("reboot") == {"rebooting": True}
    bench.until(lambda: bench.attempt("status").get("boots") == boots + 1, "the next boot")
    assert bench.console.wait_ready(PATIENCE_S)["public_key"] == identity["public_key"]
    records = bench.records(1)
    assert records[-1].boot == boots + 1
    assert bench.agent.stream.lost == []
    assert False in bench.agent.online
    assert bench.agent.online[-1]


def test_what_has_no_receipt_comes_again_after_a_restart(bench: Bench) -> None:
    agent = bench.agent
    agent.silent = True
    try:
        bench.records(1)
        boots, repeated = bench.ask("status")["boots"], agent.repeated
        bench.ask("reboot")
        bench.until(lambda: bench.attempt("status").get("boots") == boots + 1, "the next boot")
        bench.until(lambda: agent.repeated > repeated, "records come again", 2 * PATIENCE_S)
    finally:
        agent.silent = False
        agent.send_receipt()
    bench.until(lambda: bench.ask("queue")["waiting"] == 0, "everything is receipted", 2 * PATIENCE_S)
    assert agent.stream.lost == []


def test_a_board_that_is_given_away_is_another_one(bench: Bench) -> None:
    before = bench.ask("id")
    code = bench.ask("factory-reset 1234")["code"]
    bench.ask(f"factory-reset 1234 {code}")
    bench.until(lambda: bench.attempt("id").get("node", before["node"]) != before["node"], "a new key")
    assert bench.ask("id")["house"] is None
    assert bench.ask("queue")["greatest"] == 0
    bench.enrol()
    bench.records(1)
    assert bench.agent.stream.lost == []
