"""Writes the golden messages of the wire formats beside itself, without `volthood`.

    python tests/vectors/wire/make_messages.py           writes the files
    python tests/vectors/wire/make_messages.py --check   ends with status 1 where that would change something

messages.jsonl  one of each message and more: fields, payload, bytes as sent.
cose.jsonl      what a signature covers, messages taken apart, and messages that are refused.
sealed.jsonl    inbox messages as sealed.

The hands are others': cbor2 (values), cwt (COSE messages and their check), pyhpke (sealed messages), `cryptography`
(RFC 6979 signatures), and published bytes: RFC 9180 appendix A.2.1 and the working group's COSE examples. Keys are
hashes of names, so each run gives the same files.
"""

import json
import sys
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cwt import COSE, COSEKey
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

Case = dict[str, object]
Fields = list[tuple[int, str, object]]

HERE = Path(__file__).resolve().parent
ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SUITE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305)
EDDSA, ES256, HS256, CHECKPOINT = -8, -7, 5, -65537


def secret(name: str) -> bytes:
    """32 bytes that are no secret at all."""
    return sha256(b"volthood test key: " + name.encode()).digest()


def head(major: int, n: int) -> bytes:
    """An initial byte and argument, shortest form."""
    raw = bytearray(cbor2.dumps(n))
    raw[0] |= major << 5
    return bytes(raw)


def cbor(value: object) -> bytes:
    """The deterministic encoding."""
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(sorted(cbor(key) + cbor(item) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return head(4, len(value)) + b"".join(cbor(item) for item in value)
    if isinstance(value, cbor2.CBORTag):
        return head(6, value.tag) + cbor(value.value)
    return cbor2.dumps(value)


def plain(value: object) -> object:
    """A value as JSON, bytes as `{"b": hex}`."""
    if isinstance(value, bytes):
        return {"b": value.hex()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


# --- keys ---

NODE = ec.derive_private_key(int.from_bytes(secret("node"), "big"), ec.SECP256R1())


def spki_of(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def xy_of(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


NODE_SPKI, NODE_XY = spki_of(NODE), xy_of(NODE)
NODE_KID = sha256(NODE_SPKI).digest()[:8]
LINK_KEY = secret("link")
RELEASER = ec.derive_private_key(int.from_bytes(secret("releaser"), "big"), ec.SECP256R1())


class Agent:
    """A household of the examples."""

    def __init__(self, house: str) -> None:
        self.house = house
        self.seed = secret(house + " agent")
        key = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        self.raw = key.public_bytes_raw()
        self.hash = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
        self.seal_secret = secret(house + " seal")
        self.seal = X25519PrivateKey.from_private_bytes(self.seal_secret).public_key().public_bytes_raw()
        witness = Ed25519PrivateKey.from_private_bytes(secret(house + " witness"))
        self.witness = witness.public_key().public_bytes_raw()

    def sign(self, kind: str, payload: bytes, checkpoint: bytes | None = None) -> bytes:
        """A COSE_Sign1 by cwt."""
        protected: dict[int, object] = {1: EDDSA, 4: self.hash[:8]}
        if checkpoint is not None:
            protected[CHECKPOINT] = checkpoint
        key = COSEKey.new({1: 1, -1: 6, 3: EDDSA, -2: self.raw, -4: self.seed, 2: self.hash[:8]})
        signed = COSE.new(deterministic_header=True).encode_and_sign(
            payload, key, protected=protected, external_aad=kind.encode()
        )
        return bytes(signed)

    def sign_note(self, text: str) -> str:
        """A signature line (C2SP signed-note)."""
        name_hash = sha256(self.house.encode() + b"\n\x01" + self.raw).digest()[:4]
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"\u2014 {self.house} {b64(name_hash + signature)}\n"


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def sign_record(payload: bytes) -> bytes:
    return sign_es256(payload, "volthood/1/record", NODE)


def sign_es256(payload: bytes, kind: str, private: ec.EllipticCurvePrivateKey) -> bytes:
    """A COSE_Sign1 (ES256) with the nonce of RFC 6979 and the lower s; put together with cbor2, checked by cwt."""
    kid, xy = sha256(spki_of(private)).digest()[:8], xy_of(private)
    protected = cbor({1: ES256, 4: kid})
    message = cbor(["Signature1", protected, kind.encode(), payload])
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
    signature = r.to_bytes(32, "big") + min(s, ORDER_OF_P256 - s).to_bytes(32, "big")
    signed = cbor(cbor2.CBORTag(18, [protected, {}, payload, signature]))
    key = COSEKey.new({1: 2, -1: 1, 3: ES256, -2: xy[:32], -3: xy[32:], 2: kid})
    if COSE.new().decode(signed, key, external_aad=kind.encode()) != payload:
        raise SystemExit(f"cwt does not accept {kind}")
    return signed


def mac(kind: str, payload: bytes) -> bytes:
    """A COSE_Mac0 by cwt."""
    key = COSEKey.new({1: 4, -1: LINK_KEY, 3: HS256, 2: NODE_KID})
    return bytes(
        COSE.new(deterministic_header=True).encode_and_mac(
            payload, key, protected={1: HS256, 4: NODE_KID}, external_aad=kind.encode()
        )
    )


# --- the worked examples: a morning in a hood of two ---

SELLER, BUYER = Agent("house01"), Agent("house02")
SLOT = 1782043200  # 2026-06-21T12:00:00Z
METER = sha256(b"23000042").digest()[:8]
RULE = "mid-market/1"


def member_line(agent: Agent, nodes: str, fuse_w: int, broker: str) -> str:
    point = sha256(b"metering point of " + agent.house.encode()).digest()
    keys = " ".join([b64(agent.raw), b64(agent.seal), b64(agent.witness), nodes, b64(point)])
    return f"member {agent.house} {keys} {fuse_w} root {broker} -\n"


ROSTER = (
    f"volthood/1/roster\nversion 1\nprevious -\nissued {SLOT - 86400}\nvalid_from {SLOT - 86400}\n"
    + member_line(SELLER, b64(NODE_XY), 17250, "house01.local:8883")
    + member_line(BUYER, "-", 13800, "house01.local:8883")
)
HOOD = sha256(ROSTER.encode()).digest()
ROUND: Fields = [(2, "hood", HOOD), (3, "slot", SLOT), (4, "gate", 0)]


def short_hash(data: bytes) -> bytes:
    return sha256(data).digest()[:16]


def record(rseq: int, time_s: int, registers: tuple[int, int], power_w: int, rest: Fields) -> Fields:
    return [
        *((2, "meter", METER), (3, "index", 0), (4, "rseq", rseq), (5, "boot", 3), (6, "time_s", time_s)),
        *((8, "import_wh", registers[0]), (9, "export_wh", registers[1]), (11, "power_w", power_w)),
        *rest,
    ]


def payload_of(fields: Fields) -> bytes:
    return cbor({1: 1, **{key: value for key, _, value in fields}})


def made(name: str, kind: str, fields: Fields, signed: bytes, public: bytes = b"") -> Case:
    """One case; the message is the first word of its name, `public` the key that checks it."""
    payload = payload_of(fields).hex()
    extra = {"kind": kind, "public": public.hex(), "payload": payload, "signed": signed.hex()}
    return {"name": name, "message": name.partition(" ")[0], **extra, "fields": {n: plain(v) for _, n, v in fields}}


def by_agent(name: str, kind: str, agent: Agent, fields: Fields) -> Case:
    return made(name, kind, fields, agent.sign(kind, payload_of(fields)), agent.raw)


def by_link_key(name: str, kind: str, fields: Fields) -> Case:
    return made(name, kind, fields, mac(kind, payload_of(fields)), LINK_KEY)


START = record(15, SLOT, (4210500, 1822000), -3100, [(13, "prev", bytes(16)), (14, "prev_slot", bytes(16))])
SIGNED_START = sign_record(payload_of(START))
MINUTE: Fields = [
    *record(20, SLOT + 60, (4210500, 1822052), -3100, [(7, "quality", 1), (12, "flags", 2)]),
    (13, "prev", short_hash(SIGNED_START)),
    (15, "closed", [[16, 17, 2], [19, 19, 3]]),
    (16, "voltage_mv", [230100, 231900, 229800]),
    (17, "current_ma", [-4500, -4400, -4600]),
    (18, "phase_power_w", [-1030, -1020, -1050]),
    (19, "frequency_mhz", 49987),
    (20, "power_factor_permille", -998),
]
SIGNED_MINUTE = sign_record(payload_of(MINUTE))
LINKS: Fields = [(13, "prev", short_hash(SIGNED_MINUTE)), (14, "prev_slot", short_hash(SIGNED_START))]
END = record(21, SLOT + 900, (4210500, 1822790), -3040, LINKS)
SIGNED_END = sign_record(payload_of(END))


def meter_examples() -> Iterator[Case]:
    """What the node says, and what it is told."""
    yield made("Record", "volthood/1/record", END, SIGNED_END, NODE_SPKI)
    yield made("Record of a minute", "volthood/1/record", MINUTE, SIGNED_MINUTE, NODE_SPKI)
    yield made("Record at the start", "volthood/1/record", START, SIGNED_START, NODE_SPKI)
    yield by_link_key("Receipt", "volthood/1/receipt", [(2, "rseq", 21)])
    registers: Fields = [(5, "import_wh", 4210500), (6, "export_wh", 1822053)]
    live: Fields = [(2, "time_s", SLOT + 61), (4, "power_w", -3098), *registers]
    yield made("Live", "volthood/1/live", live, b"")
    yield made("Live of a meter behind the connection", "volthood/1/live", [*live, (12, "index", 1)], b"")


def verb_examples() -> Iterator[Case]:
    """A verb without a challenge, refused; the same with the challenge it brought; an answer in two parts."""
    first, second = (short_hash(name)[:8] for name in (b"request 1", b"request 2"))
    challenge, after = (short_hash(name)[:8] for name in (b"challenge 1", b"challenge 2"))
    asked: Fields = [(4, "name", "console"), (5, "argument", b"queue")]
    yield by_link_key("Verb", "volthood/1/verb", [(2, "request", second), (3, "challenge", challenge), *asked])
    nothing: Fields = [(2, "request", first), (3, "challenge", bytes(8)), (4, "name", "update")]
    yield by_link_key("Verb that asks for a challenge", "volthood/1/verb", nothing)
    refusal: Fields = [(2, "request", first), (5, "refused", "challenge_stale"), (6, "next_challenge", challenge)]
    yield by_link_key("Answer that refuses", "volthood/1/answer", refusal)
    start: Fields = [(2, "request", second), (4, "body", b'{"greatest": 21, ')]
    yield by_link_key("Answer", "volthood/1/answer", start)
    end: Fields = [(2, "request", second), (3, "part", 1), (4, "body", b'"waiting": 0}'), (6, "next_challenge", after)]
    yield by_link_key("Answer in its last part", "volthood/1/answer", end)


def update_examples() -> Iterator[Case]:
    """A release of two files, offered, and its first piece."""
    files = [("volthood/__init__.mpy", b"M\x06\x00\x1f"), ("voltnode/__init__.mpy", b"M\x06\x00\x1f01")]
    rows = b"".join(cbor([path, len(content), sha256(content).digest()]) for path, content in files)
    release: Fields = [
        *((2, "release", [0, 2, 0]), (3, "hardware", "esp32"), (4, "minimum", [0, 1, 0]), (5, "mpy", 6)),
        *((6, "files", 2), (7, "content_bytes", 10), (8, "list_bytes", len(rows))),
        (9, "list_hash", sha256(rows).digest()),
    ]
    kind = "volthood/1/update"
    signed = sign_es256(payload_of(release), kind, RELEASER)
    yield made("Manifest", kind, release, signed, spki_of(RELEASER))
    yield made("Step", "volthood/1/update-step", [(2, "action", 0), (4, "data", signed)], b"")
    piece: Fields = [(2, "action", 1), (3, "offset", 64), (4, "data", rows[64:])]
    yield made("Step with a piece", "volthood/1/update-step", piece, b"")
    yield made("Progress", "volthood/1/update-progress", [(2, "next", len(rows))], b"")
    yield made(
        "Progress at the end", "volthood/1/update-progress", [(2, "next", len(rows) + 10), (3, "applied", 1)], b""
    )


def order(agent: Agent, side: int, steps: list[list[int]], counter: int) -> Case:
    fields: Fields = [*ROUND, (5, "algorithm", RULE), (8, "counter", counter)]
    if side:
        fields += [(6, "side", side), (7, "steps", steps)]
    return by_agent("Order" if side else "Order that only watches", "volthood/1/order", agent, fields)


def signed_bytes(case: Case) -> bytes:
    return bytes.fromhex(str(case["signed"]))


def board_examples() -> Iterator[Case]:
    """What stands on the board."""
    sell = order(SELLER, 2, [[9000, 600], [11000, 150]], 41)
    yield sell
    yield order(BUYER, 0, [], 19)
    sold, bought = signed_bytes(sell), signed_bytes(order(BUYER, 1, [[29000, 400]], 17))
    again = signed_bytes(order(BUYER, 1, [[28000, 500]], 18))
    in_order = [sold, bought] if SELLER.hash < BUYER.hash else [bought, sold]
    yield by_agent("Bundle", "volthood/1/bundle", SELLER, [*ROUND, (5, "orders", in_order), (7, "counter", 42)])
    convicting: Fields = [*ROUND, (5, "orders", [sold]), (6, "evidence", [[bought, again]]), (7, "counter", 42)]
    yield by_agent("Bundle with evidence", "volthood/1/bundle", SELLER, convicting)
    wanted: Fields = [*ROUND, (5, "want", 1), (6, "member", SELLER.hash), (7, "counter", 20)]
    yield by_agent("Ask", "volthood/1/ask", BUYER, wanted)
    yield by_agent("Give", "volthood/1/give", SELLER, [*ROUND, (5, "what", 1), (6, "body", sold), (7, "counter", 43)])
    against: Fields = [*ROUND, (5, "what", 1), (6, "first", bought), (7, "second", again), (8, "counter", 44)]
    yield by_agent("Evidence", "volthood/1/evidence", SELLER, against)


def deal_examples() -> Iterator[Case]:
    """What two neighbours sign, and how it reaches an inbox."""
    contract: Fields = [
        *ROUND,
        (5, "algorithm", RULE),
        (6, "book", sha256(b"the book of the example").digest()),
        (7, "seller", SELLER.hash),
        (8, "buyer", BUYER.hash),
        (9, "energy_wh", 400),
        (10, "seller_price", 18500),
        (11, "buyer_price", 18500),
    ]
    of_buyer = by_agent("Contract", "volthood/1/contract/buyer", BUYER, contract)
    yield of_buyer
    kind, checkpoint = "volthood/1/contract/seller", sha256(b"newest checkpoint").digest()
    countersigned = SELLER.sign(kind, payload_of(contract), checkpoint)
    yield made("Contract of the seller", kind, contract, countersigned, SELLER.raw)
    named: Fields = [*ROUND, (5, "contract", sha256(payload_of(contract)).digest())]
    proof: Fields = [(7, "start", SIGNED_START), (8, "end", SIGNED_END)]
    yield by_agent("Allocation", "volthood/1/allocation", SELLER, [*named, (6, "allocated_wh", 400), *proof])
    settlement: Fields = [*named, (6, "seller_wh", 400), (7, "buyer_wh", 380), (8, "delivered_wh", 380)]
    yield by_agent("Settlement", "volthood/1/settlement/buyer", BUYER, settlement)
    yield by_agent("Settlement of the seller", "volthood/1/settlement/seller", SELLER, settlement)
    yield by_agent("Void", "volthood/1/void", BUYER, named)
    to_seller: Fields = [(2, "hood", HOOD), (3, "recipient", SELLER.hash), (4, "kind", 1), (5, "counter", 7)]
    yield by_agent("Envelope", "volthood/1/inbox", BUYER, [*to_seller, (6, "body", signed_bytes(of_buyer))])
    to_buyer: Fields = [(2, "hood", HOOD), (3, "recipient", BUYER.hash), (4, "kind", 6), (5, "counter", 7)]
    yield by_agent("Envelope with a receipt", "volthood/1/inbox", SELLER, to_buyer)


# --- COSE: structures as published, messages by cwt, and what must be refused ---

# cose-wg/Examples: eddsa-sig-01, ecdsa-sig-01, HMac-01; those without external data (ours is text).
PUBLISHED = [
    ("Signature1", "a201270300", "846a5369676e61747572653145a2012703004054546869732069732074686520636f6e74656e742e"),
    ("Signature1", "a201260300", "846a5369676e61747572653145a2012603004054546869732069732074686520636f6e74656e742e"),
    ("MAC0", "a10105", "84644d41433043a101054054546869732069732074686520636f6e74656e742e"),
]
CONTENT = b"This is the content."
PUBLISHED_MESSAGES = {
    "eddsa-sig-01, key id unprotected": "d28445a201270300a10442313154546869732069732074686520636f6e74656e742e5840"
    "7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb87"
    "11497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d",
    "HMac-01, a MAC": "d18443a10105a054546869732069732074686520636f6e74656e742e5820"
    "a1a848d3471f9d61ee49018d244c824772f223ad4f935293f1789fc3a08d8c58",
}


def cose_cases() -> Iterator[Case]:
    """What is covered by a signature, messages taken apart, and messages refused."""
    for structure, protected, covered in PUBLISHED:
        common: Case = {"name": "published " + protected, "structure": structure, "kind": "", "protected": protected}
        yield {**common, "payload": CONTENT.hex(), "covered": covered}
    kid, checkpoint, kind = SELLER.hash[:8], secret("checkpoint"), "volthood/1/contract/seller"
    for name, top in (("without checkpoint", None), ("with checkpoint", checkpoint)):
        signed = SELLER.sign(kind, b"payload", top)
        protected, _, payload, signature = cbor2.loads(signed).value
        covered = cbor(["Signature1", protected, kind.encode(), payload]).hex()
        parts = {"alg": EDDSA, "kid": kid.hex(), "checkpoint": top.hex() if top else None}
        case = {"name": name, "structure": "Signature1", "kind": kind, "protected": protected.hex(), "covered": covered}
        yield {**case, **parts, "payload": payload.hex(), "signature": signature.hex(), "signed": signed.hex()}
    for name, text in PUBLISHED_MESSAGES.items():
        yield {"name": name, "refused": "not_cose", "signed": text}
    header: dict[object, object] = {1: EDDSA, 4: kid}
    for reason, name, changed in [
        ("algorithm_unknown", "ES384", {**header, 1: -35}),
        ("algorithm_unknown", "HMAC", {**header, 1: HS256}),
        ("algorithm_unknown", "algorithm by name", {**header, 1: "EdDSA"}),
        ("algorithm_unknown", "no algorithm", {4: kid}),
        ("header_unknown", "no key id", {1: EDDSA}),
        ("header_unknown", "key id of 7 bytes", {**header, 4: kid[:7]}),
        ("header_unknown", "key id as text", {**header, 4: "house001"}),
        ("header_unknown", "content type", {**header, 3: 0}),
        ("header_unknown", "critical", {**header, 2: [4]}),
        ("header_unknown", "checkpoint of 31 bytes", {**header, CHECKPOINT: checkpoint[:31]}),
        ("header_unknown", "checkpoint null", {**header, CHECKPOINT: None}),
        ("header_unknown", "checkpoint under a record", {1: ES256, 4: kid, CHECKPOINT: checkpoint}),
        ("header_unknown", "header is an array", [1, EDDSA]),
    ]:
        yield {"name": name, "refused": reason, "signed": sign1([cbor(changed), {}, b"payload", bytes(64)])}
    good = cbor(header)
    for reason, name, parts_ in [
        ("not_cose", "unprotected header", [good, {4: kid}, b"payload", bytes(64)]),
        ("not_cose", "unprotected header null", [good, None, b"payload", bytes(64)]),
        ("not_cose", "detached payload", [good, {}, None, bytes(64)]),
        ("not_cose", "payload as text", [good, {}, "payload", bytes(64)]),
        ("not_cose", "signature of 63 bytes", [good, {}, b"payload", bytes(63)]),
        ("not_cose", "signature of 65 bytes", [good, {}, b"payload", bytes(65)]),
        ("not_cose", "header not wrapped", [header, {}, b"payload", bytes(64)]),
        ("not_cose", "three parts", [good, {}, b"payload"]),
        ("not_cose", "five parts", [good, {}, b"payload", bytes(64), bytes(64)]),
        ("truncated", "header empty", [b"", {}, b"payload", bytes(64)]),
        (
            "not_canonical",
            "header's keys out of order",
            [bytes.fromhex("a20448" + kid.hex() + "0127"), {}, b"", bytes(64)],
        ),
        ("trailing_bytes", "header with one more byte", [good + b"\x00", {}, b"payload", bytes(64)]),
    ]:
        yield {"name": name, "refused": reason, "signed": sign1(parts_)}
    whole = [good, {}, b"payload", bytes(64)]
    yield {"name": "no tag", "refused": "not_cose", "signed": cbor(whole).hex()}
    yield {"name": "tag of COSE_Sign", "refused": "not_cose", "signed": cbor(cbor2.CBORTag(98, whole)).hex()}
    yield {"name": "tag twice", "refused": "not_cose", "signed": "d2" + sign1(whole)}


def sign1(parts: object) -> str:
    return cbor(cbor2.CBORTag(18, parts)).hex()


# --- sealed messages ---

# RFC 9180 appendix A.2.1, first message: secret of the recipient, info, key share, text, associated data, ciphertext.
RFC9180 = (
    "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
    "4f6465206f6e2061204772656369616e2055726e",
    "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
    "4265617574792069732074727574682c20747275746820626561757479",
    "436f756e742d30",
    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
)


def sealed_cases(messages: list[Case]) -> Iterator[Case]:
    """Envelopes sealed by pyhpke, once it has opened the RFC's own message."""
    private, info, share, text, data, ciphertext = map(bytes.fromhex, RFC9180)
    rfc_key = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(private))
    if SUITE.create_recipient_context(share, rfc_key, info=info).open(ciphertext, aad=data) != text:
        raise SystemExit("pyhpke does not open the message of RFC 9180")
    for agent, name in ((SELLER, "Envelope"), (BUYER, "Envelope with a receipt")):
        plaintext = next(bytes.fromhex(str(case["signed"])) for case in messages if case["name"] == name)
        public = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(agent.seal_secret).public_key())
        pair = SUITE.kem.derive_key_pair(secret("key share " + name))
        share, sender = SUITE.create_sender_context(public, info=b"volthood/1/inbox", eks=pair)
        case = {"name": name, "private": agent.seal_secret.hex(), "public": agent.seal.hex(), "opened": plaintext.hex()}
        yield {**case, "sealed": (share + sender.seal(plaintext)).hex()}


def main() -> int:
    """Writes the files, or says that one would change."""
    messages = [*meter_examples(), *verb_examples(), *update_examples(), *board_examples(), *deal_examples()]
    made = {"messages": messages, "cose": cose_cases(), "sealed": sealed_cases(messages)}
    changed = 0
    for name, cases in made.items():
        path, text = HERE / f"{name}.jsonl", "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
        if sys.argv[1:] == ["--check"]:
            changed += path.read_text("utf-8") != text
        else:
            path.write_text(text, encoding="utf-8")
    return int(changed > 0)


if __name__ == "__main__":
    sys.exit(main())
