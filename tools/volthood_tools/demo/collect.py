"""Gathers what all homes kept into one result, and checks the laws on it.

Nothing is taken from the run itself: the result comes from the stores alone, as anyone could derive it later, and every
signature and link is checked again.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from volthood.adapters.crypto import SignatureVerifier
from volthood.cli.household import Household
from volthood.core.hood import Hood
from volthood.core.laws import HomeBooks, check_laws, in_flight
from volthood.engine.books import home_books
from volthood.ports.stores import RoundNote
from volthood_tools.demo.dataset import SLOT_S, Dataset
from volthood_tools.demo.plan import RunPlan
from volthood_tools.demo.result import HomeResult, HomeSlot, RunResult


def collect(
    agent_files: Sequence[Path],
    data: Dataset,
    plan: RunPlan,
    notes: tuple[str, ...],
    first_settled_real_s: float | None,
    wall_s: float,
) -> RunResult:
    """The result of a run whose agents have ended, `notes` being what must be said of its figures.

    Raises `LocalError` where a store cannot be read.
    """
    homes, books, rounds, verifier = [], [], {}, SignatureVerifier()
    hoods: list[Hood] = []
    refused: Counter[str] = Counter()
    for path in agent_files:
        with Household.open(path) as household:
            hoods.append(household.hood)
            homes.append(_home(household, data, plan))
            books.append(_books(household, plan, verifier))
            refused.update(_refusals(household, plan.first_gate_s))
            rounds.update({(note.slot, note.gate): note for note in _rounds(household, plan)})
    return RunResult(
        homes=tuple(homes),
        slots=tuple(plan.slot_starts),
        slot_s=SLOT_S,
        rounds=tuple(note for _, note in sorted(rounds.items())),
        reference=tuple(data.reference(slot) for slot in plan.slot_starts),
        currency=data.currency,
        timezone=data.timezone,
        price_rule=hoods[0].algorithm.partition("/")[0],
        grid=hoods[0].grid,
        speed=plan.speed,
        notes=notes,
        laws=check_laws(books),
        in_flight=len(in_flight(books)),
        refused=dict(refused),
        first_settled_real_s=first_settled_real_s,
        wall_s=wall_s,
    )


def _home(household: Household, data: Dataset, plan: RunPlan) -> HomeResult:
    about = data.home(household.house)
    return HomeResult(
        house=household.house,
        agent=household.member.agent,
        has_pv=about.has_pv,
        source=about.source,
        node=household.member.grid_node,
        slots=tuple(_slot(household, slot) for slot in plan.slot_starts),
    )


def _slot(household: Household, slot: int) -> HomeSlot:
    story, price = household.story(slot), household.price(slot)
    return HomeSlot(
        slot=slot,
        bill=story.bill,
        notes=story.notes,
        deals=story.deals,
        import_mct_per_kwh=price.import_mct_per_kwh,
        export_mct_per_kwh=price.export_mct_per_kwh,
    )


def _books(household: Household, plan: RunPlan, verifier: SignatureVerifier) -> HomeBooks:
    slots = plan.slot_starts
    return home_books(household.books, household.roster, verifier, verifier, slots.start, slots.stop)


def _rounds(household: Household, plan: RunPlan) -> list[RoundNote]:
    return [note for slot in plan.slot_starts for note in household.trades.round_notes(slot)]


def _refusals(household: Household, since_s: int) -> list[str]:
    """The reason of each message that was refused. Before the first gate agents come into rounds that are half over."""
    events = household.trades.events(since_s, ("MessageRefused",))
    words = [word for event in events for word in event.details.split() if word.startswith("reason=")]
    return [word.removeprefix("reason=") for word in words]
