"""An agent's memory does not grow with its age: what is over is in the store alone."""

from collections import deque

import pytest

from volthood.core.forecast import KEEP_DAYS
from volthood.engine.agent import Engine
from volthood.testing.neighbourhood import START, Home, Neighbourhood

HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250)]
WITHIN_S = 3600
"""Time to settle: short, so that a run of hours has old slots to forget."""
SAMPLES = "_forecaster._past"


def sizes(engine: Engine) -> dict[str, int]:
    """Entries of every container that the engine holds, by the path of attributes to it; stores and keys left out."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    todo: list[tuple[str, object]] = [("engine", engine)]
    while todo:
        path, thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, dict | list | set | deque | tuple):
            found[path] = found.get(path, 0) + len(thing)
            todo += [(path, each) for each in (thing.values() if isinstance(thing, dict) else thing)]
        elif type(thing).__module__.startswith("volthood.") and ".adapters." not in type(thing).__module__:
            todo += [(f"{path}.{name}", value) for name, value in getattr(thing, "__dict__", {}).items()]
    return found


def grown(slots: tuple[int, int]) -> dict[str, int]:
    """By how much each container grew between two ages, over all houses; samples of the forecast have their own bound."""
    hood = Neighbourhood(HOMES, settle_within_s=WITHIN_S)
    ages: list[dict[str, int]] = []
    for slot in slots:
        hood.run_until(START + slot * 900 + 450)
        ages.append({f"{n}{path}": size for n, h in hood.houses.items() for path, size in sizes(h.engine).items()})
    for house in hood.houses.values():
        samples = next(size for path, size in sizes(house.engine).items() if path.endswith(SAMPLES))
        assert samples <= (KEEP_DAYS + 1) * 96
    assert hood.broken_laws() == {}
    young, old = ages
    return {
        path: size - young.get(path, 0)
        for path, size in old.items()
        if size > young.get(path, 0) and "_forecaster" not in path
    }


def test_a_day_old_agent_holds_what_a_young_one_does() -> None:
    """Edges are kept for three days, so they alone may still grow."""
    assert {
        path for path in grown((12, 36)) if "_edges" not in path and "_measured" not in path and "stream" not in path
    } == set()


@pytest.mark.long
def test_three_hundred_slots_hold_what_a_young_agent_does() -> None:
    edges = {path: size for path, size in grown((300, 330)).items() if "stream" not in path}
    assert edges == {}
