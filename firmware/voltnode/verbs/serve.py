"""Serves one verb: checks it, calls what is behind it, answers in parts. Loaded when a verb comes."""

from volthood.wire.cbor_writer import WireError
from volthood.wire.limits import MAX_ANSWER_BODY_BYTES, MAX_ANSWER_PARTS, MAX_NAME_CHARS, MAX_VERB_BYTES
from volthood.wire.maced import seal, unseal
from volthood.wire.rows import (
    ANSWER,
    ANSWER_KIND,
    FAILED,
    FRESH_MS,
    REPLAYED,
    STALE,
    UNKNOWN,
    VERB,
    VERB_KIND,
    read,
    write,
)
from voltnode.config import ConfigError
from voltnode.verbs import HANDLERS, Call, VerbError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.config import Enrolment
    from voltnode.verbs import Verbs

THEN_MS = 300
"""What is done after an answer waits for it to leave the board."""


async def serve(verbs: "Verbs", enrolment: "Enrolment", data: bytes) -> None:
    """Serves a verb as it arrived. Whatever its handler did not expect is raised once the asker knows that it failed."""
    node = verbs.node
    try:
        payload = unseal(VERB_KIND, MAX_VERB_BYTES, enrolment.link_key, node.signer.kid, data)
        request, challenge, name, argument = read(VERB, payload, MAX_VERB_BYTES)
    except WireError as error:
        verbs.refuse(error.reason)
        return
    if request == verbs.last_request:
        verbs.refuse(REPLAYED)
        return
    answering = _Answering(verbs, enrolment, request)
    age_ms = node.board.now_ms() - verbs.challenge_ms
    if challenge != verbs.challenge or age_ms > FRESH_MS:
        if not verbs.challenge or age_ms > FRESH_MS // 2:
            verbs.renew()
        verbs.refuse(STALE)
        await answering.end(STALE)
        return
    verbs.last_request = request
    call = Call(node, argument)
    try:
        await _call(verbs, name, call, answering)
    finally:
        if not answering.over:
            verbs.renew()
            await answering.end(FAILED, b"see the node's log")
    if call.then is not None:
        await node.board.sleep_ms(THEN_MS)
        call.then()


async def _call(verbs: "Verbs", name: str, call: Call, answering: "_Answering") -> None:
    verbs.node.log("verb", name=name)
    try:
        result: Any = _handler(verbs, name)(call)
        if hasattr(result, "send"):
            result = await result
        for piece in (result,) if isinstance(result, (bytes, str)) else result:
            await answering.add(piece.encode() if isinstance(piece, str) else piece)
        verbs.renew()
        await answering.end()
    except (VerbError, ConfigError, WireError) as error:
        verbs.refuse(error.reason)
        verbs.renew()
        await answering.end(error.reason[:MAX_NAME_CHARS], error.detail.encode()[:MAX_ANSWER_BODY_BYTES])


def _handler(verbs: "Verbs", name: str) -> "Any":
    """The function behind a verb. Raises VerbError."""
    if name not in HANDLERS:
        raise VerbError(UNKNOWN, " ".join(sorted(HANDLERS)))
    return verbs.load(*HANDLERS[name])


class _Answering:
    """One answer on its way."""

    def __init__(self, verbs: "Verbs", enrolment: "Enrolment", request: bytes) -> None:
        self._verbs = verbs
        self._key = enrolment.link_key
        self._request = request
        self._part = 0
        self._body = b""
        self.over = False

    async def add(self, piece: bytes) -> None:
        """Adds to the body. Raises VerbError (`answer_too_long`)."""
        self._body += piece
        while len(self._body) > MAX_ANSWER_BODY_BYTES:
            if self._part + 1 >= MAX_ANSWER_PARTS:
                raise VerbError("answer_too_long")
            body, self._body = self._body[:MAX_ANSWER_BODY_BYTES], self._body[MAX_ANSWER_BODY_BYTES:]
            await self._say(body)
            self._part += 1

    async def end(self, refused: "str | None" = None, detail: bytes = b"") -> None:
        """Sends the last part, with the challenge for the next verb."""
        self.over = True
        await self._say(detail if refused else self._body, refused, self._verbs.challenge)

    async def _say(self, body: bytes, refused: "str | None" = None, challenge: "bytes | None" = None) -> None:
        node = self._verbs.node
        answer = write(ANSWER, self._request, self._part, body, refused, challenge)
        data = seal(ANSWER_KIND, answer, self._key, node.signer.kid)
        if not await node.link.say("did/" + self._request.hex(), data):
            self._verbs.refuse("link_lost")
