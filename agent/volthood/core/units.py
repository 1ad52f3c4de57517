"""Units, stated once: what an integer means on the wire, in the store and in the code.

| quantity | unit | name ends in |
| --- | --- | --- |
| energy | watt-hour | `_wh` |
| power | watt | `_w` |
| price | millicent per kilowatt-hour, 1/1000 of a cent | `_mct_per_kwh` |
| money | microcent, 1/1,000,000 of a cent: Wh x mct/kWh exactly | `_uct` |
| instant | seconds since 1970-01-01 UTC | `_s` |
| slot | the instant at which a delivery interval begins, a multiple of its length | `slot` |

Sign convention: **positive power is import from the grid**, negative is export. Energies of orders, contracts and bills
are never negative; the side or the role says which way they flow. What a household pays is positive money.

Currency is a property of the hood, never of a number.
"""

from typing import NewType

Wh = NewType("Wh", int)
MctPerKwh = NewType("MctPerKwh", int)
Uct = NewType("Uct", int)
Instant = NewType("Instant", int)
Slot = NewType("Slot", int)

SECONDS_PER_HOUR = 3600
SLOT_LENGTHS_S = (900, 1800, 3600)
"""Delivery intervals that a hood may choose."""


def money_uct(energy_wh: int, price_mct_per_kwh: int) -> Uct:
    """What an energy costs at a price, exactly: 5,200 Wh at 15,000 mct/kWh are 78,000,000 µct, 0.78 of the currency."""
    return Uct(energy_wh * price_mct_per_kwh)


def slot_of(instant_s: int, slot_s: int) -> Slot:
    """The slot that an instant lies in; a slot begins with its start and ends before the next one's."""
    return Slot(instant_s // slot_s * slot_s)


def is_slot(instant_s: int, slot_s: int) -> bool:
    """Whether a slot begins at this instant."""
    return instant_s % slot_s == 0


def slot_end(slot: int, slot_s: int) -> Instant:
    """The instant at which a slot ends and the next one begins."""
    return Instant(slot + slot_s)


def energy_wh(power_w: int, duration_s: int) -> Wh:
    """What a constant power comes to, rounded down to whole Wh: the most that a fuse lets through in a slot."""
    return Wh(power_w * duration_s // SECONDS_PER_HOUR)
