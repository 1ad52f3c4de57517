"""`kill -9` of every part of a running demonstration, each in the middle of a round: nothing is lost, nothing said twice."""

import json
import random

import pytest

from tests.integration.demo.conftest import Demo, StartDemo, runs, until
from volthood.core.energy import Quality
from volthood.wire.record import unpack_record

KILLED = ("node-house01", "agent-house02", "broker", "meters")
"""One part for each of the first rounds."""
BACK_WITHIN_S = 5.0
"""On a busy machine; that the supervisor needs less than a second stands in its own test."""
GONE_WITHIN_S = 2.0


class Faulted:
    """A demonstration that lost each of its parts once, and came to its end."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.back_after_s: dict[str, float] = {}
        for number, part in enumerate(KILLED):
            self.wait_for_round(number)
            self.back_after_s[part] = demo.kill(part)
        self.result = demo.finish()

    def wait_for_round(self, number: int) -> None:
        """Wait until a round is under way: the agent that is killed has posted its order."""
        heard = self.demo.listener.heard
        self.demo.until(lambda: heard(self.demo.round(number), "house02", "order"), f"round {number}")


@pytest.fixture(scope="module")
def faulted(start_demo: StartDemo) -> Faulted:
    return Faulted(start_demo("--homes", "4", "--slots", "4"))


def test_it_comes_to_a_good_end(faulted: Faulted) -> None:
    laws = faulted.result["laws"]
    assert isinstance(laws, dict)
    assert all(laws.values()), faulted.result["broken"]
    assert isinstance(faulted.result["transactions"], int)
    assert faulted.result["transactions"] > 0


@pytest.mark.parametrize("part", KILLED)
def test_each_part_comes_back(faulted: Faulted, part: str) -> None:
    assert f"{part} was ended by SIGKILL; it starts again at once" in faulted.demo.told
    assert faulted.back_after_s[part] < BACK_WITHIN_S


def test_agents_and_nodes_find_the_broker_again(faulted: Faulted) -> None:
    for house in faulted.demo.homes:
        assert faulted.demo.log(f"agent-{house}").count("BrokerConnected") >= 2
    assert faulted.demo.log("agent-house02").count("AgentStarted") == 2


def test_every_slot_is_metered_and_billed(faulted: Faulted) -> None:
    for home in faulted.demo.homes.values():
        with home.open() as household:
            first = faulted.demo.first_slot
            energies = household.energies(first, first + 4 * faulted.demo.slot_s)
            assert len(energies) == 4, home.house
            assert {energy.quality for energy in energies.values()} == {Quality.MEASURED}


def test_records_are_gapless_or_closed(faulted: Faulted) -> None:
    assert_gapless(faulted.demo)


def test_what_was_acknowledged_is_kept(faulted: Faulted) -> None:
    assert_acknowledged_is_kept(faulted.demo)


def test_nothing_is_said_twice_in_two_ways(faulted: Faulted) -> None:
    assert_nobody_equivocates(faulted.demo)


def assert_gapless(demo: Demo) -> None:
    """Each number of each node's stream is stored or closed with a reason, up to the last."""
    for home in demo.homes.values():
        with home.open() as household:
            for node in household.member.nodes:
                held = {rseq for first, last in household.readings.held_ranges(node) for rseq in range(first, last + 1)}
                for first, last, _reason in household.readings.closed_ranges(node):
                    held |= set(range(first, last + 1))
                assert held == set(range(1, max(held) + 1)), home.house


def assert_acknowledged_is_kept(demo: Demo) -> None:
    """What a receipt covers is in the store, as it was sent."""
    for home in demo.homes.values():
        with home.open() as household:
            for node in household.member.nodes:
                receipts = [home.link.verify_receipt(node, data) for data in demo.listener.receipts[node.hex()]]
                upto = max(rseq for rseq in receipts if rseq is not None)
                assert upto > 0
                for (sender, rseq), sent in demo.listener.records.items():
                    if sender == node.hex() and rseq <= upto:
                        assert sent == {household.readings.record(node, rseq)}, f"{home.house} rseq {rseq}"


def assert_nobody_equivocates(demo: Demo) -> None:
    """Nobody posted two orders or bundles in a round, or signed two records of a number; and nobody was accused."""
    for (round_, house, kind), sent in demo.listener.boards.items():
        if kind in {"order", "bundle"}:
            assert len(sent) == 1, f"{house} posted {len(sent)} different {kind}s in {round_}"
    for (node, rseq), sent in demo.listener.records.items():
        assert len(sent) == 1, f"{len(sent)} records {rseq} of {node}: {[unpack_record(data)[1] for data in sent]}"
    for home in demo.homes.values():
        accusations = home.events("OrderEquivocated", "BundleEquivocated", "EvidenceSeen", "ContractOutsideOrder")
        assert accusations == []


def test_killed_itself_it_leaves_no_process(start_demo: StartDemo) -> None:
    demo = start_demo("--homes", "2", "--slots", "3")
    demo.until(lambda: demo.listener.heard(demo.round(0), "house01", "order"), "the first round")
    pids = json.loads((demo.folder / "run" / "pids.json").read_text())
    assert len(pids) == 7
    demo.process.kill()
    demo.process.wait()
    assert until(lambda: not any(runs(pid) for pid in pids.values()), "no process is left", 10) < GONE_WITHIN_S


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_morning_of_faults(start_demo: StartDemo, seed: int) -> None:
    demo = start_demo("--slots", "16")
    drawn = random.Random(seed)
    parts = [*KILLED, *(f"{kind}-{house}" for kind in ("node", "agent") for house in demo.homes)]
    for number in range(16):
        wait_for_orders(demo, number, [house for house in demo.homes if drawn.random() < 0.5])
        demo.kill(drawn.choice(parts))
    laws = demo.finish()["laws"]
    assert isinstance(laws, dict)
    assert all(laws.values()), laws
    assert_gapless(demo)
    assert_acknowledged_is_kept(demo)
    assert_nobody_equivocates(demo)


def wait_for_orders(demo: Demo, number: int, houses: list[str]) -> None:
    """Wait until some homes have posted their order of a round, or the round is over."""
    round_ = demo.round(number)
    over_s = round_[0] - demo.slot_s // 2

    def posted() -> bool:
        return demo.clock.now_s() > over_s or all(demo.listener.heard(round_, house, "order") for house in houses)

    demo.until(posted, f"orders of {houses} in round {number}")
