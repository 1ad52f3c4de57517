"""Which meter is the household's, asked of an installer on a ladder: Enter where there is nothing to choose."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from volthood.errors import DeviceError, LocalError
from volthood_tools.console.node import NodeConsole
from volthood_tools.enrol.enrol import MeterReading, read_meter
from volthood_tools.enrol.meter import FoundMeter, MeterSetting, find_meters, set_meter


@dataclass(frozen=True)
class MeterWish:
    """What the options say: look for it, set this one, do without."""

    find: bool = False
    setting: MeterSetting | None = None
    without: bool = False


def meter_at_enrolment(console: NodeConsole, wish: MeterWish, pin: str | None, *, ask: bool) -> MeterReading | None:
    """The meter set as wished, and a reading of it; None where nobody wants one.

    Args:
        pin: of a board that has one.
        ask: whether there is somebody to ask.

    Raises:
        DeviceError: no meter, or the board refuses.
        LocalError: several could be it, and nobody can be asked.
    """
    if wish.setting is not None:
        set_meter(console, wish.setting, pin)
    elif wish.find:
        set_meter(console, _chosen(console, ask), pin)
    if wish.without:
        return None
    try:
        return read_meter(console)
    except DeviceError as error:
        if not ask or wish.find:
            raise
        click.echo(str(error))
        click.confirm("Look for it on the bus? That takes up to five minutes", default=True, abort=True)
    set_meter(console, _chosen(console, ask), pin)
    return read_meter(console)


def _chosen(console: NodeConsole, ask: bool) -> MeterSetting:
    found = find_meters(console, click.echo if ask else _to_nobody)
    names = [str(meter) for meter in found]
    meter: FoundMeter = found[_number("Which one is at the household's connection?", names, ask)]
    if meter.model is None and meter.candidates:
        number = _number("Which model stands on its case?", meter.candidates, ask)
        return meter.setting(meter.candidates[number])
    if ask:
        click.echo(f"Found: {meter}")
    return meter.setting()


def _number(question: str, names: Sequence[str], ask: bool) -> int:
    """Which of them: the only one, or the one somebody chooses; Enter takes the first."""
    if len(names) == 1:
        return 0
    if not ask:
        raise LocalError(f"several meters could be meant ({'; '.join(names)}): name one with --meter")
    for number, name in enumerate(names, 1):
        click.echo(f"  {number}  {name}")
    return int(click.prompt(question, type=click.IntRange(1, len(names)), default=1)) - 1


def _to_nobody(_: str) -> None:
    """Nobody looks on."""
