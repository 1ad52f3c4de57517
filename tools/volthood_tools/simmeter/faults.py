"""What goes wrong on purpose: faults of a meter and of its line, by calendar or by count of requests.

A plan is a TOML file (README.md here tells its keys), and is read again whenever it is changed: so a test spoils and mends a
meter that runs. The same plan, seed and requests give the same bytes: chance is a hash of seed, fault, unit and number of
the request, never of the moment.
"""

import hashlib
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from volthood.config.toml import build, read_toml, setting
from volthood.errors import LocalError
from volthood_tools.simmeter.quantities import Values
from volthood_tools.simmeter.wiring import KINDS as WIRING_KINDS
from volthood_tools.simmeter.wiring import WiringFault, as_wired

Emission = tuple[int, bytes]
"""How many ms after the answer was due, and bytes on the line."""

LINE_KINDS = ("crc", "noise", "baud", "twin", "echo")
"""Only a serial line has these: over TCP they do nothing."""

VALUE_KINDS = ("rollover", "jump", "restart")
ANSWER_KINDS = ("silence", "delay", "address", "exception", "truncated", "doubled", "unplugged")
KINDS = (*LINE_KINDS, *VALUE_KINDS, *WIRING_KINDS, *ANSWER_KINDS)

_ENERGIES = ("energy_import", "energy_export", "energy_import_f32", "energy_import_fine", "energy_export_fine")


@dataclass(frozen=True)
class Fault:
    """One fault and when it strikes."""

    kind: str = setting("what goes wrong")
    unit: int = setting("the meter's Modbus address; 0 for every meter", default=0)
    first: int = setting("the first request to a meter that it strikes, counted from 1", default=1)
    last: int | None = setting("the last request that it strikes; without it there is none", default=None)
    since: datetime | None = field(
        default=None, metadata={"help": "from when on it strikes, calendar time with its zone"}
    )
    until: datetime | None = field(
        default=None, metadata={"help": "until when it strikes, calendar time with its zone"}
    )
    every: int = setting("of those requests only each so manieth, the first included", default=1)
    chance_percent: int = setting("of those requests only so many in a hundred", default=100)
    delay_ms: int = setting("delay, doubled, twin: by how much", default=200)
    code: int = setting("exception: its code", default=4)
    count: int = setting("truncated, unplugged: bytes that come; noise: bytes that come before", default=3)
    wh: int = setting("jump: what is added; rollover: the end of the counter; restart: what is lost", default=0)
    phase: int = setting("wiring: which phase; swapped: this one and the next", default=1)
    ratio_permille: int = setting("ratio: what every current is multiplied by", default=500)

    def check(self) -> None:
        """Raises: `LocalError` with what is wrong."""
        for wrong, what in (
            (self.kind not in KINDS, f"kind is one of {', '.join(sorted(KINDS))}"),
            (not 0 <= self.unit <= 247, "unit is 0 to 247"),
            (self.first < 1, "first is 1 or more"),
            (self.last is not None and self.last < self.first, "last is not before first"),
            (any(time is not None and time.tzinfo is None for time in (self.since, self.until)), "times have a zone"),
            (self.every < 1, "every is 1 or more"),
            (not 0 <= self.chance_percent <= 100, "chance_percent is 0 to 100"),
            (not 0 <= self.delay_ms <= 60_000, "delay_ms is 0 to 60000"),
            (not 1 <= self.code <= 255, "code is 1 to 255"),
            (not 0 <= self.count <= 256, "count is 0 to 256"),
            (not 1 <= self.phase <= 3, "phase is 1 to 3"),
            (not 1 <= self.ratio_permille <= 1_000_000, "ratio_permille is 1 to 1000000"),
            (self.kind == "rollover" and self.wh < 1, "wh is the end of the counter"),
        ):
            if wrong:
                raise LocalError(what)

    def begun(self, number: int, now_ms: int) -> bool:
        """Whether its time has come, for a meter's so manieth request."""
        return number >= self.first and (self.since is None or now_ms >= _ms(self.since))

    def over(self, number: int, now_ms: int) -> bool:
        """Whether its time has passed."""
        return (self.last is not None and number > self.last) or (self.until is not None and now_ms >= _ms(self.until))


class Strike:
    """What strikes one request.

    Attributes:
        faults: those that do.
        lost_wh: what the meter lost when it started again.
    """

    def __init__(self, faults: tuple[Fault, ...], lost_wh: int, chance: bytes) -> None:
        self.faults = faults
        self.lost_wh = lost_wh
        self._chance = chance

    def of_kind(self, *kinds: str) -> Fault | None:
        """The first fault of these kinds."""
        return next((fault for fault in self.faults if fault.kind in kinds), None)

    def values(self, values: Values) -> Values:
        """What the registers show instead."""
        wrong = [_wiring(fault) for fault in self.faults if fault.kind in WIRING_KINDS]
        changed = dict(as_wired(values, wrong))
        for name in _ENERGIES:
            if name in changed:
                changed[name] = max(0, changed[name] - self.lost_wh)
                for fault in self.faults:
                    if fault.kind == "jump":
                        changed[name] += fault.wh
                    elif fault.kind == "rollover":
                        changed[name] %= fault.wh
        return changed

    def answer(self, unit: int, pdu: bytes) -> tuple[int, bytes] | None:
        """Who says what instead; None for nobody."""
        if self.of_kind("silence", "restart"):
            return None
        refusal = self.of_kind("exception")
        if refusal:
            pdu = bytes([pdu[0] | 0x80, refusal.code])
        return (unit % 247 + 1 if self.of_kind("address") else unit), pdu

    def emissions(self, request: bytes, frame: bytes, serial: bool) -> list[Emission]:
        """What comes instead of a frame. `serial`: over a serial line."""
        delay, doubled = self.of_kind("delay"), self.of_kind("doubled")
        cut = self.of_kind("truncated", "unplugged")
        if serial:
            frame = self._disturbed(frame)
        frame = frame[: cut.count] if cut else frame
        found = [(delay.delay_ms if delay else 0, frame)]
        if doubled:
            found.append((found[0][0] + doubled.delay_ms, frame))
        twin = self.of_kind("twin")
        if serial and twin and twin.delay_ms:
            found.append((found[0][0] + twin.delay_ms, frame))
        if serial and self.of_kind("echo"):
            found.insert(0, (0, request))
        return _together(found)

    def _disturbed(self, frame: bytes) -> bytes:
        """What a line makes of a frame."""
        noise, twin = self.of_kind("noise"), self.of_kind("twin")
        if self.of_kind("crc"):
            frame = frame[:-1] + bytes([frame[-1] ^ 0x55])
        if twin and not twin.delay_ms:
            # Two drivers on one pair: where one of them says 0, 0 is heard.
            frame = bytes(mine & other for mine, other in zip(frame, self._bytes(len(frame), b"twin"), strict=True))
        if self.of_kind("baud"):
            frame = self._bytes(max(1, len(frame) * 2 // 3), b"baud")
        return (self._bytes(noise.count, b"noise") if noise else b"") + frame

    def _bytes(self, count: int, what: bytes) -> bytes:
        return hashlib.shake_128(self._chance + what).digest(count)


class FaultPlan:
    """The faults of one process, and how many requests each meter has had."""

    def __init__(self, faults: tuple[Fault, ...] = (), seed: int = 0) -> None:
        self._begin(faults, seed)

    def _begin(self, faults: tuple[Fault, ...], seed: int) -> None:
        self._faults = faults
        self._seed = seed
        self._numbers: dict[tuple[object, int], int] = {}
        self._unplugged: set[tuple[object, int, int]] = set()

    def strike(self, line: object, unit: int, now_ms: int) -> Strike:
        """What strikes the next request to a meter, which is counted.

        Args:
            line: what the meter is on; meters on different lines are counted apart.
            now_ms: calendar time.
        """
        number = self._numbers[line, unit] = self._numbers.get((line, unit), 0) + 1
        found, lost_wh = [], 0
        for index, fault in enumerate(self._faults):
            if fault.unit not in (0, unit) or not fault.begun(number, now_ms):
                continue
            if fault.over(number, now_ms):
                lost_wh += fault.wh if fault.kind == "restart" else 0
            elif (number - fault.first) % fault.every == 0 and self._happens(index, fault, unit, number):
                found.append(self._once(fault, (line, unit, index)))
        return Strike(tuple(found), lost_wh, f"{self._seed} {unit} {number}".encode())

    def _once(self, fault: Fault, who: tuple[object, int, int]) -> Fault:
        """A cable that is pulled in mid-frame brings the beginning once, and then nothing."""
        if fault.kind != "unplugged":
            return fault
        pulled = who in self._unplugged
        self._unplugged.add(who)
        return Fault("silence") if pulled else fault

    def _happens(self, index: int, fault: Fault, unit: int, number: int) -> bool:
        drawn = hashlib.sha256(f"{self._seed} {index} {unit} {number}".encode()).digest()
        return int.from_bytes(drawn[:4], "big") % 100 < fault.chance_percent


def _together(emissions: list[Emission]) -> list[Emission]:
    """What comes at one time in one piece, in the order of time."""
    found: dict[int, bytes] = {}
    for after_ms, data in emissions:
        found[after_ms] = found.get(after_ms, b"") + data
    return [(after_ms, data) for after_ms, data in sorted(found.items()) if data]


class PlanFile(FaultPlan):
    """The plan in a TOML file, followed: a changed file is a new plan, whose requests are counted anew.

    A file that is gone or broken changes nothing; that it is broken is said on standard error.

    Raises:
        LocalError: what is wrong with the file at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed_ns = _changed_ns(path)
        super().__init__(*_read(path))

    def strike(self, line: object, unit: int, now_ms: int) -> Strike:
        """See `FaultPlan`."""
        changed_ns = _changed_ns(self._path)
        if changed_ns not in (None, self._changed_ns):
            self._changed_ns = changed_ns
            try:
                self._begin(*_read(self._path))
            except LocalError as error:
                print(f"the plan stays as it was: {error}", file=sys.stderr, flush=True)
        return super().strike(line, unit, now_ms)


def _changed_ns(path: Path) -> int | None:
    """When a file was changed; None where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _wiring(fault: Fault) -> WiringFault:
    return WiringFault(fault.kind, fault.phase, fault.ratio_permille)


def _read(path: Path) -> tuple[tuple[Fault, ...], int]:
    """Faults and seed of a TOML file. Raises: `LocalError`."""
    file = read_toml(path)
    unknown = set(file) - {"seed", "fault"}
    if unknown:
        raise LocalError(f"{path}: unknown key {min(unknown)}; known here: seed, fault")
    tables, seed = file.get("fault", []), file.get("seed", 0)
    if not isinstance(tables, list) or not isinstance(seed, int):
        raise LocalError(f"{path}: seed is a whole number, and there is a table [[fault]] for each fault")
    faults = []
    for i, table in enumerate(tables):
        faults.append(build(Fault, table, path, f"fault[{i}]."))
        try:
            faults[-1].check()
        except LocalError as error:
            raise LocalError(f"{path}: fault[{i}]: {error}") from error
    return tuple(faults), seed


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
