"""Asks a node something over the broker, as a machine without I/O; `volthood.wire.verb` has the rules.

`begin` and `again` give bytes for `do/<verb>`; what comes under `did/<request>` goes into `take` until it gives an answer.
"""

from dataclasses import dataclass

from volthood.errors import DeviceError
from volthood.wire.cbor import WireError
from volthood.wire.maced import pack_maced, unpack_maced
from volthood.wire.verb import NO_CHALLENGE, STALE, Answer, Verb


@dataclass(frozen=True)
class Answered:
    """What came of a verb. `again`: it was not done, because its challenge was stale; there is a fresh one now."""

    body: bytes
    again: bool = False


class Asker:
    """One conversation with the node `kid` under a link key: one verb at a time."""

    def __init__(self, link_key: bytes, kid: bytes) -> None:
        self._key = link_key
        self._kid = kid
        self._challenge = NO_CHALLENGE
        self._request = b""
        self._parts: list[bytes] = []

    def begin(self, request: bytes, name: str, argument: bytes) -> bytes:
        """The verb as sent; `request` is 8 random bytes. Raises `WireError` for what no verb can be."""
        self._request, self._parts = request, []
        verb = Verb(request=request, challenge=self._challenge, name=name, argument=argument)
        return pack_maced(verb, self._key, self._kid)

    def take(self, data: bytes) -> Answered | None:
        """The answer once its last part is here; None before, and for what is no answer of this node to this verb.

        Raises:
            DeviceError: the node refuses, or a part was lost.
        """
        try:
            answer = unpack_maced(Answer, self._key, self._kid, data)
        except WireError:
            return None
        if answer.request != self._request or answer.part < len(self._parts):
            return None
        if answer.part > len(self._parts):
            raise DeviceError(f"part {len(self._parts)} of the node's answer is missing", retry=True)
        self._parts.append(answer.body)
        if answer.next_challenge is None:
            return None
        self._challenge = answer.next_challenge
        if answer.refused == STALE:
            return Answered(b"", again=True)
        if answer.refused is not None:
            detail = answer.body.decode("utf-8", "replace")
            raise DeviceError(answer.refused + (f" ({detail})" if detail else ""), retry=False)
        return Answered(b"".join(self._parts))
