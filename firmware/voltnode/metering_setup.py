"""Puts a node's meters together by its settings: at the start, and when they change. Loaded then, and dropped.

What it makes is of classes that stay; nothing here may keep a function of its own in it, or all of this stays too.
"""

from voltnode.bus.meter import Meter
from voltnode.on_demand import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.bus import Reads, Trace
    from voltnode.metering import Metering

RTU = "rtu"


def use(metering: "Metering", meters: "list[dict[str, Any]]") -> None:
    """From now on these meters; the ways to those before are closed. Raises MemoryError: then it is as before."""
    networks, samplers = metering.networks, metering.samplers
    metering.networks, metering.samplers = {}, []
    try:
        for entry in meters:
            table = call("voltnode.meters", "load", entry["model"], entry["accept_unverified"])
            metering.add(Meter(_way_to(metering, entry["where"]), table, entry["unit"]))
    except MemoryError:
        metering.networks, metering.samplers = networks, samplers
        raise
    for network in networks.values():
        network.close()


def _way_to(metering: "Metering", where: str) -> "Reads":
    if where == RTU:
        return metering.bus
    if where not in metering.networks:
        from voltnode.bus.tcp import TcpBus

        host, _, port = where.rpartition(":")
        network = TcpBus(metering.board.connect, metering.board, host, int(port))
        network.trace = metering.bus.trace
        metering.networks[where] = network
    found: Reads = metering.networks[where]
    return found


async def change(metering: "Metering", settings: "dict[str, Any]") -> None:
    """From now on these settings. What was recorded stays; other meters than before begin with their first reading.

    Raises MemoryError: then it is as before.
    """
    others = settings["meters"] != metering.board.settings["meters"]
    if others:
        use(metering, settings["meters"])
    metering.board.settings = settings
    line = (settings["baud"], settings["parity"], settings["stop_bits"])
    if line != metering.bus.line:
        await metering.bus.configure(*line)
    if others:
        metering.changed.set()


def trace(metering: "Metering", told: "Trace | None") -> None:
    """From now on `told` hears of every frame; nobody for None."""
    metering.bus.trace = told
    for network in metering.networks.values():
        network.trace = told
