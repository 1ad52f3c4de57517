"""How fast the wire formats are read and written, without signatures. No marks: these say where time goes elsewhere."""

import random
import time
from collections.abc import Callable, Iterator

from volthood.wire import cose
from volthood.wire.cbor import decode, encode
from volthood.wire.record import Record, unpack_record
from volthood_tools.bench.figures import Figure, median


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields messages per second on one core."""
    rounds, messages = (3, 200) if quick else (7, 2000)
    records = some_records(seed, messages)
    payloads = [record.to_cbor() for record in records]
    header = cose.protected_header(cose.ES256, bytes(8))
    signed = [cose.pack_sign1(header, payload, bytes(64)) for payload in payloads]
    values = [decode(payload) for payload in payloads]
    tasks: list[tuple[str, Callable[[], object]]] = [
        ("cbor_decode_rate", lambda: [decode(payload) for payload in payloads]),
        ("cbor_encode_rate", lambda: [encode(value) for value in values]),
        ("record_pack_rate", lambda: [record.to_cbor() for record in records]),
        ("record_unpack_rate", lambda: [unpack_record(data) for data in signed]),
    ]
    for name, task in tasks:
        yield median(name, "1/s", seed, [messages / elapsed_s(task) for _ in range(rounds)])
    sizes = [len(data) for data in signed]
    yield Figure("slot_record_bytes", max(sizes), "B", len(sizes), seed, tuple(sizes))


def some_records(seed: int, count: int) -> list[Record]:
    """Slot records as a three-phase household meter gives them."""
    draw = random.Random(seed)
    return [
        Record(
            meter=draw.randbytes(8),
            index=0,
            rseq=draw.randrange(1, 10**7),
            boot=draw.randrange(1, 100),
            time_s=draw.randrange(1_700_000_000, 1_900_000_000),
            import_wh=draw.randrange(10**8),
            export_wh=draw.randrange(10**8),
            power_w=draw.randrange(-10_000, 15_000),
            prev=draw.randbytes(16),
            prev_slot=draw.randbytes(16),
        )
        for _ in range(count)
    ]


def elapsed_s(task: Callable[[], object]) -> float:
    """How long one run takes."""
    started_s = time.perf_counter()
    task()
    return time.perf_counter() - started_s
