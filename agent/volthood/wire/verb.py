"""Verbs: what an agent asks of its node over the broker, and the answers. Both are a COSE_Mac0 under the link key.

- A verb answers the node's newest **challenge**, 8 fresh random bytes that serve once and for `FRESH_MS`: what a broker
  held back or recorded is refused. Each answer brings the next challenge, so a row of verbs costs one journey each.
- Who has no challenge asks with `NO_CHALLENGE` and is refused with `challenge_stale` - and with a challenge.
- The request's number is the asker's: random, in the answer's topic and body, so an old answer fits no new question.
- A verb whose MAC is wrong gets no answer at all; the node counts and logs it.
- The name that counts is the one in the body; the topic's only sorts.
"""

from volthood.wire import limits
from volthood.wire.message import Bytes, Field, Int, Message, Text
from volthood.wire.rows import ANSWER_KIND, FAILED, FRESH_MS, REPLAYED, STALE, UNKNOWN, VERB_KIND

__all__ = ("FAILED", "FRESH_MS", "NO_CHALLENGE", "REPLAYED", "STALE", "UNKNOWN", "Answer", "Verb")

CHALLENGE_BYTES = 8
REQUEST_BYTES = 8
NO_CHALLENGE = bytes(CHALLENGE_BYTES)


class Verb(Message):
    """Agent to node: do this."""

    KIND = VERB_KIND
    MAX_BYTES = limits.MAX_VERB_BYTES
    FIELDS = (
        Field(2, "request", Bytes(REQUEST_BYTES), "number of this request, random"),
        Field(3, "challenge", Bytes(CHALLENGE_BYTES), "the node's newest challenge; zeros ask for one"),
        Field(4, "name", Text(limits.MAX_VERB_CHARS), "what is to be done"),
        Field(5, "argument", Bytes(0, limits.MAX_VERB_ARGUMENT_BYTES), "as the verb has it", b""),
    )

    request: bytes
    challenge: bytes
    name: str
    argument: bytes


class Answer(Message):
    """Node to agent: what came of a verb, in one or more parts. `next_challenge` stands in the last."""

    KIND = ANSWER_KIND
    MAX_BYTES = limits.MAX_ANSWER_BYTES
    FIELDS = (
        Field(2, "request", Bytes(REQUEST_BYTES), "the verb's"),
        Field(3, "part", Int(0, limits.MAX_ANSWER_PARTS - 1), "number of this part, from 0", 0),
        Field(4, "body", Bytes(0, limits.MAX_ANSWER_BODY_BYTES), "as the verb has it; of a refusal its detail", b""),
        Field(5, "refused", Text(limits.MAX_NAME_CHARS), "why it was not done", None),
        Field(6, "next_challenge", Bytes(CHALLENGE_BYTES), "for the next verb; only in the last part", None),
    )

    request: bytes
    part: int
    body: bytes
    refused: str | None
    next_challenge: bytes | None
