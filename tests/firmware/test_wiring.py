"""The wiring diagnosis: a named table of homes that are wired right, and of what installers cross.

The homes are three-phase arithmetic with a line's impedance in front; the meter gets what `volthood_tools.simmeter.wiring`
makes of them. A home that is wired right and called wrong is a false alarm, and none is allowed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood_tools.simmeter.wiring import Phase, WiringFault, wired
from voltnode.console.wiring_evidence import Evidence, root
from voltnode.console.wiring_rules import Diagnosis, judge

READINGS = 60
LINE_OHM = 0.25
"""Of a phase and of the neutral, from the transformer to the meter."""

ANGLES = {1: (0,), 2: (0, 180), 3: (0, -120, 120)}
ALL = ("voltage", "current", "power", "reactive_power")
Load = tuple[float, float]
"""W and var of one phase."""


def switched(on: Load, base: Load = (200, 20), period: int = 20) -> Callable[[int], Load]:
    """A load that goes on and off."""
    return lambda t: (on[0] + base[0], on[1] + base[1]) if t % period >= period // 2 else base


def steady(watts: float, vars_: float = 0) -> Callable[[int], Load]:
    return lambda _t: (watts, vars_)


@dataclass
class Home:
    """What flows in each phase, over a minute; what is wrong with the wiring; what was said to the command."""

    loads: list[Callable[[int], Load]]
    faults: tuple[WiringFault, ...] = ()
    quantities: tuple[str, ...] = ALL
    nominal_v: float = 230
    noise_v: float = 0.15
    said: dict[str, int | bool] = field(default_factory=dict)
    order: bool = False

    def evidence(self) -> Evidence:
        chance = random.Random(7)
        names = ["_l1", "_l2", "_l3"][: len(self.loads)] if len(self.loads) > 1 else [""]
        found = Evidence([f"{quantity}{name}" for quantity in self.quantities for name in names])
        for t in range(READINGS):
            seen = wired(self._phases(t, chance), self.faults)
            found.take(self._shown(seen, names))
        return found

    def _phases(self, t: int, chance: random.Random) -> list[Phase]:
        """The line drops what its current takes, the neutral what the phases leave over."""
        angles = ANGLES[len(self.loads)]
        loads = [load(t) for load in self.loads]
        ideal = [Phase.of(self.nominal_v, *load, angle) for load, angle in zip(loads, angles, strict=True)]
        star = sum((phase.current for phase in ideal), 0j) * LINE_OHM
        found = []
        for phase, load in zip(ideal, loads, strict=True):
            voltage = phase.voltage - phase.current * LINE_OHM - star
            voltage *= 1 + chance.gauss(0, self.noise_v) / self.nominal_v
            found.append(Phase(voltage, (complex(*load) / voltage).conjugate()))
        return found

    def _shown(self, phases: list[Phase], names: list[str]) -> dict[str, int | None]:
        values: dict[str, int | None] = {"power_total": round(sum(phase.apparent.real for phase in phases) * 1000)}
        for phase, name in zip(phases, names, strict=True):
            everything = {
                "voltage": abs(phase.voltage),
                "current": abs(phase.current),
                "power": phase.apparent.real,
                "reactive_power": phase.apparent.imag,
            }
            values |= {f"{quantity}{name}": round(everything[quantity] * 1000) for quantity in self.quantities}
        if self.order:
            values["phase_sequence"] = -1 if any(fault.kind == "rotation" for fault in self.faults) else 0
        return values

    def judge(self) -> Diagnosis:
        return judge(self.evidence(), **self.said)  # type: ignore[arg-type]


KETTLE = switched((2000, 0))
FRIDGE, EMPTY, STANDBY = steady(120, 60), steady(0, 0), steady(15, -30)

HEALTHY = {
    "three phases with kettles": Home([KETTLE, switched((1500, 200), period=14), switched((900, 300), period=26)]),
    "balanced heat pump": Home([steady(1200, 350)] * 3),
    "all on one phase": Home([switched((4000, 300)), FRIDGE, STANDBY]),
    "car on one phase, long line": Home([steady(7300, 100), FRIDGE, STANDBY]),
    "oven and instantaneous heater": Home([steady(9000), steady(9000), steady(300, 50)]),
    "three-phase plant at noon": Home([steady(-3000, 100)] * 3),
    "three-phase plant, clouds": Home([switched((-2500, 50), (-300, 30))] * 3),
    "three-phase plant, reactive power by rule (0.9)": Home([steady(-2700, -1300)] * 3),
    "three-phase plant at dusk, filters": Home([steady(-90, -290)] * 3),
    "three-phase plant at night, filters": Home([steady(25, -310), steady(40, -300), steady(30, -320)]),
    "filters at night, one phase still feeding": Home([steady(-100, -300), steady(150, -300), steady(200, -280)]),
    "one-phase plant on L1": Home([steady(-2400, 30), steady(700, 100), steady(300, 80)]),
    "one-phase plant, loads switched there": Home([switched((1800, 0), (-2600, 20)), steady(700, 100), FRIDGE]),
    "balcony plant on L2": Home([steady(350, 60), steady(-420, -10), steady(200, 40)]),
    "two plants and a battery": Home([steady(-1500, 0), steady(2500, 100), steady(-800, -50)]),
    "battery feeds to zero at night": Home([steady(-600, 20), steady(400, 90), steady(220, 60)]),
    "night, next to nothing": Home([STANDBY, FRIDGE, STANDBY]),
    "away, nothing": Home([EMPTY, EMPTY, EMPTY]),
    "one motor idles": Home([steady(250, 900), steady(600, 80), steady(300, 40)]),
    "three-phase motor idles": Home([steady(260, 1000)] * 3),
    "welder": Home([switched((2500, 2600)), switched((2500, 2600)), FRIDGE]),
    "kettle of 2000 W, said so": Home([KETTLE, FRIDGE, FRIDGE], said={"load_w": 2000, "fuse_a": 35}),
    "one phase, kettle": Home([KETTLE]),
    "one phase, night": Home([STANDBY]),
    "one phase, plant": Home([steady(-1800, 20)]),
    "one phase, plant and kettle": Home([switched((2000, 0), (-2500, 0))]),
    "split phase, 120 V": Home([KETTLE, switched((900, 100), period=14)], nominal_v=120),
    "meter without reactive power": Home(
        [KETTLE, steady(800, 200), FRIDGE], quantities=("voltage", "current", "power")
    ),
    "meter with power alone": Home([KETTLE, steady(800), FRIDGE], quantities=("power",)),
    "phase order shown": Home([KETTLE] * 3, order=True),
}

OPEN_IS_RIGHT = {
    "three-phase plant at noon": {"feeds_in"},
    "three-phase plant, reactive power by rule (0.9)": {"feeds_in"},
    "one-phase plant on L1": {"feeds_in"},
    "balcony plant on L2": {"feeds_in"},
    "two plants and a battery": {"feeds_in"},
    "battery feeds to zero at night": {"feeds_in"},
    "three-phase plant at dusk, filters": {"feeds_in"},
    "filters at night, one phase still feeding": {"feeds_in"},
    "one phase, plant": {"feeds_in"},
    "one motor idles": {"power_factor"},
    "three-phase motor idles": {"power_factor"},
}
"""Homes of which one cannot know from one minute alone."""


@pytest.mark.parametrize("name", HEALTHY)
def test_a_home_that_is_wired_right_is_never_called_wrong(name: str) -> None:
    diagnosis = HEALTHY[name].judge()
    assert diagnosis.found == []
    assert {question[0] for question in diagnosis.open} <= OPEN_IS_RIGHT.get(name, set())


def fault(kind: str, phase: int = 1, ratio_permille: int = 1000) -> tuple[WiringFault, ...]:
    return (WiringFault(kind, phase, ratio_permille),)


USUAL = [KETTLE, switched((1500, 200), period=14), switched((900, 300), period=26)]

CROSSED = {
    "L1 reversed, loads switched": (Home(USUAL, fault("reversed")), ("reversed", "L1")),
    "L2 reversed, loads switched": (Home(USUAL, fault("reversed", 2)), ("reversed", "L2")),
    "L2 reversed, and a plant on it": (
        Home([FRIDGE, switched((2000, 0), (-2600, 0)), FRIDGE], fault("reversed", 2)),
        ("reversed", "L2"),
    ),
    "L3 reversed, nothing feeds in": (
        Home([steady(500), steady(400), steady(700, 100)], fault("reversed", 3), said={"feeds": False}),
        ("reversed", "L3"),
    ),
    "one phase reversed": (Home([KETTLE], fault("reversed")), ("reversed", "")),
    "L1 and L2 exchanged": (
        Home([steady(1500, 200), steady(900, 100), FRIDGE], fault("swapped")),
        ("swapped", "L1 L2"),
    ),
    "L2 and L3 exchanged": (Home(USUAL, fault("swapped", 2)), ("swapped", "L2 L3")),
    "L1 and L3 exchanged": (Home([steady(800, 100), FRIDGE, steady(2000)], fault("swapped", 3)), ("swapped", "L1 L3")),
    "exchanged, and the plant feeds in": (
        Home([steady(-2500, 50), steady(-2500, 50), steady(-2500, 50)], fault("swapped")),
        ("swapped", "L1 L2"),
    ),
    "exchanged, one draws and one feeds in": (
        Home([steady(-2500, 50), steady(1500, 200), FRIDGE], fault("swapped")),
        ("swapped", "L1 L2"),
    ),
    "all one further": (
        Home([steady(1500, 100)] * 3, (WiringFault("swapped", 1), WiringFault("swapped", 2))),
        ("swapped", "L1 L2 L3"),
    ),
    "phase order": (Home(USUAL, fault("rotation"), order=True), ("order", "")),
    "no neutral": (Home([steady(2000), steady(500), steady(500)], fault("neutral")), ("no_neutral", "")),
    "no neutral, small loads": (Home([steady(300), steady(80), steady(120)], fault("neutral")), ("no_neutral", "")),
    "split phase without neutral": (
        Home([steady(900), steady(300)], fault("neutral"), nominal_v=120),
        ("no_neutral", ""),
    ),
    "L2 without voltage": (Home(USUAL, fault("dead", 2)), ("no_voltage", "L2")),
    "one phase without voltage": (Home([KETTLE], fault("dead")), ("no_voltage", "")),
    "ratio a fifth": (Home([KETTLE, FRIDGE, FRIDGE], fault("ratio", 1, 200), said={"load_w": 2000}), ("ratio", "")),
    "ratio of 40 without transformers": (
        Home([steady(1500), FRIDGE, FRIDGE], fault("ratio", 1, 40_000), said={"fuse_a": 35}),
        ("ratio", "L1"),
    ),
}


@pytest.mark.parametrize("name", CROSSED)
def test_what_is_crossed_is_said(name: str) -> None:
    home, expected = CROSSED[name]
    diagnosis = home.judge()
    assert [finding[:2] for finding in diagnosis.found] == [expected]
    assert diagnosis.verdict() == "wrong"
    assert all(text and check for _, _, _, text, check in diagnosis.found)


def test_exchanged_phases_without_reactive_power_are_a_question() -> None:
    home = Home(
        [steady(1500, 200), steady(900, 100), FRIDGE], fault("swapped"), quantities=("voltage", "current", "power")
    )
    diagnosis = home.judge()
    assert diagnosis.found == []
    assert [question[:2] for question in diagnosis.open] == [("swapped", "L1 L2")]
    assert diagnosis.verdict() == "unclear"


def test_registers_that_do_not_belong_together() -> None:
    evidence = Evidence(["voltage", "current", "power"])
    for _ in range(20):
        evidence.take({"voltage": 230_000, "current": 4000, "power": 9_200_000, "power_total": 9_200_000})
    assert [finding[:2] for finding in judge(evidence).found] == [("scale", "")]


def test_a_total_of_amounts_is_not_the_sum() -> None:
    evidence = Evidence([f"{name}_l{phase}" for name in ALL for phase in (1, 2, 3)])
    for _ in range(20):
        values: dict[str, int | None] = {"power_total": 3_000_000}
        for phase, power_mw in ((1, 1_000_000), (2, -1_000_000), (3, 1_000_000)):
            values |= {f"voltage_l{phase}": 230_000, f"current_l{phase}": 4348, f"power_l{phase}": power_mw}
            values[f"reactive_power_l{phase}"] = 0
        evidence.take(values)
    assert [finding[0] for finding in judge(evidence).found] == ["total"]


def test_what_cannot_be_told_is_named_once() -> None:
    diagnosis = HEALTHY["meter with power alone"].judge()
    assert len(diagnosis.cannot) == len(set(diagnosis.cannot))
    words = "\n".join(diagnosis.cannot)
    for what in (
        "phase order",
        "exchanged phases",
        "voltage of L1",
        "power factor of L3",
        "transformer ratio",
        "kettle",
    ):
        assert what in words


def test_a_load_that_was_not_switched_leaves_the_ratio_open() -> None:
    diagnosis = Home([steady(500)] * 3, said={"load_w": 2000}).judge()
    assert [question[0] for question in diagnosis.open] == ["ratio"]


@given(st.integers(0, 2**70))
def test_roots_are_whole(number: int) -> None:
    assert root(number) == isqrt(number)


@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.integers(-(10**10), 10**10)) for _ in range(13)]), min_size=1, max_size=8
    )
)
def test_no_readings_break_it(readings: list[tuple[int | None, ...]]) -> None:
    names = [f"{name}_l{phase}" for name in ALL for phase in (1, 2, 3)]
    evidence = Evidence(names)
    for reading in readings:
        evidence.take(dict(zip([*names, "power_total"], reading, strict=True)))
    assert judge(evidence, 35, 2000, False).verdict() in ("wrong", "unclear", "looks right")


def test_false_alarms_over_many_homes_that_are_wired_right() -> None:
    """Random homes, plants and motors among them: how many are called wrong. None may be."""
    chance = random.Random(20261124)
    wrong = []
    for number in range(600):
        loads: list[Callable[[int], Load]] = []
        for _ in range(3):
            kind = chance.choice(["load", "load", "switched", "feed", "filter", "motor", "nothing"])
            watts = chance.uniform(50, 5000)
            loads.append(
                {
                    "load": steady(watts, watts * chance.uniform(-0.1, 0.5)),
                    "switched": switched((watts, watts * chance.uniform(0, 0.4)), period=chance.randrange(6, 40)),
                    "feed": steady(-watts, watts * chance.uniform(-0.3, 0.3)),
                    "filter": steady(chance.uniform(-80, 80), -chance.uniform(100, 320)),
                    "motor": steady(watts / 10, watts / 4),
                    "nothing": STANDBY,
                }[kind]
            )
        found = Home(loads).judge().found
        if found:
            wrong.append((number, found))
    assert wrong == []
