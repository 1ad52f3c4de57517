"""The command `volthood-simmeter`: simulated meters on ptys or serial ports, until it is told to end."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from volthood.errors import LocalError
from volthood_tools.simmeter.settings import TABLES, MeterSettings, read_settings

if TYPE_CHECKING:
    from volthood_tools.simmeter.ports import Line


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="TOML file with a table [[meter]] for each meter.")
@click.option("--link", type=click.Path(path_type=Path), help="Make a pty and this link to it.")
@click.option("--port", type=click.Path(path_type=Path), help="Serve this serial port instead of a pty.")
@click.option("--tcp", type=int, metavar="PORT", help="Serve this Modbus TCP port; 0 for a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the TCP port.")
@click.option("--power", "power_w", metavar="W", help="Constant power; import is positive, feed-in negative.")
@click.option("--series", type=click.Path(path_type=Path), help="CSV file with the columns utc and power_w.")
@click.option("--since", metavar="UTC", help="When --power began to count; without it the start of this year.")
@click.option("--clock", type=click.Path(path_type=Path), help="Clock file of a demonstration; without it real time.")
@click.option("--unit", type=int, default=1, show_default=True, help="Modbus address.")
@click.option("--serial", type=int, default=10_000_001, show_default=True, help="Serial number of the meter.")
@click.option(
    "--table", type=click.Choice(TABLES), default="eastron_sdm630", show_default=True, help="Model.", metavar="MODEL"
)
@click.option("--baud", type=int, default=9600, show_default=True, help="Speed of the serial port.")
@click.option(
    "--parity", type=click.Choice(["N", "E", "O"]), default="N", show_default=True, help="Of the serial port."
)
@click.option("--faults", type=click.Path(path_type=Path), help="TOML file of what shall go wrong.")
@click.option("--paced", is_flag=True, help="Answer as late as on a wire of that speed.")
@click.option("--exact", is_flag=True, help="On a pty hear only who has set --baud.")
def main(config: Path | None, clock: Path | None, faults: Path | None, paced: bool, exact: bool, **single: Any) -> None:
    """Be one electricity meter or many: Modbus RTU on ptys or serial ports, or Modbus TCP.

    \b
    volthood-simmeter --link /tmp/meter --power 1500
    volthood-simmeter --link /tmp/meter --series house.csv
    volthood-simmeter --tcp 5020 --table sunspec_203 --power 1500
    volthood-simmeter --config simmeter.toml --faults faults.toml

    A series is a step function: each row holds until the next, before the first there is no power, the last one stays.
    What the registers show depends on calendar time alone, so a meter started again goes on where it would have been.
    """  # noqa: D301 - click's mark for lines to keep
    from volthood_tools.simmeter.clock import MeterClock
    from volthood_tools.simmeter.faults import PlanFile
    from volthood_tools.simmeter.meters import lines
    from volthood_tools.simmeter.ports import serve

    try:
        clock, meters = _meters(config, clock, single)
        plan = None if faults is None else PlanFile(faults)
        served = lines(meters, MeterClock(clock), plan, paced, exact)
    except LocalError as error:
        raise click.ClickException(str(error)) from error
    try:
        asyncio.run(serve(served, lambda: _say(meters, served)))
    except LocalError as error:
        raise click.ClickException(str(error)) from error
    finally:
        for line in served:
            line.close()


def _say(meters: list[MeterSettings], served: "list[Line]") -> None:
    """Where each meter is."""
    for meter in meters:
        at = next(line.where for line in served if meter.name in line.names)
        where = meter.link or meter.port or at
        click.echo(f"{meter.name}: {where}, {meter.table}, unit {meter.unit}, serial {meter.serial}")


def _meters(config: Path | None, clock: Path | None, single: dict[str, Any]) -> tuple[Path | None, list[MeterSettings]]:
    """The clock file and the meters: of the file, or the one of the options. Raises: `LocalError`."""
    if config is None:
        meter = MeterSettings(name="meter", **single)
        return clock, [meter]
    given = [name for name in ("link", "port", "tcp", "power_w", "series", "since") if single[name] is not None]
    if given:
        raise LocalError(f"--{given[0].removesuffix('_w')} and --config exclude each other")
    file_clock, meters = read_settings(config)
    return clock or file_clock, meters
