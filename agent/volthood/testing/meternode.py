"""A meter node without a board: it counts energy and signs records exactly as the firmware does."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from volthood.wire import cose
from volthood.wire.keys import kid, spki_p256
from volthood.wire.record import GENESIS, Record, meter_hash, record_hash

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class SignedMeter:
    """One meter and its node. `flow` moves energy through it, `slot_record` signs what it shows.

    Attributes:
        boot: the boot counter of its records.
        last: the newest record.
    """

    def __init__(self, seed: int, serial: str = "1") -> None:
        self._key = ec.derive_private_key(seed % _ORDER or 1, ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        self.public_xy = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self.kid = kid(spki_p256(self.public_xy))
        self._meter = meter_hash(serial)
        self._import_wh = 100_000
        self._export_wh = 50_000
        self._rseq = 0
        self._prev = self._prev_slot = GENESIS
        self.boot = 1
        self.last: Record

    @property
    def name(self) -> str:
        """The node's name in topics."""
        return self.kid.hex()

    def flow(self, net_wh: int) -> None:
        """Energy through the meter: import positive."""
        if net_wh >= 0:
            self._import_wh += net_wh
        else:
            self._export_wh -= net_wh

    def slot_record(self, time_s: int, **fields: object) -> bytes:
        """A signed slot record, linked to what came before."""
        signed = self.sign(self._record(time_s, prev_slot=self._prev_slot, **fields))
        self._prev = self._prev_slot = record_hash(signed)
        return signed

    def _record(self, time_s: int, **fields: object) -> Record:
        self._rseq += 1
        values: dict[str, object] = {
            "meter": self._meter,
            "index": 0,
            "rseq": self._rseq,
            "boot": self.boot,
            "time_s": time_s,
            "import_wh": self._import_wh,
            "export_wh": self._export_wh,
            "power_w": 0,
            "prev": self._prev,
        }
        self.last = Record(**(values | fields))
        return self.last

    def sign(self, record: Record) -> bytes:
        """Any record under this node's key, low s."""
        protected = cose.protected_header(cose.ES256, self.kid)
        payload = record.to_cbor()
        der = self._key.sign(
            cose.to_be_signed(Record.KIND, protected, payload), ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        )
        r, s = decode_dss_signature(der)
        s = min(s, _ORDER - s)
        return cose.pack_sign1(protected, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big"))
