"""The agent's link to its broker: aiomqtt on paho, MQTT 3.1.1, reconnecting with a jittered back-off.

A broker is never trusted with delivery: what must arrive is in an outbox or a ring, so while the link is down publishes
are simply not made, and `on_up` tells the engine to send again. With TLS both sides show a certificate of the broker's CA.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiomqtt

from volthood.errors import LocalError

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
SENDERS = 8
"""Publishes that may wait for their acknowledgement at one time."""
MAX_UNSENT = 4096
"""Publishes waiting for the socket; one past it is left to the outbox."""
AGAIN_S = 0.2
"""How long a task of a lost connection may take to end before it is told again."""

Waiting = TypeVar("Waiting")


@dataclass(frozen=True)
class TlsFiles:
    """PEM files of one side of a connection: the CA that both trust, our certificate, and its private key."""

    ca_file: Path
    cert_file: Path
    key_file: Path

    def client_context(self) -> ssl.SSLContext:
        """What a client connects with: no CA but this one, the broker's name checked. Raises `LocalError`."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise LocalError(f"{self.ca_file}: no CA certificate in PEM: {error}") from error
        try:
            context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ValueError) as error:
            raise LocalError(f"{self.cert_file}: no certificate for the key in {self.key_file}: {error}") from error
        return context


class MqttLink:
    """One connection, kept up. `on_message(topic, payload)` is called for everything subscribed."""

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        topics: list[str],
        on_message: Callable[[str, bytes], None],
        on_up: Callable[[], None],
        tls: TlsFiles | None = None,
    ) -> None:
        """Raises `LocalError` where the TLS files are not what they must be."""
        self._host = host
        self._port = port
        self._client_id = client_id
        self._filters = dict.fromkeys(topics)
        self._changes: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        self._on_message = on_message
        self._on_up = on_up
        self._tls = None if tls is None else tls.client_context()
        self._unsent: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MAX_UNSENT)
        self.connected = False

    def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1 soon, or not at all while the link is down."""
        if self.connected and not self._unsent.full():
            self._unsent.put_nowait((topic, payload))

    def subscribe(self, topic_filter: str) -> None:
        """Listen to a topic filter too, soon and after every reconnection."""
        self._filters[topic_filter] = None
        self._changes.put_nowait((topic_filter, True))

    def unsubscribe(self, topic_filter: str) -> None:
        """Listen to a topic filter no longer."""
        self._filters.pop(topic_filter, None)
        self._changes.put_nowait((topic_filter, False))

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with self._client() as client:
                    pause_s = FIRST_PAUSE_S
                    await self._serve(client)
            except aiomqtt.MqttError as error:
                log.warning("BrokerLost host=%s port=%d error=%s", self._host, self._port, error)
            finally:
                self.connected = False
                _empty(self._unsent)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._host,
            self._port,
            identifier=self._client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=30,
            timeout=10,
            max_queued_incoming_messages=0,
            tls_context=self._tls,
            # Without it a receipt that follows an acknowledgement waits 40 ms for the broker's.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )

    async def _serve(self, client: aiomqtt.Client) -> None:
        _empty(self._changes)
        if self._filters:
            await client.subscribe([(each, 1) for each in self._filters])
        self.connected = True
        log.info("BrokerConnected host=%s port=%d", self._host, self._port)
        self._on_up()
        tasks = [asyncio.create_task(self._receive(client)), asyncio.create_task(self._change(client))]
        tasks += [asyncio.create_task(self._send(client)) for _ in range(SENDERS)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.connected = False
            await end_all(tasks, AGAIN_S)

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if isinstance(message.payload, bytes):
                self._on_message(message.topic.value, message.payload)

    async def _change(self, client: aiomqtt.Client) -> None:
        while True:
            topic_filter, wanted = await self._changes.get()
            if wanted:
                await client.subscribe(topic_filter, qos=1)
            else:
                await client.unsubscribe(topic_filter)

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            topic, payload = await self._unsent.get()
            await client.publish(topic, payload, qos=1)


async def end_all(tasks: Iterable[asyncio.Task[Any]], again_s: float) -> None:
    """Cancel tasks, again every `again_s`, until all have ended; what they raise is dropped.

    Once is not enough: until Python 3.12 `asyncio.wait_for`, by which aiomqtt waits, swallows a cancellation that comes
    together with what it waits for.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=again_s)
        for task in done:
            if not task.cancelled():
                task.exception()


def _empty(queue: asyncio.Queue[Waiting]) -> None:
    while not queue.empty():
        queue.get_nowait()
