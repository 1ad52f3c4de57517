"""`volthood-enrol PORT`: connects a board with a household's agent over the serial cable."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import click

from volthood.adapters.crypto import LinkKey
from volthood.errors import LocalError, VolthoodError
from volthood.wire.note import base64
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.enrol.enrol import (
    Household,
    Identity,
    MeterReading,
    check_free,
    check_pin,
    enrol,
    identify,
)
from volthood_tools.enrol.household import household_ca
from volthood_tools.enrol.meter import Line, MeterSetting
from volthood_tools.enrol.meter_choice import MeterWish, meter_at_enrolment

SLOT_LENGTHS = ("900", "1800", "3600")


@click.command()
@click.argument("port", type=click.Path(path_type=Path))
@click.option("--house", help="Name of the house in the neighbourhood: 1 to 32 of a-z, 0-9, - and _.")
@click.option("--broker", metavar="HOST:PORT", help="The household's own broker.")
@click.option("--slot-s", type=click.Choice(SLOT_LENGTHS), default="900", show_default=True, help="Slot length, s.")
@click.option("--pin", help="The installer's PIN, 4 to 32 characters; asked for without it.")
@click.option(
    "--link-key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("link.key"),
    show_default=True,
    help="The key that board and agent share; made if it is not there.",
)
@click.option(
    "--ca",
    "ca_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("ca"),
    show_default=True,
    help="Folder of the household's CA; made if it is not there, with certificates for broker and agent.",
)
@click.option("--plain", is_flag=True, help="A broker without TLS: for tests and demonstrations.")
@click.option("--again", is_flag=True, help="Also a board that is enrolled already; it takes its own PIN.")
@click.option("--without-meter", is_flag=True, help="Do not wait for a reading of the meter.")
@click.option("--find-meter", is_flag=True, help="Look for the meter on the bus first, whatever the board is set to.")
@click.option("--meter", metavar="MODEL[,ADDRESS[,WHERE[,unverified]]]", help="Set the household's meter.")
@click.option("--bus", metavar="LINE", help="Line settings of the RS-485 bus for --meter, as '9600 N1'.")
@click.option("--json", "as_json", is_flag=True, help="Ask nothing; print one JSON object.")
def main(
    port: Path,
    house: str | None,
    broker: str | None,
    slot_s: str,
    pin: str | None,
    link_key_file: Path,
    ca_folder: Path,
    plain: bool,
    again: bool,
    without_meter: bool,
    find_meter: bool,
    meter: str | None,
    bus: str | None,
    as_json: bool,
) -> None:
    """Enrol the board on PORT: compare its fingerprint, see its meter, give it its household and a PIN."""
    try:
        with Port.open(port) as opened:
            console = NodeConsole(opened, str(port))
            identity = identify(console)
            check_free(identity, again=again)
            if identity.house is not None:
                # Its meter is changed only with the PIN it has.
                pin = check_pin(_pin(pin, as_json))
            wanted = MeterWish(find=find_meter, setting=_setting(meter, bus), without=without_meter)
            reading = meter_at_enrolment(console, wanted, pin if identity.house else None, ask=not as_json)
            if not as_json:
                _show(identity, reading)
            household = Household(
                house=_given("house", house, as_json),
                broker=_given("broker", broker, as_json),
                slot_s=int(slot_s),
                link_key=_link_key(link_key_file),
                pin=check_pin(_pin(pin, as_json)),
            )
            if not plain:
                household = replace(household, issuer=household_ca(ca_folder, household.house, household.broker))
            enrol(console, identity, household, again=again)
    except VolthoodError as error:
        raise click.ClickException(str(error)) from error
    _report(identity, reading, household, link_key_file, as_json)


def _show(identity: Identity, reading: MeterReading | None) -> None:
    click.echo(f"Node {identity.node} ({identity.board}, {identity.interpreter})")
    click.echo(f"Fingerprint  {identity.fingerprint}")
    if reading is None:
        click.echo("Meter        not looked at")
    else:
        energy = f"import {reading.import_wh} Wh, export {reading.export_wh} Wh"
        click.echo(f"Meter        serial {reading.serial}: {reading.power_w} W, {energy}")
    click.confirm("Is that the fingerprint that the board's own console shows with `id`?", default=True, abort=True)


def _setting(meter: str | None, bus: str | None) -> MeterSetting | None:
    """The meter of the options. Raises: `LocalError`."""
    if meter is None and bus is not None:
        raise LocalError("--bus goes with --meter")
    return None if meter is None else MeterSetting.parse(meter, None if bus is None else Line.parse(bus))


def _given(name: str, value: str | None, as_json: bool) -> str:
    if value is not None:
        return value
    if as_json:
        raise LocalError(f"--{name} is missing")
    return str(click.prompt(name.capitalize()))


def _pin(pin: str | None, as_json: bool) -> str:
    if pin is not None:
        return pin
    if as_json:
        raise LocalError("--pin is missing")
    return str(click.prompt("PIN (4 to 32 characters)", hide_input=True, confirmation_prompt=True))


def _link_key(path: Path) -> bytes:
    key = LinkKey.load(path) if path.exists() else LinkKey.create(path)
    return key.secret


def _report(
    identity: Identity, reading: MeterReading | None, household: Household, link_key_file: Path, as_json: bool
) -> None:
    public_key = base64(identity.public_key)
    if as_json:
        about = {
            "node": identity.node,
            "public_key": public_key,
            "fingerprint": identity.fingerprint,
            "house": household.house,
            "tls": household.issuer is not None,
            "meter": None if reading is None else asdict(reading),
            "link_key_file": str(link_key_file),
        }
        click.echo(json.dumps(about))
        return
    if household.issuer is None:
        click.echo("The broker is spoken to WITHOUT TLS: whoever is in this network can read and forge what it says.")
    click.echo(
        f"Enrolled for {household.house}. Link key: {link_key_file}. For the roster, the node's public key:\n{public_key}"
    )
