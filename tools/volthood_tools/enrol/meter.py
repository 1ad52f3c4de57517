"""The household's meter at enrolment: found on the bus where nobody knows its settings, and set on the board.

The board does the looking (`meter probe`), a speed at a time so that an installer sees how far it is. Nothing is changed
before somebody has chosen.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from volthood.errors import DeviceError, LocalError

SPEEDS = (9600, 2400, 19_200, 4800, 38_400, 115_200, 57_600, 1200)
"""In the order in which meters have them."""
PROBE_TIMEOUT_S = 180.0
SET_TIMEOUT_S = 10.0
RTU = "rtu"

_LINE = re.compile(r"(\d{4,6}) ?([NEO])([12])")


class Console(Protocol):
    """What is asked: `console.node.NodeConsole`, or a fake."""

    def ask(self, command: str, timeout_s: float = SET_TIMEOUT_S) -> dict[str, object]:
        """The answer to a command. Raises `DeviceError`."""


@dataclass(frozen=True)
class Line:
    """Line settings of the RS-485 bus; speed 0 where it has none (a pty)."""

    baud: int
    parity: str
    stop_bits: int

    @classmethod
    def parse(cls, text: str) -> "Line":
        """Those of `9600 N1`. Raises: `LocalError`."""
        found = _LINE.fullmatch(text)
        if found is None or int(found[1]) not in SPEEDS:
            speeds = ", ".join(map(str, sorted(SPEEDS)))
            raise LocalError(f"line settings are as 9600 N1: a speed of {speeds} Bd, N, E or O, 1 or 2 stop bits")
        return cls(int(found[1]), found[2], int(found[3]))


@dataclass(frozen=True)
class MeterSetting:
    """What a board is told of its meter. `unit` 0 is the model's usual address; `line` None leaves the bus as it is."""

    model: str
    unit: int = 0
    where: str = RTU
    unverified: bool = False
    line: Line | None = None

    @classmethod
    def parse(cls, text: str, line: Line | None = None) -> "MeterSetting":
        """That of `MODEL[,ADDRESS[,WHERE[,unverified]]]`. Raises: `LocalError`."""
        model, *more = text.split(",")
        if len(more) > 3 or (more and not more[0].isdigit()) or more[2:] not in ([], ["unverified"]):
            raise LocalError("a meter is MODEL[,ADDRESS[,WHERE[,unverified]]], WHERE is rtu or HOST:PORT")
        unit = int(more[0]) if more else 0
        return cls(model, unit, more[1] if len(more) > 1 else RTU, len(more) == 3, line)


@dataclass(frozen=True)
class FoundMeter:
    """A meter that answered a probe. `model` is None where several could be it: `candidates`."""

    unit: int
    model: str | None
    candidates: tuple[str, ...]
    serial: str
    verified: bool
    line: Line

    def setting(self, model: str | None = None) -> MeterSetting:
        """What has it read, as this model where the probe could not tell."""
        name = model or self.model
        if name is None:
            raise LocalError(f"the meter at address {self.unit} may be {', '.join(self.candidates) or 'any'}")
        unverified = self.model is not None and not self.verified
        return MeterSetting(name, self.unit, RTU, unverified, self.line if self.line.baud else None)

    def __str__(self) -> str:
        model = self.model or " or ".join(self.candidates) or "a model nobody knows"
        checked = "" if self.verified or self.model is None else ", a table that nobody has checked"
        line = f"{self.line.baud} {self.line.parity}{self.line.stop_bits}"
        return f"address {self.unit}, {line}: {model}{checked}" + (f", serial {self.serial}" if self.serial else "")


def find_meters(console: Console, tell: Callable[[str], None]) -> list[FoundMeter]:
    """The meters on the bus at the first speed at which any answers; `tell` hears what is being tried.

    Raises:
        DeviceError: none answers at any.
    """
    for baud in SPEEDS:
        tell(f"looking at {baud} Bd")
        rows = console.ask(f"meter probe {baud}", PROBE_TIMEOUT_S).get("found")
        if isinstance(rows, list) and rows:
            return [_found(row) for row in rows]
    remedy = "check its supply and the two wires of the bus: A and B may be swapped"
    raise DeviceError(f"no meter answers at any speed: {remedy}", retry=True)


def _found(row: dict[str, object]) -> FoundMeter:
    model, candidates = row.get("model"), row.get("candidates")
    return FoundMeter(
        unit=int(str(row["unit"])),
        model=None if model is None else str(model),
        candidates=tuple(map(str, candidates)) if isinstance(candidates, list) else (),
        serial=str(row.get("serial", "")),
        verified=row.get("verified") is True,
        line=Line(int(str(row["baud"])), str(row["parity"]), int(str(row["stop_bits"]))),
    )


def set_meter(console: Console, setting: MeterSetting, pin: str | None) -> None:
    """Have the board read this meter as the household's, from now on; meters behind it stay.

    Args:
        pin: the installer's, None on a board that has none yet.

    Raises:
        DeviceError: the board refuses, with the reason.
    """
    kept = console.ask("config get").get("meters")
    others = [_plain(row) for row in kept[1:]] if isinstance(kept, list) else []
    meter = {"model": setting.model, "unit": setting.unit, "where": setting.where}
    changes: dict[str, object] = {"meters": [meter | {"accept_unverified": setting.unverified}, *others]}
    if setting.line is not None:
        line = setting.line
        changes |= {"baud": line.baud, "parity": line.parity, "stop_bits": line.stop_bits}
    if pin is not None:
        changes["pin"] = pin
    console.ask("config set " + json.dumps(changes), SET_TIMEOUT_S)


def _plain(row: object) -> dict[str, object]:
    """A meter of `config get` as `config set` wants it."""
    return {key: value for key, value in row.items() if key != "meter"} if isinstance(row, dict) else {}
