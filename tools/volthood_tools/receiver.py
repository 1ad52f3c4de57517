"""Takes a node's records as an agent does, without a household around it: for tests of a board, virtual or real.

Every record is verified and put in its place by the agent's own rules, and answered with a receipt. What breaks a rule is
kept and raised by `close`.
"""

import json
import queue

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from volthood.adapters.crypto import LinkKey, SignatureVerifier
from volthood.adapters.mqtt import TlsFiles
from volthood.core.readings import Stream
from volthood.wire.record import Live, Record, record_hash, unpack_record
from volthood.wire.topics import node_topic


class ForgedRecordError(Exception):
    """A record that the node did not sign."""


class Receiver:
    """The agent's end of one node's link.

    Args:
        host, port: the broker.
        house: whose node it is, by its enrolment.
        public_key: x and y of the node's key, or SPKI that ends with them.
        tls: certificates for the broker; None for one without.

    Attributes:
        records: in the order of their arrival, each once.
        repeated: how many came again.
        lives, online: live values, and what the retained status said, in their order; `status` is the newest.
        stream: what is held by the agent's rules.
        silent: gives no receipts.
    """

    def __init__(
        self,
        host: str,
        port: int,
        house: str,
        node: str,
        public_key: bytes,
        link_key: bytes,
        tls: TlsFiles | None = None,
    ) -> None:
        self.records: list[Record] = []
        self.repeated = 0
        self.lives: list[Live] = []
        self.online: list[bool] = []
        self.status: dict[str, object] = {}
        self.stream = Stream()
        self.faults: queue.Queue[BaseException] = queue.Queue()
        self.silent = False
        self._house, self._node, self._public_key, self._link_key = house, node, public_key, LinkKey(link_key)
        self._verifier = SignatureVerifier()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="agent", clean_session=False, protocol=mqtt.MQTTv311
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect, self._client.on_message = self._on_connect, self._on_message
        if tls is not None:
            self._client.tls_set(str(tls.ca_file), str(tls.cert_file), str(tls.key_file))
        self._client.connect(host, port)
        self._client.loop_start()

    def close(self) -> None:
        """Leaves the broker. Raises what went wrong meanwhile."""
        self._client.disconnect()
        self._client.loop_stop()
        if not self.faults.empty():
            raise self.faults.get()

    def slots(self) -> list[Record]:
        """The slot records."""
        return [record for record in list(self.records) if record.is_slot]

    def send_receipt(self) -> None:
        """Says what is held."""
        if not self.silent:
            data = self._link_key.mac_receipt(bytes.fromhex(self._node), self.stream.receipt)
            self._client.publish(node_topic(self._house, self._node, "receipt"), data, qos=1)

    def _on_connect(self, client: mqtt.Client, *_rest: object) -> None:
        for what in ("record", "live", "status"):
            client.subscribe(node_topic(self._house, self._node, what), qos=1)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            self._take(message.topic.rsplit("/", 1)[1], bytes(message.payload))
        except BaseException as fault:
            self.faults.put(fault)
            raise

    def _take(self, what: str, data: bytes) -> None:
        if what == "live":
            self.lives.append(Live.from_cbor(data))
        elif what == "status":
            self.status = json.loads(data)
            self.online.append(bool(self.status["online"]))
        else:
            self._take_record(data)

    def _take_record(self, data: bytes) -> None:
        signed, record = unpack_record(data)
        if not self._verifier.verify_es256(self._public_key, signed, Record.KIND):
            raise ForgedRecordError(f"record {record.rseq} is not signed by {self._node}")
        if self.stream.take(record, record_hash(data)).new:
            self.records.append(record)
        else:
            self.repeated += 1
        self.send_receipt()
