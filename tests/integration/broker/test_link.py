"""The agent's link over mutual TLS: what it listens to changes while it runs and outlives the broker's death."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from volthood.adapters.mqtt import MqttLink
from volthood_tools.broker.acl import hood_acl, write_guarded_config
from volthood_tools.broker.certificates import Authority
from volthood_tools.broker.choice import LOOPBACK, find_mosquitto, free_port
from volthood_tools.processes.supervisor import Child, Supervisor

LIMIT_S = 20.0
BOARD = "vh/1/abcd/house1/board/1470700800.0"
ORDERS = "vh/1/abcd/+/board/1470700800.0/order"

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")


class Broker:
    """A mosquitto that its supervisor starts again, and its CA."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "certificates")
        self.port = free_port()
        config = write_guarded_config(folder, self.port, hood_acl("abcd"), self.authority.issue("broker", server=True))
        self.supervisor = Supervisor(folder)
        self.child = Child("broker", (str(find_mosquitto()), "-c", str(config)))

    def kill(self) -> None:
        os.kill(self.supervisor.pids()["broker"], signal.SIGKILL)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    with made.supervisor:
        made.supervisor.start(made.child)
        yield made


class Listener:
    """A link and what came over it."""

    def __init__(self, broker: Broker) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.ups: asyncio.Queue[None] = asyncio.Queue()
        self.link = MqttLink(
            LOOPBACK,
            broker.port,
            "house1",
            ["vh/1/abcd/+/board/+/ask"],
            lambda topic, _payload: self.heard.put_nowait(topic),
            lambda: self.ups.put_nowait(None),
            broker.authority.issue("house1"),
        )

    async def hears(self, *kinds: str) -> list[str]:
        """What is heard of messages of some kinds; the last of them must be."""
        for kind in kinds:
            self.link.publish(f"{BOARD}/{kind}", b"x")
        heard: list[str] = []
        async with asyncio.timeout(LIMIT_S):
            while not heard or heard[-1] != kinds[-1]:
                heard.append((await self.heard.get()).rpartition("/")[2])
        return sorted(heard)


@asynccontextmanager
async def running(broker: Broker) -> AsyncIterator[Listener]:
    listener = Listener(broker)
    task = asyncio.create_task(listener.link.run())
    try:
        async with asyncio.timeout(LIMIT_S):
            await listener.ups.get()
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_it_listens_to_what_it_was_told_last(broker: Broker) -> None:
    async def scene() -> None:
        async with running(broker) as listener:
            assert await listener.hears("order", "ask") == ["ask"]
            listener.link.subscribe(ORDERS)
            while await listener.hears("order", "ask") == ["ask"]:
                pass
            listener.link.unsubscribe(ORDERS)
            while await listener.hears("order", "ask") == ["ask", "order"]:
                pass
            assert await listener.hears("order", "ask") == ["ask"]

    asyncio.run(scene())


def test_what_it_listens_to_outlives_the_broker(broker: Broker) -> None:
    async def scene() -> None:
        async with running(broker) as listener:
            listener.link.subscribe(ORDERS)
            broker.kill()
            async with asyncio.timeout(LIMIT_S):
                await listener.ups.get()
            assert await listener.hears("order", "ask") == ["ask", "order"]

    asyncio.run(scene())
