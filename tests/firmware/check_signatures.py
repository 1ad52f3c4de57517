"""Records as the node signs them, by its own recorder and key: prints the public key and then each record in hex.

check_signatures.py FOLDER COUNT
"""

import sys
from os import urandom

import flashes  # type: ignore[import-not-found]

from voltnode.sign.signer import SoftwareSigner


def main(folder: str, count: int) -> None:
    """Signs."""
    signer = SoftwareSigner(int.from_bytes(urandom(31), "big") + 1, urandom)
    node = flashes.Node(flashes.Storage([], flashes.QuickFlash(folder), None), signer)
    print(signer.public_spki().hex())
    write = node.ring.write_all

    def tell(records: "list[tuple[int, bytes, bool]]") -> None:
        for _, signed, _ in records:
            print(signed.hex())
        write(records)

    node.ring.write_all = tell
    for minute in range(count):
        node.minute(minute)
        node.hashes.clear()


main(sys.argv[1], int(sys.argv[2]))
