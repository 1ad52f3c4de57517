"""Signatures and verifications on the board, from compiled files in a small heap."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from volthood_tools.bench.figures import Figure, median
from volthood_tools.bench.node_board import run
from volthood_tools.release.build import compile_tree

# Printing as it goes keeps the measurements out of the small heap.
_SIGNATURE = """
import hashlib, os, time
from voltnode.sign.p256 import sign
digest = hashlib.sha256(b"sample").digest()
for _ in range({samples}):
    extra, mask = os.urandom(32), os.urandom(64)
    began = time.ticks_us()
    sign({private}, digest, extra, mask)
    print(time.ticks_diff(time.ticks_us(), began))
"""
_VERIFICATION = """
import hashlib, time
from voltnode.sign.p256 import sign
from voltnode.sign.public import public_key
from voltnode.sign.verify import verify
for i in range({samples}):
    digest = hashlib.sha256(b"%d" % i).digest()
    xy, signature = public_key({private}, bytes(64)), sign({private}, digest, b"", bytes(64))
    began = time.ticks_us()
    good = verify(xy, digest, signature)
    print(time.ticks_diff(time.ticks_us(), began) if good else "refused")
"""
_TABLE = (
    ("signature", _SIGNATURE, "32k"),
    ("verification", _VERIFICATION, "32k"),
    ("verification_node_heap", _VERIFICATION, "192k"),
)


def measure(quick: bool, seed: int) -> Iterator[Figure]:
    """Yields milliseconds at the median. Only the signature's own modules are joined: a small heap has no room for more."""
    with tempfile.TemporaryDirectory(prefix="volthood-bench-") as folder:
        compile_tree(Path(folder), for_unix=True, always=("voltnode.sign.p256",))
        for name, script, heap in _TABLE:
            text = script.format(samples=50 if quick else 500, private=seed + 1)
            yield median(name, "ms", seed, [int(line) / 1000 for line in run(text, heap, folder)])
