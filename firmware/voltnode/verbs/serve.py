"""Serves one verb: checks it, calls what is behind it, answers in parts. Loaded when a verb comes."""

from volthood.wire.cbor_writer import WireError
from volthood.wire.limits import MAX_ANSWER_BODY_BYTES, MAX_ANSWER_PARTS, MAX_NAME_CHARS
from volthood.wire.maced import pack_maced, unpack_maced
from volthood.wire.verb import FAILED, FRESH_MS, REPLAYED, STALE, UNKNOWN, Answer, Verb
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
        verb = unpack_maced(Verb, enrolment.link_key, node.signer.kid, data)
    except WireError as error:
        verbs.refuse(error.reason)
        return
    if verb.request == verbs.last_request:
        verbs.refuse(REPLAYED)
        return
    answering = _Answering(verbs, enrolment, verb.request)
    age_ms = node.board.now_ms() - verbs.challenge_ms
    if verb.challenge != verbs.challenge or age_ms > FRESH_MS:
        if not verbs.challenge or age_ms > FRESH_MS // 2:
            verbs.renew()
        verbs.refuse(STALE)
        await answering.end(STALE)
        return
    verbs.last_request = verb.request
    call = Call(node, verb.argument)
    try:
        await _call(verbs, verb.name, call, answering)
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
            await self._say(Answer(request=self._request, part=self._part, body=body))
            self._part += 1

    async def end(self, refused: "str | None" = None, detail: bytes = b"") -> None:
        """Sends the last part, with the challenge for the next verb."""
        self.over = True
        body = detail if refused else self._body
        values: dict[str, Any] = {"part": self._part, "body": body, "next_challenge": self._verbs.challenge}
        await self._say(Answer(request=self._request, refused=refused, **values))

    async def _say(self, answer: Answer) -> None:
        node = self._verbs.node
        data = pack_maced(answer, self._key, node.signer.kid)
        if not await node.link.say("did/" + self._request.hex(), data):
            self._verbs.refuse("link_lost")
