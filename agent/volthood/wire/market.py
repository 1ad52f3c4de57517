"""What agents say to each other about one slot: order, bundle, contract, settlement, void, ask, give, evidence.

Every message names its round (hood, slot, gate) in the signed body, so no signature serves in another. On the board
(`Order`, `Bundle`, `Ask`, `Give`, `Evidence`) a message is one COSE_Sign1 of its sender; a `Contract` and a
`Settlement` are one payload with a signature of each party, over the same bytes and with the party in the kind.
"""

from volthood.wire import cose, limits
from volthood.wire.cbor import WireError
from volthood.wire.message import Bytes, Field, Int, Message, Row, Rows, Text

WATCH, BUY, SELL = 0, 1, 2
"""Side of an order: posts nothing, buys, sells."""

ORDER, BUNDLE = 1, 2
"""What an ask wants and a give brings."""

_ENERGY = Int(0, limits.MAX_ENERGY_WH)
_PRICE = Int(-limits.MAX_PRICE_MCT_PER_KWH, limits.MAX_PRICE_MCT_PER_KWH)
_AGENT = Bytes(32)
_COUNTER = Int(1, 2**40)
_ROUND = (
    Field(2, "hood", Bytes(32), "SHA-256 of roster version 1"),
    Field(3, "slot", Int(0, 2**40), "s, UTC since 1970: start of the delivery interval"),
    Field(4, "gate", Int(0, 255), "gate index; 254 and 255 are balancing gates"),
)


class RoundMessage(Message):
    """A message of one round."""

    hood: bytes
    slot: int
    gate: int

    @property
    def round(self) -> "tuple[bytes, int, int]":
        """(hood, slot, gate)."""
        return self.hood, self.slot, self.gate


class Order(RoundMessage):
    """What a member would buy or sell in a round, empty if it does not trade."""

    KIND = "volthood/1/order"
    MAX_BYTES = limits.MAX_ORDER_BYTES
    FIELDS = _ROUND + (
        Field(5, "algorithm", Text(limits.MAX_NAME_CHARS), "price rule and version this member clears with"),
        Field(6, "side", Int(WATCH, SELL), "0 watches, 1 buys, 2 sells", WATCH),
        Field(7, "steps", Rows(Row(_PRICE, _ENERGY), 1, limits.MAX_ORDER_STEPS), "[mct/kWh, Wh] by merit", ()),
        Field(8, "counter", _COUNTER, "number of this message from this sender to the board"),
    )

    algorithm: str
    side: int
    steps: tuple[tuple[int, int], ...]
    counter: int

    def check(self) -> None:
        """Steps stand with a side, and only then."""
        if (self.side == WATCH) != (self.steps == ()):
            raise WireError("field_range", "side %d with %d steps" % (self.side, len(self.steps)))


class Bundle(RoundMessage):
    """All orders that a bundler holds, in full, one a member; and pairs of orders that convict a member."""

    KIND = "volthood/1/bundle"
    MAX_BYTES = limits.MAX_BUNDLE_BYTES
    FIELDS = _ROUND + (
        Field(
            5,
            "orders",
            Rows(Bytes(1, limits.MAX_ORDER_BYTES), 0, limits.MAX_MEMBERS),
            "signed orders by ascending key id",
        ),
        Field(
            6,
            "evidence",
            Rows(Row(Bytes(1, limits.MAX_ORDER_BYTES), Bytes(1, limits.MAX_ORDER_BYTES)), 1, limits.MAX_EVIDENCE),
            "pairs of different orders of one member",
            (),
        ),
        Field(7, "counter", _COUNTER, "number of this message from this sender to the board"),
    )

    orders: tuple[bytes, ...]
    evidence: tuple[tuple[bytes, bytes], ...]
    counter: int

    def check(self) -> None:
        """The same order twice is evidence of nothing."""
        if any([first == second for first, second in self.evidence]):
            raise WireError("field_range", "evidence of two equal orders")


class Contract(RoundMessage):
    """What one pair agreed to: an option up to the meter. Its id is the SHA-256 of this payload."""

    BUYER_KIND = "volthood/1/contract/buyer"
    SELLER_KIND = "volthood/1/contract/seller"
    MAX_BYTES = limits.MAX_CONTRACT_BYTES
    FIELDS = _ROUND + (
        Field(5, "algorithm", Text(limits.MAX_NAME_CHARS), "price rule and version"),
        Field(6, "book", Bytes(32), "hash of the book of orders"),
        Field(7, "seller", _AGENT, "SHA-256 of the seller's key"),
        Field(8, "buyer", _AGENT, "SHA-256 of the buyer's key"),
        Field(9, "energy_wh", Int(1, limits.MAX_ENERGY_WH), "Wh"),
        Field(10, "seller_price", _PRICE, "mct/kWh paid to the seller"),
        Field(11, "buyer_price", _PRICE, "mct/kWh paid by the buyer, fee included"),
        Field(12, "path_fee", _PRICE, "mct/kWh for the grid account", 0),
    )

    algorithm: str
    book: bytes
    seller: bytes
    buyer: bytes
    energy_wh: int
    seller_price: int
    buyer_price: int
    path_fee: int

    def check(self) -> None:
        """Nobody trades with itself."""
        if self.seller == self.buyer:
            raise WireError("field_range", "seller and buyer are one")


class Settlement(RoundMessage):
    """What a contract came to: both allocations of metered energy and, the smaller of them, what was delivered."""

    BUYER_KIND = "volthood/1/settlement/buyer"
    SELLER_KIND = "volthood/1/settlement/seller"
    MAX_BYTES = limits.MAX_SETTLEMENT_BYTES
    FIELDS = _ROUND + (
        Field(5, "contract", Bytes(32), "id of the contract"),
        Field(6, "seller_wh", _ENERGY, "Wh of the seller's metered export allocated to it"),
        Field(7, "buyer_wh", _ENERGY, "Wh of the buyer's metered import allocated to it"),
        Field(8, "delivered_wh", _ENERGY, "Wh, the smaller of the two"),
    )

    contract: bytes
    seller_wh: int
    buyer_wh: int
    delivered_wh: int

    def check(self) -> None:
        """Delivered is the smaller of the two allocations."""
        if self.delivered_wh != min(self.seller_wh, self.buyer_wh):
            raise WireError("field_range", "delivered_wh is not the smaller allocation")


class Allocation(RoundMessage):
    """One party's share of its own metered energy for a contract, with the two slot records that prove the meter."""

    KIND = "volthood/1/allocation"
    MAX_BYTES = limits.MAX_INBOX_BYTES
    FIELDS = _ROUND + (
        Field(5, "contract", Bytes(32), "id of the contract"),
        Field(6, "allocated_wh", _ENERGY, "Wh of the sender's metered energy allocated to it"),
        Field(7, "start", Bytes(1, limits.MAX_RECORD_BYTES), "signed slot record at the slot's start"),
        Field(8, "end", Bytes(1, limits.MAX_RECORD_BYTES), "signed slot record at the slot's end"),
    )

    contract: bytes
    allocated_wh: int
    start: bytes
    end: bytes


class Void(RoundMessage):
    """The buyer's signed word that it allocates nothing to a contract whose countersignature came too late."""

    KIND = "volthood/1/void"
    MAX_BYTES = limits.MAX_CONTRACT_BYTES
    FIELDS = _ROUND + (Field(5, "contract", Bytes(32), "id of the contract"),)

    contract: bytes


class Ask(RoundMessage):
    """Asks the board for a member's order or a bundler's bundle."""

    KIND = "volthood/1/ask"
    MAX_BYTES = limits.MAX_ASK_BYTES
    FIELDS = _ROUND + (
        Field(5, "want", Int(ORDER, BUNDLE), "1 an order, 2 a bundle"),
        Field(6, "member", _AGENT, "SHA-256 of the member's key"),
        Field(7, "counter", _COUNTER, "number of this message from this sender to the board"),
    )

    want: int
    member: bytes
    counter: int


class Give(RoundMessage):
    """Brings, in full and as first signed, an order or bundle that was asked for."""

    KIND = "volthood/1/give"
    MAX_BYTES = limits.MAX_GIVE_BYTES
    FIELDS = _ROUND + (
        Field(5, "what", Int(ORDER, BUNDLE), "1 an order, 2 a bundle"),
        Field(6, "body", Bytes(1, limits.MAX_BUNDLE_BYTES), "the signed message"),
        Field(7, "counter", _COUNTER, "number of this message from this sender to the board"),
    )

    what: int
    body: bytes
    counter: int


class Evidence(RoundMessage):
    """Two different messages that one member signed for one round."""

    KIND = "volthood/1/evidence"
    MAX_BYTES = limits.MAX_EVIDENCE_BYTES
    FIELDS = _ROUND + (
        Field(5, "what", Int(ORDER, BUNDLE), "1 orders, 2 bundles"),
        Field(6, "first", Bytes(1, limits.MAX_BUNDLE_BYTES), "one signed message"),
        Field(7, "second", Bytes(1, limits.MAX_BUNDLE_BYTES), "the other"),
        Field(8, "counter", _COUNTER, "number of this message from this sender to the board"),
    )

    what: int
    first: bytes
    second: bytes
    counter: int

    def check(self) -> None:
        """The same message twice is evidence of nothing."""
        if self.first == self.second:
            raise WireError("field_range", "evidence of two equal messages")


def unpack_eddsa(data: bytes, max_bytes: int) -> "cose.Signed":
    """An agent's signed message taken apart, its signature not yet checked. Raises `WireError`."""
    signed = cose.unpack_sign1(data, max_bytes)
    if signed.alg != cose.EDDSA:
        raise WireError("algorithm_unknown", "agents sign with EdDSA")
    return signed
