"""Checks every law: while messages are sent, after every slot, and once more at the end, when nothing is under way.

Right after a slot one side of a contract may have both signatures under its settlement and the other not yet: that money
is in flight. At the end, with all faults over, nothing may be, and every record is verified anew.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from volthood.core.deals import Deal
from volthood.core.energy import Quality, SlotEnergy
from volthood.core.laws import HomeBooks, Verdict, check_laws, in_flight
from volthood.engine.books import deal_faults, home_books
from volthood.ports.crypto import Verifier
from volthood.wire.keys import sha256
from volthood.wire.roster import RosterMember
from volthood_tools.demo.dataset import SLOT_S
from volthood_tools.sim.household import SimHousehold
from volthood_tools.sim.laws import OWN_LAWS
from volthood_tools.sim.welfare import Metered, SlotFigures, slot_figures

if TYPE_CHECKING:
    from volthood_tools.sim.world import World

RECORDS = "all_records_verified"
"""The law that is judged at the end alone: whole streams of records are verified for it."""


@dataclass(frozen=True)
class Breach:
    """A law that does not hold, and the first case against it. `slot` is 0 for the whole run."""

    law: str
    slot: int
    case: str


class Watch:
    """The laws of one world, judged as it runs.

    Attributes:
        breaches: what was found, in the order in which it was found.
        judged: how often each law was judged.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._posted: dict[tuple[str, int, int, str], bytes] = {}
        self._confirmed: Counter[str] = Counter()
        self._found: Counter[str] = Counter()
        self._faults: dict[tuple[bytes, Deal], tuple[str, ...]] = {}
        self.breaches: list[Breach] = []
        self.judged: Counter[str] = Counter()

    def posted(self, house: str, slot: int, gate: int, kind: str, payload: bytes) -> None:
        """An agent posts a message of which it may sign one a round, before any lie is made of it."""
        digest = sha256(payload)
        same = self._posted.setdefault((house, slot, gate, kind), digest) == digest
        self._judge({"one_message_a_round": Verdict(same, f"{house} signed two {kind}s at gate {gate}")}, slot)

    def confirmed(self, house: str, rseq: int) -> None:
        """An agent has told its node that everything up to a number is stored."""
        self._confirmed[house] = max(self._confirmed[house], rseq)

    def check_slot(self, slot: int) -> None:
        """Judge one slot after its last round."""
        books = [self._books(house, slot) for house in self._world.houses.values()]
        self._judge({law: verdict for law, verdict in self._laws(books).items() if law != RECORDS}, slot)
        self._posted = {key: digest for key, digest in self._posted.items() if key[1] > slot}

    def check_all(self) -> None:
        """Judge the whole run, every record and signature verified again."""
        world = self._world
        self._found.clear()
        books = [
            home_books(
                house.books(world.hood),
                world.roster,
                world.verifier,
                world.verifier,
                world.slots.start,
                world.slots.stop,
                self._faults_of,
            )
            for house in world.houses.values()
        ]
        flying = sorted(contract.hex()[:16] for contract in in_flight(books))
        self._judge(self._laws(books) | {"no_money_in_flight": Verdict(not flying, ", ".join(flying[:3]))}, 0)

    def measure(self) -> tuple[SlotFigures, ...]:
        """What each slot of the run came to."""
        houses = self._world.houses.values()
        deals = {house.agent: _by_slot(house.trades.deals(self._world.slots.start)) for house in houses}
        return tuple(
            slot_figures(
                slot,
                self._world.hood,
                [
                    Metered(house.agent, house.net_wh(slot), house.tariff.at(slot), tuple(deals[house.agent][slot]))
                    for house in houses
                ],
            )
            for slot in self._world.slots
        )

    def _laws(self, books: list[HomeBooks]) -> dict[str, Verdict]:
        """All laws. An agent that bends its own orders has only itself to blame for what it pays."""
        honest = [book for book in books if book.house not in self._world.liars]
        verdicts = check_laws(books) | {"no_regret": check_laws(honest)["no_regret"]}
        cases = {law: broken(books) for law, broken in OWN_LAWS.items()}
        cases["acknowledged_is_stored"] = self._acknowledged_is_stored()
        return verdicts | {law: Verdict(not case, case) for law, case in cases.items()}

    def _faults_of(
        self, deal: Deal, me: RosterMember, members: dict[bytes, RosterMember], verifier: Verifier
    ) -> tuple[str, ...]:
        """What is wrong with the signatures under a deal; a deal, and all that it holds, is looked through once."""
        key = (me.agent, deal)
        if key not in self._faults:
            self._faults[key] = tuple(deal_faults(deal, me, members, verifier))
        return self._faults[key]

    def _acknowledged_is_stored(self) -> str:
        """Whether every record is there that was confirmed since this was last judged; at the end, all of them."""
        for name, rseq in self._confirmed.items():
            house = self._world.houses[name]
            wanted = range(self._found[name] + 1, rseq + 1)
            if any(house.readings.record(house.meter.kid, each) is None for each in wanted):
                return f"{name} confirmed {rseq} records and does not have them"
            self._found[name] = rseq
        return ""

    def _books(self, house: SimHousehold, slot: int) -> HomeBooks:
        """One slot's books: the energy is what truly flowed, whatever has arrived of it."""
        world, books = self._world, house.books(self._world.hood)
        deals, net_wh = books.deals(slot, slot + SLOT_S), house.net_wh(slot)
        energy = SlotEnergy(slot, max(0, net_wh), max(0, -net_wh), Quality.MEASURED)
        faults = [
            fault for deal in deals for fault in self._faults_of(deal, house.member, world.members, world.verifier)
        ]
        return HomeBooks(
            house=house.name,
            agent=house.agent,
            bills=(books.bill(energy, deals),),
            deals=tuple(deals),
            records_verified=0,
            records_kept=0,
            faults=tuple(faults),
        )

    def _judge(self, verdicts: dict[str, Verdict], slot: int) -> None:
        for law, verdict in verdicts.items():
            self.judged[law] += 1
            if not verdict.holds:
                self.breaches.append(Breach(law, slot, verdict.case))


def _by_slot(deals: list[Deal]) -> defaultdict[int, list[Deal]]:
    slots: defaultdict[int, list[Deal]] = defaultdict(list)
    for deal in deals:
        slots[deal.contract.slot].append(deal)
    return slots
