"""What a message meets on its way: nothing, loss, copies, delay, a partition, a broker that forgets."""

from volthood_tools.sim.faults import FaultPlan
from volthood_tools.sim.network import Network

MANY = 2000


def sent(faults: FaultPlan, seed: str = "1") -> list[list[int]]:
    network = Network(faults, seed)
    return [network.delays_ms("a", "b") for _ in range(MANY)]


def test_in_good_order_everything_arrives_once_and_in_time() -> None:
    assert all(len(delays) == 1 and 20 <= delays[0] <= 150 for delays in sent(FaultPlan()))


def test_loss_and_copies_come_as_often_as_planned() -> None:
    lost = sum(not delays for delays in sent(FaultPlan(loss=0.1)))
    twice = sum(len(delays) == 2 for delays in sent(FaultPlan(duplicate=0.1)))
    assert 0.07 * MANY < lost < 0.13 * MANY
    assert 0.07 * MANY < twice < 0.13 * MANY


def test_late_ones_take_so_much_longer() -> None:
    late = [delays for delays in sent(FaultPlan(late=0.1, late_ms=5000)) if delays[0] > 5000]
    assert 0.07 * MANY < len(late) < 0.13 * MANY


def test_the_same_seed_gives_the_same_fate() -> None:
    faults = FaultPlan(loss=0.2, duplicate=0.2, late=0.1)
    assert sent(faults) == sent(faults)
    assert sent(faults) != sent(faults, seed="2")


def test_a_partition_stops_what_crosses_it() -> None:
    network = Network(FaultPlan(), "1")
    network.split({"a": 0, "b": 1, "c": 0})
    assert network.delays_ms("a", "b") == []
    assert network.delays_ms("a", "c")
    network.join()
    assert network.delays_ms("a", "b")


def test_a_broker_that_restarts_forgets_and_takes_nothing_meanwhile() -> None:
    network = Network(FaultPlan(), "1")
    before = network.epoch
    network.stop()
    assert not network.accepts()
    network.start()
    assert network.accepts()
    assert network.epoch != before


def test_messages_that_nobody_receives() -> None:
    network = Network(FaultPlan(publish_loss=0.5), "1")
    taken = sum(network.accepts() for _ in range(MANY))
    assert 0.45 * MANY < taken < 0.55 * MANY


def test_once_calm_nothing_is_lost() -> None:
    network = Network(FaultPlan(loss=1, publish_loss=1), "1")
    network.stop()
    network.calm()
    assert network.accepts()
    assert network.delays_ms("a", "b")
