"""Checks of the meters that run on both interpreters: `check_meters.py FOLDER`, the folder of their vectors."""

import sys

from bus_line import Line, cases, forget, heap_lock, heap_unlock, refusal, registers, run, run_all  # type: ignore[import-not-found]

from voltnode.bus.meter import Meter, MeterError
from voltnode.console.reading_rows import reading_rows
from voltnode.meters import DETAIL, NAMES, load
from voltnode.meters.decode import BadValueError, scaled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Checks = Iterator[tuple[str, bool]]


def check_decode() -> "Checks":
    """Words to integers, in both orders, with the heap locked but for what 64 bits need."""
    for case in cases("decode"):
        for key in ("words", "little"):
            found = decoded(case, bytes.fromhex("ffff" + case[key] + "ffff"), key == "little")
            yield "%s %s %s" % (case["kind"], case["name"], key), found == case.get("value", case.get("error"))


def decoded(case: "dict[str, Any]", data: bytes, little: bool) -> "int | str":
    """The value, or the reason why there is none."""
    kind, (numerator, denominator) = case["kind"], case["ratio"]
    locked = "value" in case and "64" not in kind
    if locked:
        heap_lock()
    try:
        return scaled(data, 2, kind, little, numerator, denominator)
    except BadValueError as error:
        return error.reason
    finally:
        if locked:
            heap_unlock()


def check_locked() -> "Checks":
    """Every register of every vector's reading decodes with the heap locked, but for what 64 bits need."""
    for name in NAMES:
        for case in cases(name):
            yield name + " " + case["name"], run(decodes_locked(name, case))
        forget(name)


async def decodes_locked(name: str, case: "dict[str, Any]") -> bool:
    """Whether decoding again what a reading held allocates nothing and gives the same values."""
    meter, reading = await reading_of(name, case)
    table = meter.table
    known = {(register.function, register.address): register for register in table.registers}
    for _, function, address, words, value, _ in reading_rows(reading):
        register = known[function, address]
        if value is None or register.scale >= 0 or "64" in register.kind:
            continue
        heap_lock()
        again = scaled(words, 0, register.kind, table.little, register.numerator, register.denominator, table.missing)
        heap_unlock()
        # A fine counter stands in the place of the coarse one.
        if again != value and not register.quantity.startswith("energy_"):
            return False
    return True


def check_meter() -> "Checks":
    """Readings: by their vectors, without what is missing, never with what is wrong."""
    for name in NAMES:
        for case in cases(name):
            yield name + " " + case["name"], run(values_of(name, case)) == case["values"]
        forget(name)
    yield "reading", run(reading_of_the_load())
    yield "serial", run(serial_number()) == "305419896"
    for name, at, words, expected in (
        ("power is no number", 0x34, "7fc00000", "power_total nan"),
        ("import is infinite", 0x48, "7f800000", "energy_import infinite"),
        ("export is negative", 0x4A, "c0000000", "energy_export range"),
        ("power is too much", 0x34, "4b989680", "power_total range"),
        ("a voltage is no number", 0x02, "7fc00000", "ok"),
        ("a frequency is too much", 0x46, "43fa0000", "ok"),
    ):
        yield name, run(reading_with(at, bytes.fromhex(words))) == expected
    yield "an optional register is missing", run(without_register(0x46)) == "ok"
    yield "a required register is missing", run(without_register(0x48)) == "energy_import missing"


ELSEWHERE = {"chint_dtsu666": {0x2006: b"\x45\x0f", 0x2007: b"\xc0\x00"}}
"""What a model must show in other registers to be believed: 230 V."""


async def values_of(name: str, case: "dict[str, Any]") -> "dict[str, int]":
    """What a meter reads out of a frame, of the quantities that the case speaks of."""
    _, reading = await reading_of(name, case)
    return {row[0]: row[4] for row in reading_rows(reading) if row[0] in case["values"] and row[4] is not None}


async def reading_of(name: str, case: "dict[str, Any]") -> "tuple[Meter, Any]":
    """The meter, and what it reads out of a frame."""
    words = dict(ELSEWHERE.get(name, {}))
    for address, data in [(case["address"], case["frame"][6:-4])] + [
        (int(at), data) for at, data in case.get("image", {}).items()
    ]:
        words.update({address + i: bytes.fromhex(data[4 * i : 4 * i + 4]) for i in range(len(data) // 4)})
    line = Line(lambda r: [(10, registers(r, picked(r, words)))])
    meter = Meter(line.bus, load(name), case["unit"], DETAIL)
    return meter, await meter.read()


def picked(request: bytes, words: "dict[int, bytes]") -> bytes:
    """The words that a request asks for; 0 where there are none."""
    first, count = request[2] << 8 | request[3], request[4] << 8 | request[5]
    return b"".join([words.get(at, b"\x00\x00") for at in range(first, first + count)])


async def reading_of_the_load() -> bool:
    """A reading's fields, one by one, from the case of a load."""
    for case in cases("eastron_sdm630"):
        if case["name"] == "load":
            sent = bytes.fromhex(case["frame"])
            line = Line(lambda _, sent=sent: [(10, sent)])
            reading = await Meter(line.bus, load("eastron_sdm630")).read()
            return (
                (reading.power_w, reading.import_wh, reading.export_wh) == (1500, 14805867, 3104729)
                and (reading.frequency_mhz, reading.power_factor_permille) == (50013, 960)
                and (reading.voltage_mv, reading.current_ma, reading.phase_power_w) == ((0, 0, 0),) * 3
                and (reading.resolution_wh, reading.read_ms) == (1, line.clock.now)
                and len(line.uart.written) == 1
            )
    return False


async def serial_number() -> str:
    """Asked for by its own function."""
    line = Line(lambda r: [(10, registers(r, bytes.fromhex("12345678")) if r[1] == 3 else refusal(r, 1))])
    serial: str = await Meter(line.bus, load("eastron_sdm630")).serial()
    return serial


async def reading_with(address: int, words: bytes) -> str:
    """How a reading ends where one register holds this."""
    held = {address: words[:2], address + 1: words[2:]}
    line = Line(lambda r: [(10, registers(r, picked(r, held)))])
    try:
        reading = await Meter(line.bus, load("eastron_sdm630")).read()
    except MeterError as error:
        return str(error)
    bad = [row for row in reading_rows(reading) if row[1] == 4 and row[2] == address]
    return "ok" if bad[0][3] == words and bad[0][4] is None else "not left out"


async def without_register(address: int) -> str:
    """How the second reading ends of a meter that refuses one register, and asks for no more than it must."""

    def script(request: bytes) -> "list[tuple[int, bytes]]":
        first = request[2] << 8 | request[3]
        within = first <= address < first + request[5]
        return [(10, refusal(request, 2) if within else registers(request, bytes(2 * request[5])))]

    line = Line(script)
    meter = Meter(line.bus, load("eastron_sdm630"))
    try:
        await meter.read()
        asked = len(line.uart.written)
        reading = await meter.read()
    except MeterError as error:
        return str(error)
    refused = line.count("exceptions") > 5 or len(line.uart.written) - asked > 5 or reading.frequency_mhz is not None
    return "asks too often" if refused else "ok"


sys.exit(run_all(check_decode, check_locked, check_meter))
