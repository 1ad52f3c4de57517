"""What is seen of a running neighbourhood: live values from the broker, and what the agents keep, read from their files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from volthood.cli.household import Household
from volthood.core.billing import SlotBill
from volthood.core.deals import Deal
from volthood.errors import LocalError
from volthood.ports.stores import SlotNote
from volthood.wire.cbor import WireError
from volthood.wire.record import Live
from volthood.wire.topics import HOME, ROOT, Topic, node_topic, parse_round, parse_topic
from volthood_tools.broker.choice import LOOPBACK
from volthood_tools.demo.dataset import SLOT_S
from volthood_tools.demo.plan import RunPlan

SETTLED_AFTER_S = 3 * SLOT_S
"""A slot that ended so long ago changes no more in an undisturbed run: its bill is not computed again."""


class LiveValues:
    """Newest power of each home, and how many messages went over the broker.

    Attributes:
        power_w: W by house, import positive.
        board: messages on the board by (slot, gate), for the slots of the plan.
        inbox: messages in all inboxes.
    """

    def __init__(self, port: int, hood: str, plan: RunPlan) -> None:
        self.power_w: dict[str, int] = {}
        self.board: Counter[tuple[int, int]] = Counter()
        self.inbox = 0
        self._hood = hood
        self._slots = plan.slot_starts
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-screen", protocol=mqtt.MQTTv311)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 2)
        self._client.connect_async(LOOPBACK, port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, *_rest: object) -> None:
        client.subscribe([(node_topic("+", "+", "live"), 0), (f"{ROOT}{self._hood}/#", 0)])

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            self._take(parse_topic(message.topic), bytes(message.payload))
        except WireError:
            return

    def _take(self, topic: Topic, payload: bytes) -> None:
        if topic.hood == HOME:
            self.power_w[topic.house] = Live.from_cbor(payload).power_w
        elif topic.area == "in":
            self.inbox += 1
        else:
            slot, gate = parse_round(topic.detail[0])
            if slot in self._slots:
                self.board[slot, gate] += 1


@dataclass(frozen=True)
class HomeView:
    """A home at one moment. Energies in Wh, prices in mct/kWh, money in µct.

    Attributes:
        note: forecast and order of the slot that was called last.
        deals: contracts of that slot.
        settled: contracts settled so far, in the whole run.
    """

    house: str
    power_w: int | None
    trading: bool
    note: SlotNote | None
    deals: tuple[Deal, ...]
    settled: int
    bought_wh: int
    sold_wh: int
    paid_uct: int
    utility_alone_uct: int


class HomeWatch:
    """Looks into one home's files again and again, and computes only what can still change."""

    def __init__(self, house: str, agent_file: Path, plan: RunPlan) -> None:
        self.house = house
        self._agent_file = agent_file
        self._plan = plan
        self._household: Household | None = None
        self._done: dict[int, SlotBill] = {}
        self._deals: dict[bytes, Deal] = {}

    def close(self) -> None:
        """Give the files back."""
        if self._household is not None:
            self._household.close()

    def look(self, now_s: int, power_w: int | None) -> HomeView:
        """How the home stands at calendar time `now_s`."""
        household = self._opened()
        if household is None:
            return HomeView(self.house, power_w, True, None, (), 0, 0, 0, 0, 0)
        bills = self._bills(household, now_s)
        lines = [line for bill in bills for line in bill.lines]
        called = min(now_s // SLOT_S * SLOT_S + SLOT_S, self._plan.slot_starts[-1])
        return HomeView(
            house=self.house,
            power_w=power_w,
            trading=household.trading,
            note=next(iter(household.trades.slot_notes(called)), None),
            deals=tuple(deal for deal in self._deals.values() if deal.contract.slot == called),
            settled=sum(deal.delivered_wh > 0 for deal in self._deals.values()),
            bought_wh=sum(line.energy_wh for line in lines if line.kind == "neighbour_bought"),
            sold_wh=sum(line.energy_wh for line in lines if line.kind == "neighbour_sold"),
            paid_uct=sum(bill.total_uct for bill in bills),
            utility_alone_uct=sum(bill.utility_alone_uct for bill in bills),
        )

    @property
    def open_deals(self) -> int:
        """Contracts that still wait for their settlement."""
        return sum(deal.counted and not deal.settled and not deal.voided for deal in self._deals.values())

    def _opened(self) -> Household | None:
        if self._household is None:
            try:
                self._household = Household.open(self._agent_file)
            except LocalError:
                return None
        return self._household

    def _bills(self, household: Household, now_s: int) -> list[SlotBill]:
        start = self._plan.start
        while start in self._done:
            start += SLOT_S
        end = self._plan.slot_starts.stop
        # Agents go on with later slots as long as they run; the run's figures are about its own.
        self._deals |= {deal.id: deal for deal in household.trades.deals(start) if deal.contract.slot < end}
        bills = household.bills(start, end)
        for bill in bills:
            if bill.slot + SLOT_S + SETTLED_AFTER_S < now_s:
                self._done[bill.slot] = bill
        fresh = {bill.slot: bill for bill in bills}
        return list((self._done | fresh).values())


@dataclass(frozen=True)
class HoodView:
    """All homes at one moment of the calendar."""

    now_s: int
    homes: tuple[HomeView, ...]

    @property
    def settled(self) -> int:
        """Contracts settled so far; each is kept by two homes."""
        return sum(home.settled for home in self.homes) // 2


class HoodWatch:
    """Looks into all homes."""

    def __init__(self, homes: Sequence[HomeWatch], live: LiveValues) -> None:
        self._homes = homes
        self._live = live

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        for home in self._homes:
            home.close()

    def look(self, now_s: int) -> HoodView:
        """How all homes stand at calendar time `now_s`."""
        power_w = self._live.power_w
        return HoodView(now_s, tuple(home.look(now_s, power_w.get(home.house)) for home in self._homes))

    @property
    def all_settled(self) -> bool:
        """Whether no contract waits for its settlement, as of the last look."""
        return not any(home.open_deals for home in self._homes)
