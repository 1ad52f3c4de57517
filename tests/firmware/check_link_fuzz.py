"""Whatever a broker or a cable brings: packets, verbs, receipts and certificates of every broken kind are refused by name.

    check_link_fuzz.py CASES

The same generator draws the same corpus on both interpreters; the digest over all verdicts is printed, to be compared.
"""

import hashlib
import sys

from volthood.wire.cbor import WireError
from volthood.wire.maced import pack_maced, unpack_maced
from volthood.wire.node import open_receipt
from volthood.wire.record import Receipt
from volthood.wire.verb import Answer, Verb
from voltnode import mqtt
from voltnode.config import ConfigError
from voltnode.hal import TlsError
from voltnode.link_faults import explain
from voltnode.x509 import Certificate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY, KID = bytes(range(32)), b"nodename"
CERTIFICATE = bytes.fromhex(
    "308201aa30820151a0030201020214598e328eada1d497a874876ced5f15e257fce764300a06082a8648ce3d040302301731153013060355"
    "04030c0c486f757365686f6c642043413020170d3236313132333230353632335a180f32303531313131383230353632335a301b31193017"
    "06035504030c10303031313232333334343535363637373059301306072a8648ce3d020106082a8648ce3d030107034200048e533b6fa0bf"
    "7b4625bb30667c01fb607ef9f8b8a80fef5b300628703187b2a373eb1dbde03318366d069f83a6f5900053c73633cb041b21c55e1a86c1f4"
    "00b4a3753073301d0603551d0e04160414ccd2b3eaf5908869b0a1eac83d6d895986319bcd301f0603551d23041830168014fce66374e043"
    "94bcc824911d189cd61873e372d8300c0603551d130101ff04023000300e0603551d0f0101ff04040302078030130603551d25040c300a06"
    "082b06010505070302300a06082a8648ce3d040302034700304402202b31bb98d3bbb86ceb597cd717077a3a38c8b22280c913736cda7df1"
    "4e3a12fd02201e1597ae13dd577379fab2da62f82bd1f46ca263f10bf85bbf6e47a8889b380b"
)
"""As a household's CA made it; whole ones are judged against `cryptography`."""


class Chance:
    """Numbers that both interpreters draw alike (Park and Miller's generator, in 31 bits)."""

    def __init__(self) -> None:
        self._state = 20_261_124

    def below(self, limit: int) -> int:
        self._state = self._state * 48_271 % 2_147_483_647
        return self._state % limit


def broken(chance: Chance, data: bytes) -> bytes:
    """`data` with something wrong: flipped, cut, doubled, or with bytes put in."""
    out = bytearray(data)
    for _ in range(1 + chance.below(3)):
        at, how = chance.below(len(out) or 1), chance.below(5)
        if how == 0 and out:
            out[at] ^= 1 << chance.below(8)
        elif how == 1 and out:
            out[at] = (0, 255, 128, 127)[chance.below(4)]
        elif how == 2:
            out = out[:at]
        elif how == 3:
            out = out[:at] + bytes([chance.below(256) for _ in range(chance.below(9))]) + out[at:]
        else:
            out = out + out[at:]
    return bytes(out[:4096])


def seeds() -> "list[tuple[str, bytes, Callable[[bytes], object]]]":
    """What is broken, and who has to take it."""
    receipt = pack_maced(Receipt(rseq=21), KEY, KID)
    verb = pack_maced(Verb(request=bytes(8), challenge=bytes(8), name="console", argument=b"status"), KEY, KID)
    answer = pack_maced(Answer(request=bytes(8), body=b"{}" * 40, next_challenge=bytes(8)), KEY, KID)
    stream = mqtt.publish("vh/1/home/house01/node/0011223344556677/receipt", receipt, 7)
    stream += b"\x20\x02\x00\x00" + b"\x90\x03\x00\x01\x01" + mqtt.puback(9) + b"\xd0\x00"
    return [
        ("packets", stream, packets),
        ("receipt", receipt, lambda data: open_receipt(KEY, KID, data)),
        ("verb", verb, lambda data: unpack_maced(Verb, KEY, KID, data).name),
        ("answer", answer, lambda data: unpack_maced(Answer, KEY, KID, data).body),
        ("certificate", CERTIFICATE, lambda data: Certificate(data).subject),
        ("words", b"alert -30592 has expired not match (104)", words),
    ]


def packets(data: bytes) -> object:
    """Kinds and ids of what a receiver makes of it, in two pieces."""
    receiver = mqtt.Receiver()
    half = len(data) // 2
    return [(packet.kind, packet.packet_id) for part in (data[:half], data[half:]) for packet in receiver.feed(part)]


def words(data: bytes) -> object:
    """What is made of a library's words."""
    text = "".join([chr(byte & 127) for byte in data])
    return explain(TlsError(text), "pi.local", True, False)[0] + explain(OSError(text), "pi.local", False, True)[0]


def verdicts(cases: int) -> "Iterator[str]":
    """What became of each case."""
    chance = Chance()
    for name, seed, take in seeds():
        for _ in range(cases):
            data = broken(chance, seed)
            try:
                yield "%s %s" % (name, take(data))
            except (WireError, ConfigError) as error:
                yield "%s refused %s" % (name, error.reason)
            except mqtt.MqttError as error:
                yield "%s refused %s" % (name, error)


def main() -> None:
    """Prints how many cases were judged, how many refused, and the digest."""
    digest, judged, refused = hashlib.sha256(), 0, 0
    for verdict in verdicts(int(sys.argv[1])):
        digest.update(verdict.encode())
        judged += 1
        refused += " refused " in verdict
    print("%d cases, %d refused, %s" % (judged, refused, digest.digest().hex()[:32]))


if __name__ == "__main__":
    main()
