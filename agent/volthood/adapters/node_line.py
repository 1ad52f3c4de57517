"""A line to one of the household's nodes over the home broker: asks verbs, waits for the answers. Synchronous, on paho.

For commands and tools. It is a client of its own beside the agent's: with TLS it shows the same certificate, and the broker
lets it into the same topics.
"""

import queue
import secrets
import socket
import ssl
import time
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from volthood.engine.verbs import Asker
from volthood.errors import DeviceError, LocalError
from volthood.wire.topics import node_topic
from volthood.wire.verb import REQUEST_BYTES

CONNECT_LIMIT_S = 10.0
ANSWER_LIMIT_S = 10.0
TRIES = 3
"""Challenges that may turn out stale in a row: another asker may have come between."""


class NodeLine:
    """A connection to the home broker and a conversation with the node `kid` of `house`. Use it in a `with`."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, house: str, kid: bytes, link_key: bytes
    ) -> None:
        """Connects. Raises `LocalError` where the broker cannot be reached or refuses us."""
        self._house, self._node = house, kid.hex()
        self._asker = Asker(link_key, kid)
        self._came: queue.Queue[bytes] = queue.Queue()
        self._up: queue.Queue[str] = queue.Queue()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"ask-{secrets.token_hex(8)}", protocol=paho.MQTTv311
        )
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.on_connect, self._client.on_subscribe = self._on_connect, self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_socket_open = self._on_socket_open
        self._where = f"{host}:{port}"
        try:
            self._client.connect(host, port, keepalive=30)
        except OSError as error:
            raise LocalError(f"broker {self._where}: {error}") from error
        self._client.loop_start()
        try:
            fault = self._up.get(timeout=CONNECT_LIMIT_S)
        except queue.Empty:
            fault = "no answer"
        if fault:
            self.close()
            raise LocalError(f"broker {self._where}: {fault}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    def ask(self, verb: str, argument: bytes = b"", limit_s: float = ANSWER_LIMIT_S) -> bytes:
        """The node's answer to a verb.

        Raises:
            DeviceError: no answer in `limit_s` (retry; it may have been done), or the node refuses.
            WireError: no verb can have this name or argument.
        """
        for _ in range(TRIES):
            answered = self._ask_once(verb, argument, limit_s)
            if answered is not None:
                return answered
        raise DeviceError(f"node {self._node}: somebody else asks it all the time", retry=True)

    def _ask_once(self, verb: str, argument: bytes, limit_s: float) -> bytes | None:
        """The answer; None where the challenge was stale and there is a fresh one now."""
        data = self._asker.begin(secrets.token_bytes(REQUEST_BYTES), verb, argument)
        sent = self._client.publish(self._topic("do/" + verb), data, qos=1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LocalError(f"broker {self._where}: the connection is gone")
        deadline_s = time.monotonic() + limit_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            try:
                answered = self._asker.take(self._came.get(timeout=left_s))
            except queue.Empty:
                break
            if answered is not None:
                return None if answered.again else answered.body
        raise DeviceError(f"node {self._node}: no answer within {limit_s:.0f} s; is it online?", retry=True)

    def _topic(self, what: str) -> str:
        return node_topic(self._house, self._node, what)

    @staticmethod
    def _on_socket_open(_client: paho.Client, _data: object, sock: Any) -> None:
        # Without it a question that follows an acknowledgement waits 40 ms for the broker's.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._up.put(str(reason))
        else:
            client.subscribe(self._topic("did/+"), qos=1)

    def _on_subscribe(self, *_rest: Any) -> None:
        self._up.put("")

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._came.put(bytes(message.payload))
