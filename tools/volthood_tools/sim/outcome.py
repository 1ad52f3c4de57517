"""What a simulation came to as JSON and as a table on the screen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from volthood_tools.sim.curves import Curve
from volthood_tools.sim.run import HoodResult, SimResult


def json_of(results: Sequence[SimResult], commands: Sequence[str], curves: Sequence[Curve] = ()) -> dict[str, object]:
    """Everything; energies in Wh, money in µct."""
    return {
        "runs": [_run(result, command) for result, command in zip(results, commands, strict=True)],
        "curves": [asdict(curve) for curve in curves],
    }


def _run(result: SimResult, command: str) -> dict[str, object]:
    return {
        "command": command,
        "settings": asdict(result.settings),
        "welfare": round(result.welfare, 6),
        "wall_s": round(result.wall_s, 3),
        "cpu_s": round(result.cpu_s, 3),
        "peak_kib": result.peak_kib,
        "digest": result.digest,
        "hoods": [_hood(hood) for hood in result.hoods],
    }


def _hood(hood: HoodResult) -> dict[str, object]:
    return {
        "homes": hood.homes,
        "welfare": round(hood.welfare, 6),
        "slots": [asdict(slot) | {"share": round(slot.share, 6)} for slot in hood.slots],
        "breaches": [asdict(breach) for breach in hood.breaches],
        "judged": hood.judged,
        "counts": hood.counts,
        "refused": hood.refused,
        "liars": hood.liars,
        "digest": hood.digest,
    }


def summary(result: SimResult) -> Table:
    """A run as a table: what was traded, lost, refused, and whether the laws held."""
    table = Table(show_header=False, title=f"seed {result.settings.seed}", title_justify="left")
    for name, value in facts(result):
        table.add_row(name, value)
    return table


def facts(result: SimResult) -> list[tuple[str, str]]:
    """(what, how much) for people."""
    slots = result.slots
    counts, refused = Counter[str](), Counter[str]()
    for hood in result.hoods:
        counts.update(hood.counts)
        refused.update(hood.refused)
    judged = sum(sum(hood.judged.values()) for hood in result.hoods)
    agents = sum(hood.homes for hood in result.hoods)
    faults = ", ".join(f"{name} {value}" for name, value in result.settings.faults.changed.items()) or "none"
    return [
        (
            "agents",
            ", ".join(
                (
                    f"{agents} in {_count(len(result.hoods), 'hood')}",
                    _count(result.settings.slots, "slot"),
                    result.settings.price_rule,
                )
            ),
        ),
        ("faults", faults),
        (
            "welfare",
            f"{100 * result.welfare:.2f} % of the optimum, worst slot {100 * min(s.share for s in slots):.2f} %",
        ),
        (
            "traded",
            f"{sum(slot.delivered_wh for slot in slots) / 1000:.3f} kWh in {sum(s.contracts for s in slots)} contracts",
        ),
        ("deliveries", f"{counts['delivered']} made, {counts['lost']} lost, {counts['died']} times an agent died"),
        ("refused", ", ".join(f"{reason} {count}" for reason, count in refused.most_common()) or "nothing"),
        (
            "laws",
            f"{len(result.breaches)} broken in {judged} judgements"
            if result.breaches
            else f"all hold, {judged} judgements",
        ),
        (
            "machine",
            f"{result.wall_s:.1f} s, {result.cpu_s:.1f} s of one core, {result.peak_kib / 1024:.0f} MB at most",
        ),
        ("digest", result.digest),
    ]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
