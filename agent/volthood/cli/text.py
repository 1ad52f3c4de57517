"""Money, prices, energy and times as people read them. Numbers are printed from integers."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def money(amount_uct: int) -> str:
    """An amount with four decimals, from µct (10^8 to the unit of the currency), half away from zero."""
    tenth_cents = (abs(amount_uct) + 5_000) // 10_000
    sign = "-" if amount_uct < 0 and tenth_cents else ""
    return f"{sign}{tenth_cents // 10_000}.{tenth_cents % 10_000:04d}"


def price(mct_per_kwh: int) -> str:
    """A price per kWh with five decimals, exact."""
    sign = "-" if mct_per_kwh < 0 else ""
    return f"{sign}{abs(mct_per_kwh) // 100_000}.{abs(mct_per_kwh) % 100_000:05d}"


def direction(net_wh: int) -> str:
    """Net energy in words: import from the grid, or export to it."""
    return f"import {net_wh} Wh" if net_wh >= 0 else f"export {-net_wh} Wh"


def utc(instant_s: int) -> str:
    """An instant as ISO 8601 with `Z`."""
    return datetime.fromtimestamp(instant_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local(instant_s: int, zone: ZoneInfo) -> datetime:
    """An instant in local time."""
    return datetime.fromtimestamp(instant_s, UTC).astimezone(zone)
