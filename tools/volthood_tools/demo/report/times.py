"""Instants in a household's own time, in English whatever the machine's locale says."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from volthood.cli.text import local

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class LocalTime:
    """Slots of a run as local time."""

    zone: ZoneInfo
    slot_s: int

    def label(self, instant_s: int) -> str:
        """HH:MM."""
        return f"{local(instant_s, self.zone):%H:%M}"

    def span(self, slot: int) -> str:
        """From when to when a slot lasts."""
        return f"{self.label(slot)}–{self.label(slot + self.slot_s)}"

    def days(self, slots: tuple[int, ...]) -> str:
        """The day or days of some slots."""
        first, last = (local(instant, self.zone).date() for instant in (slots[0], slots[-1] + self.slot_s - 1))
        return _day(first) if first == last else f"{_day(first)} to {_day(last)}"

    def zone_name(self, instant_s: int) -> str:
        """The zone and what it is called at an instant."""
        return f"{self.zone.key}, {local(instant_s, self.zone):%Z}"


def _day(day: date) -> str:
    return f"{DAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year}"
