"""`volthood market`: a round's clearing made or checked from a file, by anyone, without an agent."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from volthood.cli.options import plain_errors, slot_of, which_homes
from volthood.errors import LocalError, PeerError
from volthood.wire import cbor

if TYPE_CHECKING:
    from volthood.core.market.market_file import Market

FILE = click.Path(path_type=Path, dir_okay=False)
LINE_CHARS = 160


class BadFileError(click.ClickException):
    """A file that holds no market: neither proved nor disproved."""

    exit_code = 2


@click.group()
def market() -> None:
    """A round of the market in a file: clear it, or check a clearing."""


@market.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def verify(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Check the clearing in FILE: it is what the price rule yields, or the condition that fails is named."""
    from volthood.core.market.market_file import market_fault

    given = _read(file)
    try:
        fault = market_fault(given)
    except PeerError as error:
        raise BadFileError(f"{file}: {error.detail}") from error
    if as_json:
        print(json.dumps(_facts(given) | {"holds": fault is None, "fault": None if fault is None else vars(fault)}))
    else:
        print(f"holds: {_words(given)}" if fault is None else str(fault))
    ctx.exit(0 if fault is None else 1)


@market.command()
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="A new file, CBOR where its name ends in .cbor; standard output without it.")
def clear(file: Path, out: Path | None) -> None:
    """Clear the book in FILE and write hood, book and clearing."""
    from dataclasses import replace

    from volthood.core.market.market_file import market_to_values
    from volthood.core.market.rules import RULES

    given = _read(file)
    if given.hood.algorithm not in RULES:
        raise BadFileError(f"{file}: hood.algorithm = {given.hood.algorithm!r} is unknown here: {', '.join(RULES)}")
    cleared = replace(given, clearing=RULES[given.hood.algorithm].clear(given.book, given.hood))
    _show(market_to_values(cleared), out, _words(cleared))


@market.command()
@click.argument("slot")
@click.option(
    "--gate", type=int, help="Index of the round's gate: 0 forward, 254 and 255 balancing. Default: the newest."
)
@click.option("--out", type=FILE, help="A new file, CBOR where its name ends in .cbor; standard output without it.")
@which_homes
def export(slot: str, gate: int | None, out: Path | None, folder: Path, home: str | None) -> None:
    """Write the round of SLOT that a household took part in: its rules, the book it counted, and the clearing.

    SLOT is UTC as 2016-08-26T16:15Z, or local time as 09:15. Books are kept for 30 days.
    """
    from volthood.cli.household import Household, agent_files
    from volthood.core.market.market_file import market_to_values

    with plain_errors(), Household.open(agent_files(folder, home)[0]) as household:
        start = slot_of(slot, household.hood.slot_s, household.zone, household.metered_s() or 0)
        cleared = household.market(start, gate)
    _show(market_to_values(cleared), out, _words(cleared))


def _show(values: dict[str, object], out: Path | None, words: str) -> None:
    """Prints a market, or writes it into a new file and prints it in words."""
    if out is None:
        print(json_text(values))
        return
    data = cbor.encode(values) if out.suffix == ".cbor" else (json_text(values) + "\n").encode()
    with plain_errors():
        _write_new(out, data)
    print(f"{out}: {words}")


def json_text(values: object, indent: str = "") -> str:
    """JSON for the eye: what fits stands on one line."""
    line = json.dumps(values)
    if len(indent) + len(line) <= LINE_CHARS or not isinstance(values, dict | list):
        return line
    inner = indent + " "
    if isinstance(values, dict):
        rows = [f"{inner}{json.dumps(key)}: {json_text(value, inner)}" for key, value in values.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + json_text(value, inner) for value in values) + f"\n{indent}]"


def _read(path: Path) -> "Market":
    from volthood.core.market.market_file import market_from_values

    try:
        data = path.read_bytes()
        values = json.loads(data) if data.lstrip()[:1] == b"{" else cbor.decode(data)
        return market_from_values(values)
    except PeerError as error:
        raise BadFileError(f"{path}: {error.detail or error.reason}") from error
    except OSError as error:
        raise BadFileError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadFileError(f"{path}: neither a JSON object nor canonical CBOR: {error}") from error


def _facts(given: "Market") -> dict[str, object]:
    from volthood.core.hood_file import hood_digest

    return {
        "hood": hood_digest(given.hood).hex(),
        "book": given.book.digest.hex(),
        "algorithm": given.hood.algorithm,
        "slot": given.book.round.slot,
        "gate": given.book.round.gate,
        "orders": len(given.book.orders),
        "trades": 0 if given.clearing is None else len(given.clearing.trades),
        "volume_wh": 0 if given.clearing is None else given.clearing.volume_wh,
    }


def _words(given: "Market") -> str:
    from volthood.cli.text import utc

    facts = _facts(given)
    return (
        f"{facts['algorithm']}, slot {utc(given.book.round.slot)}, gate {facts['gate']}: {facts['orders']} orders, "
        f"{facts['trades']} trades, {facts['volume_wh']} Wh; book {facts['book']}"
    )


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}; it must be a new file") from error
