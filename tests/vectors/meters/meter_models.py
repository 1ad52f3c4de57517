"""Answers of the meters beside the SDM630: frames of real ones and of manuals, else words put together with `struct`.

Where a client printed registers rather than frames, a frame is put around them; where a frame is longer than what a
table reads of it, it is cut and gets a new checksum. Both is said in the source.
"""

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction

from meter_frames import Case, answer, float32, frame, nearest  # type: ignore[import-not-found]

SOLAX = "syssi/esphome-solax-x1-mini issue 20, log of 2022-05-04, SDM230 behind a Solax X1"
MODBUS_SERIAL = "yaacov/node-modbus-serial issue 509, registers of an SDM72DM-V2 printed on 2023-08-27, framed"
SDM_MODBUS = "nmakel/sdm_modbus pull request 11, registers of an SDM72 printed on 2021-12-19, framed"
SDM120 = "values of a real SDM120 in nmakel/sdm_modbus issue 27 (2023-03-29), back into words with struct"
PACRAF = "pacraf/foxess_chint_modbus_bridge, README: frames between a Foxess T10 and a DTSU666"
A43 = "ABB A43/A44 user manual 2CMC480001M0201 revision C, section 9.11, the same registers as B23/B24"
EVCC = "evcc issue 15445, trace of 2024-08-17, meter 203 behind a SolarEdge: cut to 53 registers, checksum put on"
STRUCT = "struct and fractions"


def floats(base: int, *numbers: str) -> bytes:
    """Numbers as float32, one after the other. `base` is where the first stands, for the reader."""
    del base
    return b"".join(struct.pack(">f", float(number)) for number in numbers)


def words(layout: str, *values: int, little: bool = False) -> bytes:
    """Integers as registers; with `little` the least significant word of each first."""
    found = b""
    for code, value in zip(layout, values, strict=True):
        data = struct.pack(">" + code, value)
        pairs = [data[i : i + 2] for i in range(0, len(data), 2)]
        found += b"".join(reversed(pairs) if little else pairs)
    return found


def scaled(data: bytes, factor: int, names: tuple[str, ...]) -> dict[str, int]:
    """What float32 registers in a row are in the table's units."""
    return {name: nearest(float32(data[4 * i : 4 * i + 4]) * factor) for i, name in enumerate(names)}


def phases(name: str) -> tuple[str, ...]:
    """A quantity in three phases."""
    return tuple(f"{name}_l{phase}" for phase in (1, 2, 3))


def sdm120() -> Iterator[Case]:
    """Eastron SDM120."""
    for address, quantity, number, factor in (
        (0x00, "voltage", "235.10000610351562", 1000),
        (0x06, "current", "1.6169999837875366", 1000),
        (0x0C, "power_total", "170.5", 1000),
        (0x18, "reactive_power_total", "-346.0", 1000),
        (0x1E, "power_factor", "0.4420647919178009", 1000),
        (0x46, "frequency", "50.0", 1000),
        (0x48, "energy_import", "1138.6639404296875", 1000),
        (0x4A, "energy_export", "0.0", 1000),
        (0x156, "energy_total_abs", "1138.6639404296875", 1000),
    ):
        data = floats(address, number)
        value = {quantity: nearest(Fraction(number) * factor)}
        yield answer(quantity, "arithmetic", SDM120, address, frame(data), value)


def sdm230() -> Iterator[Case]:
    """Eastron SDM230."""
    for address, quantity, text in (
        (0x48, "energy_import", "010404462A7521298C"),
        (0x48, "energy_import", "010404462A7522698D"),
        (0x0C, "power_total", "010404458E3C355FB4"),
    ):
        sent = bytes.fromhex(text)
        yield answer(quantity, "captured", SOLAX, address, sent, scaled(sent[3:-2], 1000, (quantity,)))
    data = floats(0x46, "49.98", "10909.288", "1234.567")
    names = ("frequency", "energy_import", "energy_export")
    yield answer("totals", "arithmetic", STRUCT, 0x46, frame(data), scaled(data, 1000, names))


def sdm72d_m_v2() -> Iterator[Case]:
    """Eastron SDM72D-M V2."""
    for source, address, names, registers in (
        (MODBUS_SERIAL, 0x0C, phases("power"), (50108, 52674, 50059, 1730, 17030, 23989)),
        (MODBUS_SERIAL, 0x34, ("power_total",), (50195, 7819)),
        (MODBUS_SERIAL, 0x48, ("energy_import", "energy_export"), (17903, 45703, 17826, 26757)),
        (SDM_MODBUS, 0x00, phases("voltage"), (17258, 44790, 0, 0, 0, 0)),
        (SDM_MODBUS, 0x06, phases("current"), (15773, 52700, 0, 0, 0, 0)),
    ):
        data = struct.pack(f">{len(registers)}H", *registers)
        yield answer(names[0], "captured", source, address, frame(data), scaled(data, 1000, names))


def dtsu666() -> Iterator[Case]:
    """Chint DTSU666: tenths of V and W, thousandths of A, hundredths of Hz, kWh."""
    power, export = bytes.fromhex("01030445000000EF3F"), bytes.fromhex("010304440D370AE937")
    yield answer("power_total", "captured", PACRAF, 0x2012, power, scaled(power[3:-2], 100, ("power_total",)))
    yield answer("energy_export", "captured", PACRAF, 0x1028, export, scaled(export[3:-2], 1000, ("energy_export",)))
    data = floats(0x101E, "10234.56", "4000.5", "3000.25", "3233.81")
    names = ("energy_import", *phases("energy_import"))
    yield answer("import", "arithmetic", STRUCT, 0x101E, frame(data, 1, 3), scaled(data, 1000, names))
    data = floats(0x2006, "2301", "2312", "2295", "4530", "120", "0", "-12050", "-10000", "-2050", "0")
    values = scaled(data[:12], 100, phases("voltage")) | scaled(data[12:24], 1, phases("current"))
    values |= scaled(data[24:], 100, ("power_total", *phases("power")))
    yield answer("a feed-in", "arithmetic", STRUCT, 0x2006, frame(data, 1, 3), values)


def em24() -> Iterator[Case]:
    """Carlo Gavazzi EM24: 0.1 V, 0.001 A, 0.1 W, 0.1 kWh; the least significant word first."""
    yield from gavazzi(0x32, ("power_factor_l1", "power_factor_l2", "power_factor_l3", "power_factor_total"), 0x37)
    data = words("ii", 123_456, 0, little=True)
    yield answer("import", "arithmetic", STRUCT, 0x3E, frame(data[:4]), {"energy_import": 12_345_600})
    data = words("i", 70_001, little=True)
    yield answer("export", "arithmetic", STRUCT, 0x5C, frame(data), {"energy_export": 7_000_100})


def em340() -> Iterator[Case]:
    """Carlo Gavazzi EM340: as the EM24, at other addresses."""
    yield from gavazzi(0x2E, ("power_factor_l1", "power_factor_l2", "power_factor_l3", "power_factor_total"), 0x33)
    data = words("i", 655_361, little=True)
    yield answer("import", "arithmetic", STRUCT, 0x34, frame(data), {"energy_import": 65_536_100})
    data = words("i", 2_147_483_647, little=True)
    yield answer("the greatest export", "arithmetic", STRUCT, 0x4E, frame(data), {"energy_export": 214_748_364_700})
    yield from em340_fine()


def em340_fine() -> Iterator[Case]:
    """Whole kWh and thousandths, in builds since October 2018."""
    for name, address, kwh, wh in (("energy_import", 0x400, 65_536, 117), ("energy_export", 0x408, 7, 999)):
        data = words("ii", kwh, wh, little=True)
        yield answer(f"{name} in Wh", "arithmetic", STRUCT, address, frame(data), {f"{name}_fine": 1000 * kwh + wh})


def gavazzi(factors: int, names: tuple[str, ...], frequency: int) -> Iterator[Case]:
    """What both Carlo Gavazzi meters have in common."""
    data = words("iii", 2301, 2312, 2295, little=True)
    volts = dict(zip(phases("voltage"), (230_100, 231_200, 229_500), strict=True))
    yield answer("voltages", "arithmetic", STRUCT, 0x00, frame(data), volts)
    data = words("iii", 65_537, 12, -3, little=True)
    amperes = dict(zip(phases("current"), (65_537, 12, -3), strict=True))
    yield answer("currents", "arithmetic", STRUCT, 0x0C, frame(data), amperes)
    data = words("iii", 151_234, -70_000, 1, little=True)
    watts = dict(zip(phases("power"), (15_123_400, -7_000_000, 100), strict=True))
    yield answer("powers", "arithmetic", STRUCT, 0x12, frame(data), watts)
    data = words("i", -65_536, little=True)
    yield answer("a feed-in", "arithmetic", STRUCT, 0x28, frame(data), {"power_total": -6_553_600})
    data = words("hhhh", 1000, -955, 0, 998)
    yield answer(
        "factors", "arithmetic", STRUCT, factors, frame(data), dict(zip(names, (1000, -955, 0, 998), strict=True))
    )
    yield answer("frequency", "arithmetic", STRUCT, frequency, frame(words("H", 499)), {"frequency": 49_900})


def iem3155() -> Iterator[Case]:
    """Schneider iEM3155: kW as float32, Wh in 64 bits."""
    data = floats(0x0BED, "1.25", "-0.375", "0", "0.875")
    values = scaled(data, 1_000_000, (*phases("power"), "power_total"))
    yield answer("powers", "arithmetic", STRUCT, 0x0BED, frame(data, 1, 3), values)
    data = floats(0x0BD3, "230.25", "231.5", "229.75")
    yield answer("voltages", "arithmetic", STRUCT, 0x0BD3, frame(data, 1, 3), scaled(data, 1000, phases("voltage")))
    data = words("qq", 12_345_678_901, 4_294_967_296)
    values = {"energy_import": 12_345_678_901, "energy_export": 4_294_967_296}
    yield answer("energies", "arithmetic", STRUCT, 0x0C83, frame(data, 1, 3), values)
    data = floats(0x0C25, "50.02")
    yield answer("frequency", "arithmetic", STRUCT, 0x0C25, frame(data, 1, 3), scaled(data, 1000, ("frequency",)))


def b23() -> Iterator[Case]:
    """ABB B23, from the examples in the manual of its sister."""
    data = words("Q" * 9, 0x0D1290, 0x031209, 0x0A0086, 0x041705, 0x012B18, 0x02EBED, *A43_MORE)
    values = {"energy_import": 8_567_200, "energy_export": 2_012_250}
    yield answer("totals", "data sheet", f"{A43}; checksum put on", 0x5000, frame(data, 5, 3), values)
    sent = bytes([5, 3, 120]) + words("Q" * 15, *A43_PHASES) + bytes.fromhex("21B0")
    imported = dict(zip(phases("energy_import"), (2_013_620, 3_012_810, 3_538_770), strict=True))
    exported = dict(zip(phases("energy_export"), (374_340, 728_590, 909_310), strict=True))
    yield answer("energies by phase", "data sheet", A43, 0x5460, sent, imported | exported)
    data = words("IIII", 0x65, 0xC9, 0x12E, 0x86)
    amperes = dict(zip(phases("current"), (1010, 2010, 3020), strict=True))
    yield answer("currents", "data sheet", f"{A43}; cut, checksum put on", 0x5B0C, frame(data, 5, 3), amperes)
    data = words("iiiii", 0x0001E8E4, 0x5AE2, 0xB097, 0xDD6B, 0x7541)
    watts = dict(zip(phases("power"), (232_660, 452_070, 566_830), strict=True))
    watts |= {"power_total": 1_251_560, "reactive_power_total": 300_170}
    yield answer("powers", "data sheet", f"{A43}; cut, checksum put on", 0x5B14, frame(data, 5, 3), watts)
    data = words("H", 0x1383)
    yield answer(
        "frequency", "data sheet", f"{A43}; cut, checksum put on", 0x5B2C, frame(data, 5, 3), {"frequency": 49_950}
    )
    data = words("IIIIII", 2301, 0xFFFFFFFF, 2295, 0, 0, 0)
    values = {"voltage_l1": 230_100, "voltage_l3": 229_500}
    yield answer("a voltage it does not have", "arithmetic", STRUCT, 0x5B00, frame(data, 1, 3), values)
    data = words("i", -123_456)
    yield answer("a feed-in", "arithmetic", STRUCT, 0x5B14, frame(data, 1, 3), {"power_total": -1_234_560})


A43_MORE = (0x0EA7FE, 0x03DB92, 0x0ACC6C)
A43_PHASES = (
    *(0x031292, 0x0498E1, 0x056655, 0x00923A, 0x011C9B, 0x016333, 0x028058, 0x037C45, 0x040321),
    *(0x006B11, 0x0069DC, 0x04674E, 0x0062E5, 0x0188A1, 0x0064FA),
)


def sunspec() -> Iterator[Case]:
    """SunSpec meters; `image` is what stands elsewhere in the device: marker and headers of the models."""
    sent = frame(bytes.fromhex(SOLAREDGE), 1, 3)
    values = dict(zip(phases("current"), (4700, 800, 4600), strict=True))
    values |= zip(phases("voltage"), (234_480, 237_630, 231_480), strict=True)
    values |= zip(phases("power"), (1_032_000, -123_000, -1_000_000), strict=True)
    values |= {"frequency": 49_990, "power_total": -91_000, "power_factor_total": 208}
    values |= {"energy_export": 0x01448402, "energy_import": 0x01140820}
    chain = {40000: "53756e530001" + "0041", 40069: "00cb0069"}
    yield image(answer("captured 203", "captured", EVCC, 40071, sent, values), chain)
    for model in (201, 202, 204):
        yield sunspec_integers(model)
    for model in (211, 212, 213, 214):
        yield sunspec_floats(model)


def image(case: Case, chain: dict[int, str]) -> Case:
    """The case with the rest of its device."""
    return case | {"image": {str(address): data for address, data in chain.items()}}


def sunspec_integers(model: int) -> Case:
    """An integer model at address 50002 whose powers of ten differ from one another."""
    names = {201: ("",), 202: ("_l1", "_l2"), 204: ("_l1", "_l2", "_l3")}[model]
    body = [-0x8000] * 52
    values = {"frequency": 60_020, "power_total": 12_340_000, "energy_import": 987_654_300, "energy_export": 100}
    for offset, value in ((4, -2), (13, -1), (14, 6002), (15, -2), (16, 1234), (20, 1), (35, -1)):
        body[offset] = value
    for i, name in enumerate(names):
        body[1 + i], body[6 + i], body[17 + i] = 1000 + i, 2300 + i, 400 - i
        values |= {f"current{name}": 10_000 + 10 * i, f"voltage{name}": 230_000 + 100 * i}
        values[f"power{name}"] = 4_000_000 - 10_000 * i
    body[31], values["power_factor_total"] = -955, -955
    data = words("h" * 36, *body[:36]) + words("I" * 8, 1, 0, 0, 0, 9_876_543, 0, 0, 0) + words("h", 2)
    case = answer(f"model {model}", "arithmetic", STRUCT, 50004, frame(data, 1, 3), values)
    return image(case, {50000: "53756e53" + struct.pack(">HH", model, 105).hex()})


def sunspec_floats(model: int) -> Case:
    """A float32 model behind another one, in a device whose chain begins at 0; what it does not have is NaN."""
    names = {211: ("",), 212: ("_l1", "_l2"), 213: ("_l1", "_l2", "_l3"), 214: ("_l1", "_l2", "_l3")}[model]
    numbers = ["nan"] * 37
    values = {"frequency": 49_968, "power_total": -2_250_000, "energy_import": 16_777_215, "energy_export": 1}
    for offset, number in ((12, "49.96875"), (13, "-2250"), (25, "-0.75"), (29, "1"), (33, "16777215")):
        numbers[offset] = number
    values["power_factor_total"], values["frequency"] = -750, 49_969
    for i, name in enumerate(names):
        numbers[1 + i], numbers[5 + i], numbers[14 + i] = "1.5", "230.25", "-750.5"
        values |= {f"current{name}": 1500, f"voltage{name}": 230_250, f"power{name}": -750_500}
    case = answer(f"model {model}", "arithmetic", STRUCT, 16, frame(floats(16, *numbers), 1, 3), values)
    return image(case, {0: "53756e53" + "0011000a", 14: struct.pack(">HH", model, 124).hex()})


SOLAREDGE = (
    "0066002f0008002effff5b985b985cd35a6c0000000000000000fffe1387fffeffa50408ff85fc18000001dc041c009403f80000"
    "fe2dff31ffafff4e0000081cdb0219502403fffe01448402015e6052000000000000000001140820"
    "0028f5e80053b62200b138650000"
)

MODELS: dict[str, Callable[[], Iterator[Case]]] = {
    "abb_b23": b23,
    "carlo_gavazzi_em24": em24,
    "carlo_gavazzi_em340": em340,
    "chint_dtsu666": dtsu666,
    "eastron_sdm120": sdm120,
    "eastron_sdm230": sdm230,
    "eastron_sdm72d_m_v2": sdm72d_m_v2,
    "schneider_iem3155": iem3155,
    "sunspec": sunspec,
}
