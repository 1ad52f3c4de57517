"""Gathers what all homes kept into one result, and checks the laws on it.

Nothing is taken from the run itself: the result comes from the stores alone, as anyone could derive it later, and every
record's signature and links are checked again.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from volthood.adapters.crypto import SignatureVerifier
from volthood.adapters.store_sql import SqlReadingStore
from volthood.cli.household import Household
from volthood.core.billing import SlotBill
from volthood.core.laws import HomeBooks, check_laws
from volthood.core.readings import Finding, Stream
from volthood.errors import PeerError
from volthood.ports.stores import RoundNote, StoredRecord
from volthood.wire.cbor import WireError
from volthood.wire.record import Record, record_hash, unpack_record
from volthood.wire.roster import RosterMember
from volthood_tools.demo.dataset import SLOT_S, Dataset
from volthood_tools.demo.plan import RunPlan
from volthood_tools.demo.result import HomeResult, HomeSlot, RunResult

FOR_EVER_S = 1 << 40


def collect(
    agent_files: Sequence[Path],
    data: Dataset,
    plan: RunPlan,
    price_rule: str,
    first_settled_real_s: float | None,
    wall_s: float,
) -> RunResult:
    """The result of a run whose agents have ended. Raises `LocalError` where a store cannot be read."""
    homes, books, rounds = [], [], {}
    refused: Counter[str] = Counter()
    for path in agent_files:
        with Household.open(path) as household:
            home = _home(household, data, plan)
            homes.append(home)
            books.append(_books(household, home))
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
        price_rule=price_rule,
        speed=plan.speed,
        notes=(*data.notes, data.tariff_note),
        laws=check_laws(books),
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


def _books(household: Household, home: HomeResult) -> HomeBooks:
    records = household.readings.records_between(0, FOR_EVER_S)
    bills: list[SlotBill] = [slot.bill for slot in home.slots if slot.bill is not None]
    return HomeBooks(
        house=home.house,
        agent=home.agent,
        bills=tuple(bills),
        deals=tuple(deal for slot in home.slots for deal in slot.deals),
        records_verified=count_verified(household.member, household.readings, records),
        records_kept=len(records),
    )


def count_verified(member: RosterMember, store: SqlReadingStore, records: Sequence[StoredRecord]) -> int:
    """How many records are signed by a node of the member and linked to the record before."""
    verifier, verified = SignatureVerifier(), 0
    streams = {kid: Stream(closed=store.closed_ranges(kid)) for kid in member.nodes}
    for stored in sorted(records, key=lambda row: (row.node, row.rseq)):
        spki = member.nodes.get(stored.node)
        if spki is not None and _holds(stored.data, spki, verifier, streams[stored.node]):
            verified += 1
    return verified


def _holds(data: bytes, spki: bytes, verifier: SignatureVerifier, stream: Stream) -> bool:
    try:
        signed, record = unpack_record(data)
        if not verifier.verify_es256(spki, signed, Record.KIND):
            return False
        taken = stream.take(record, record_hash(data))
    except (WireError, PeerError):
        return False
    return taken.new and Finding.LINK_UNVERIFIED not in taken.findings


def _rounds(household: Household, plan: RunPlan) -> list[RoundNote]:
    return [note for slot in plan.slot_starts for note in household.trades.round_notes(slot)]


def _refusals(household: Household, since_s: int) -> list[str]:
    """The reason of each message that was refused. Before the first gate agents come into rounds that are half over."""
    events = household.trades.events(since_s, ("MessageRefused",))
    words = [word for event in events for word in event.details.split() if word.startswith("reason=")]
    return [word.removeprefix("reason=") for word in words]
