"""Sealed inbox messages: HPKE (RFC 9180) around a signed envelope.

The seal hides the content from the owner of the broker, the signature inside says who sent it, and the counter (gapless
per sender and recipient) shows suppression. A message stays in the sender's durable outbox until the recipient's
receipt, itself an envelope, covers its counter.
"""

from volthood.wire import limits
from volthood.wire.cbor import WireError
from volthood.wire.message import Bytes, Field, Int, Message

CONTRACT_BUYER, CONTRACT_SELLER, ALLOCATION, SETTLEMENT, VOID, RECEIPT = 1, 2, 3, 4, 5, 6
"""Kinds of body: buyer's signature over a contract, seller's, allocation, settlement signature, void, receipt."""

HPKE_INFO = b"volthood/1/inbox"


class Envelope(Message):
    """One numbered message to one member.

    The body is the signed message of its kind; of a receipt it is empty and `counter` is the greatest number below
    which the receipt's sender has stored everything.
    """

    KIND = "volthood/1/inbox"
    MAX_BYTES = limits.MAX_INBOX_BYTES
    FIELDS = (
        Field(2, "hood", Bytes(32), "SHA-256 of roster version 1"),
        Field(3, "recipient", Bytes(32), "SHA-256 of the recipient's key"),
        Field(
            4,
            "kind",
            Int(CONTRACT_BUYER, RECEIPT),
            "1 buyer's contract, 2 seller's, 3 allocation, 4 settlement, 5 void, 6 receipt",
        ),
        Field(
            5, "counter", Int(0, 2**40), "number from this sender to this recipient; in a receipt the number received"
        ),
        Field(6, "body", Bytes(0, limits.MAX_INBOX_BODY_BYTES), "the signed message", b""),
    )

    hood: bytes
    recipient: bytes
    kind: int
    counter: int
    body: bytes

    def check(self) -> None:
        """A receipt has no body, everything else has one and a number from 1."""
        if (self.kind == RECEIPT) != (self.body == b"") or (self.kind != RECEIPT and self.counter == 0):
            raise WireError("field_range", "envelope kind %d" % self.kind)
