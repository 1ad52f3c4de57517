"""Signatures and verdicts, seals, receipts: the adapter against its ports, and against other hands."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cwt import COSE, COSEKey, VerifyError
from cwt.cose_key_interface import COSEKeyInterface
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from volthood.adapters.crypto import (
    P256_ORDER,
    AgentKeys,
    LinkKey,
    SignatureVerifier,
    verify_ed25519,
    verify_note,
)
from volthood.errors import PeerError
from volthood.ports.crypto import ReceiptMaker, RecordVerifier, Sealer, Signer, Verifier
from volthood.wire import cose
from volthood.wire.cbor import WireError
from volthood.wire.inbox import HPKE_INFO
from volthood.wire.keys import kid, spki_p256
from volthood.wire.maced import unpack_maced
from volthood.wire.market import Order, unpack_eddsa
from volthood.wire.note import pack_note, unpack_note
from volthood.wire.record import Receipt, Record, unpack_record
from volthood.wire.verb import Answer, Verb

KEYS = AgentKeys(b"a" * 32, b"s" * 32, b"w" * 32)
OTHER = AgentKeys(b"b" * 32, b"t" * 32, b"x" * 32)
VERIFIER = SignatureVerifier()
LINK = LinkKey(b"l" * 32)
NODE = bytes(range(8))
SUITE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305)


def test_the_adapter_is_what_the_engine_asks_for() -> None:
    signer: Signer = KEYS
    sealer: Sealer = KEYS
    verifier: Verifier = VERIFIER
    records: RecordVerifier = VERIFIER
    receipts: ReceiptMaker = LINK
    assert [signer, sealer, verifier, records, receipts]


# --- signatures of agents ---

ORDER = Order(hood=bytes(32), slot=900, gate=0, algorithm="mid-market/1", counter=1)


def signed_order(checkpoint: bytes | None = None) -> cose.Signed:
    return unpack_eddsa(KEYS.sign(Order.KIND, ORDER.to_cbor(), checkpoint), Order.MAX_BYTES)


def test_a_signature_verifies() -> None:
    assert VERIFIER.verify_eddsa(KEYS.public.agent, signed_order(), Order.KIND)
    assert VERIFIER.verify_eddsa(KEYS.public.agent, signed_order(b"c" * 32), Order.KIND)
    assert signed_order(b"c" * 32).checkpoint == b"c" * 32


def test_the_same_message_has_the_same_bytes() -> None:
    assert KEYS.sign(Order.KIND, b"payload") == KEYS.sign(Order.KIND, b"payload")


def changed(signed: cose.Signed, **changes: object) -> cose.Signed:
    return cose.Signed(**(vars(signed) | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": b"another"},
        {"protected": cose.protected_header(cose.EDDSA, KEYS.kid, b"d" * 32)},
        {"signature": bytes(64)},
        {"signature": bytes(63)},
        {"alg": cose.ES256},
        {"kid": OTHER.kid},
    ],
)
def test_a_changed_message_does_not_verify(changes: dict[str, object]) -> None:
    assert not VERIFIER.verify_eddsa(KEYS.public.agent, changed(signed_order(), **changes), Order.KIND)


def test_no_bit_of_a_signature_may_change() -> None:
    signed = signed_order()
    for bit in range(512):
        flipped = (int.from_bytes(signed.signature, "big") ^ 1 << bit).to_bytes(64, "big")
        assert not VERIFIER.verify_eddsa(KEYS.public.agent, changed(signed, signature=flipped), Order.KIND)


def test_another_kind_and_another_key_do_not_verify() -> None:
    assert not VERIFIER.verify_eddsa(KEYS.public.agent, signed_order(), "volthood/1/bundle")
    assert not VERIFIER.verify_eddsa(OTHER.public.agent, signed_order(), Order.KIND)
    assert not VERIFIER.verify_eddsa(KEYS.public.witness, signed_order(), Order.KIND)


def test_what_is_no_key_verifies_nothing() -> None:
    for key in (b"", bytes(31), bytes(33), b"\xff" * 32):
        assert not VERIFIER.verify_eddsa(key, signed_order(), Order.KIND)
        assert not verify_ed25519(key, bytes(64), b"message")


P = 2**255 - 19
Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
SMALL = [0, 1, P - 1, Y8, P - Y8, P, P + 1]


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("height", SMALL)
def test_a_key_for_which_anybody_can_sign_verifies_nothing(height: int, sign: int) -> None:
    weak = (height | sign << 255).to_bytes(32, "little")
    for point in SMALL:
        forged = (point | sign << 255).to_bytes(32, "little") + bytes(32)
        assert not any(verify_ed25519(weak, forged, bytes([n])) for n in range(20))


def test_a_signature_with_a_larger_s_does_not_verify() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    signed = signed_order()
    s = int.from_bytes(signed.signature[32:], "little") + order
    larger = signed.signature[:32] + s.to_bytes(32, "little")
    assert not VERIFIER.verify_eddsa(KEYS.public.agent, changed(signed, signature=larger), Order.KIND)


# --- signatures of nodes ---

NODE_KEY = ec.derive_private_key(7, ec.SECP256R1())
NUMBERS = NODE_KEY.public_key().public_numbers()
XY = NUMBERS.x.to_bytes(32, "big") + NUMBERS.y.to_bytes(32, "big")
SPKI = spki_p256(XY)
PROTECTED = cose.protected_header(cose.ES256, kid(SPKI))
ZEROS = dict.fromkeys(("index", "boot", "time_s", "import_wh", "export_wh", "power_w"), 0)
RECORD = Record(meter=bytes(8), rseq=1, prev=bytes(16), **ZEROS)


def record_with(pick_s: Callable[[int], int], kind: str = Record.KIND) -> cose.Signed:
    message = cose.to_be_signed(kind, PROTECTED, RECORD.to_cbor())
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(NODE_KEY.sign(message, algorithm))
    signature = r.to_bytes(32, "big") + pick_s(min(s, P256_ORDER - s)).to_bytes(32, "big")
    return unpack_record(cose.pack_sign1(PROTECTED, RECORD.to_cbor(), signature))[0]


@pytest.mark.parametrize("public", [XY, SPKI], ids=["xy", "spki"])
def test_a_record_verifies(public: bytes) -> None:
    assert VERIFIER.verify_es256(public, record_with(lambda low: low), Record.KIND)


BAD_S: dict[str, Callable[[int], int]] = {
    "the upper half": lambda low: P256_ORDER - low,
    "zero": lambda _: 0,
    "the order": lambda _: P256_ORDER,
    "the largest": lambda _: 2**256 - 1,
    "another": lambda low: low - 1,
}


@pytest.mark.parametrize("name", BAD_S)
def test_a_record_with_another_s_does_not_verify(name: str) -> None:
    assert not VERIFIER.verify_es256(SPKI, record_with(BAD_S[name]), Record.KIND)


def test_r_within_the_order_only() -> None:
    good = record_with(lambda low: low)
    for r in (0, P256_ORDER, 2**256 - 1):
        signature = r.to_bytes(32, "big") + good.signature[32:]
        assert not VERIFIER.verify_es256(SPKI, changed(good, signature=signature), Record.KIND)


def test_a_record_of_another_kind_key_or_header_does_not_verify() -> None:
    good = record_with(lambda low: low)
    other = ec.derive_private_key(8, ec.SECP256R1()).public_key().public_numbers()
    other_xy = other.x.to_bytes(32, "big") + other.y.to_bytes(32, "big")
    assert not VERIFIER.verify_es256(SPKI, good, Order.KIND)
    assert not VERIFIER.verify_es256(other_xy, good, Record.KIND)
    assert not VERIFIER.verify_es256(SPKI, changed(good, kid=kid(spki_p256(other_xy))), Record.KIND)
    assert not VERIFIER.verify_es256(SPKI, changed(good, alg=cose.EDDSA), Record.KIND)
    assert not VERIFIER.verify_es256(SPKI, changed(good, payload=b""), Record.KIND)


def test_what_is_no_p256_key_verifies_nothing() -> None:
    off_curve = XY[:-1] + bytes([XY[-1] ^ 1])
    for key in (
        b"",
        bytes(64),
        b"\xff" * 64,
        off_curve,
        spki_p256(off_curve),
        SPKI[:-1],
        b"\x31" + SPKI[1:],
        SPKI + b"\0",
    ):
        assert not VERIFIER.verify_es256(key, record_with(lambda low: low), Record.KIND)


# --- notes ---


def test_a_note_is_signed_by_its_line() -> None:
    text = "the text\n"
    note = pack_note(text, [KEYS.sign_note("house01", text), OTHER.sign_note("house02", text)])
    read, signatures = unpack_note(note)
    assert read == text
    assert verify_note("house01", KEYS.public.agent, text, signatures)
    assert verify_note("house02", OTHER.public.agent, text, signatures)
    assert not verify_note("house02", KEYS.public.agent, text, signatures)
    assert not verify_note("house03", KEYS.public.agent, text, signatures)
    assert not verify_note("house01", KEYS.public.agent, "another\n", signatures)
    assert not verify_note("house01", KEYS.public.agent, text, [])


def test_one_bad_line_of_a_signer_spoils_the_good_one() -> None:
    text = "the text\n"
    lines = [KEYS.sign_note("house01", text), KEYS.sign_note("house01", "another\n")]
    assert not verify_note("house01", KEYS.public.agent, text, unpack_note(pack_note(text, lines))[1])


def test_the_note_that_go_publishes_verifies(repo_root: Path) -> None:
    with (repo_root / "tests" / "vectors" / "wire" / "notes.jsonl").open(encoding="utf-8") as lines:
        case = json.loads(lines.readline())
    text, signatures = unpack_note(case["note"].encode())
    assert case["name"] == "published by Go"
    assert verify_note("PeterNeumann", bytes.fromhex(case["keys"][0]), text, signatures)


# --- seals ---


def test_what_is_sealed_is_opened_by_its_recipient_alone() -> None:
    sealed = KEYS.seal(OTHER.public.seal, b"the message")
    assert len(sealed) == len(b"the message") + 48
    assert OTHER.unseal(sealed) == b"the message"
    with pytest.raises(PeerError, match="not_sealed_for_us"):
        KEYS.unseal(sealed)


def test_sealed_twice_looks_different() -> None:
    assert KEYS.seal(OTHER.public.seal, b"message") != KEYS.seal(OTHER.public.seal, b"message")


def test_no_byte_of_a_sealed_message_may_change() -> None:
    sealed = KEYS.seal(OTHER.public.seal, b"m")
    for place in range(len(sealed)):
        broken = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(PeerError, match="not_sealed_for_us"):
            OTHER.unseal(broken)
    for end in range(len(sealed)):
        with pytest.raises(PeerError, match="not_sealed_for_us"):
            OTHER.unseal(sealed[:end])


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31)])
def test_nothing_is_sealed_for_what_is_no_key(key: bytes) -> None:
    with pytest.raises(PeerError, match="bad_key"):
        KEYS.seal(key, b"message")


def test_pyhpke_opens_what_we_seal_and_we_open_what_it_seals() -> None:
    private = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(b"s" * 32))
    sealed = OTHER.seal(KEYS.public.seal, b"from us")
    recipient = SUITE.create_recipient_context(sealed[:32], private, info=HPKE_INFO)
    assert recipient.open(sealed[32:]) == b"from us"
    public = X25519PrivateKey.from_private_bytes(b"s" * 32).public_key()
    share, sender = SUITE.create_sender_context(KEMKey.from_pyca_cryptography_key(public), info=HPKE_INFO)
    assert KEYS.unseal(share + sender.seal(b"from pyhpke")) == b"from pyhpke"
    share, sender = SUITE.create_sender_context(KEMKey.from_pyca_cryptography_key(public), info=b"elsewhere")
    with pytest.raises(PeerError, match="not_sealed_for_us"):
        KEYS.unseal(share + sender.seal(b"for another use"))


def test_the_sealed_vectors_open(repo_root: Path) -> None:
    with (repo_root / "tests" / "vectors" / "wire" / "sealed.jsonl").open(encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    assert cases
    for case in cases:
        keys = AgentKeys(b"a" * 32, bytes.fromhex(case["private"]), b"w" * 32)
        assert keys.public.seal.hex() == case["public"]
        assert keys.unseal(bytes.fromhex(case["sealed"])).hex() == case["opened"]


# --- receipts ---


def test_a_receipt_is_for_one_node_under_one_key() -> None:
    receipt = LINK.mac_receipt(NODE, 21)
    assert LINK.verify_receipt(NODE, receipt) == 21
    assert LINK.verify_receipt(bytes(8), receipt) is None
    assert LinkKey(b"m" * 32).verify_receipt(NODE, receipt) is None
    assert LINK.mac_receipt(NODE, 21) == receipt


def test_no_byte_of_a_receipt_may_change() -> None:
    receipt = LINK.mac_receipt(NODE, 21)
    for place in range(len(receipt)):
        broken = receipt[:place] + bytes([receipt[place] ^ 1]) + receipt[place + 1 :]
        try:
            assert LINK.verify_receipt(NODE, broken) is None
        except WireError:
            continue


def test_a_link_key_of_another_length_is_none() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        LinkKey(bytes(31))


# --- the independent COSE library ---


def cwt_key(keys: AgentKeys) -> COSEKeyInterface:
    return COSEKey.new({1: 1, -1: 6, 3: cose.EDDSA, -2: keys.public.agent, 2: keys.kid})


def test_cwt_verifies_what_we_sign() -> None:
    data = KEYS.sign(Order.KIND, ORDER.to_cbor(), b"c" * 32)
    assert COSE.new().decode(data, cwt_key(KEYS), external_aad=Order.KIND.encode()) == ORDER.to_cbor()
    with pytest.raises(VerifyError):
        COSE.new().decode(data, cwt_key(KEYS), external_aad=b"volthood/1/bundle")


def test_cwt_verifies_our_receipts() -> None:
    key = COSEKey.new({1: 4, -1: LINK.secret, 3: cose.HMAC_256, 2: NODE})
    data = LINK.mac_receipt(NODE, 21)
    assert COSE.new().decode(data, key, external_aad=Receipt.KIND.encode()) == Receipt(rseq=21).to_cbor()


def test_we_verify_what_others_signed(repo_root: Path) -> None:
    with (repo_root / "tests" / "vectors" / "wire" / "messages.jsonl").open(encoding="utf-8") as lines:
        cases = [case for case in map(json.loads, lines) if case["signed"]]
    assert len(cases) > 15
    for case in cases:
        data, public = bytes.fromhex(case["signed"]), bytes.fromhex(case["public"])
        if case["message"] == "Receipt":
            assert LinkKey(public).verify_receipt(cose.unpack_mac0(data, 200).kid, data) == case["fields"]["rseq"]
        elif case["message"] in {"Verb", "Answer"}:
            maced = cose.unpack_mac0(data, len(data))
            message = {"Verb": Verb, "Answer": Answer}[case["message"]]
            assert unpack_maced(message, public, maced.kid, data).to_cbor() == maced.payload, case["name"]
        elif case["message"] == "Record":
            assert VERIFIER.verify_es256(public, unpack_record(data)[0], case["kind"]), case["name"]
        elif case["message"] == "Manifest":
            assert VERIFIER.verify_es256(public, cose.unpack_sign1(data, len(data)), case["kind"]), case["name"]
        else:
            assert VERIFIER.verify_eddsa(public, unpack_eddsa(data, len(data)), case["kind"]), case["name"]
