"""Modbus RTU frames, without I/O: a request into a buffer, and an answer out of whatever comes in.

(MODBUS over Serial Line V1.02; application protocol V1.1b3.) An answer names neither the register nor the request it
belongs to. So one is believed only when unit, function, byte count and CRC all fit what was asked last, and when it
comes in time; the last is the master's part. Rules for everything else on the line:

- What stands before the frame is skipped: noise when the transceiver turns round, an echo, a late or foreign frame.
- A frame that does not fit is not the end: the right one may follow, until time is up. Only then it has a name.
- Nothing here raises or allocates: requests, checks and CRC run with the heap locked.
"""

from array import array

READ_HOLDING, READ_INPUT = 3, 4
REQUEST_BYTES = 8
MAX_FRAME_BYTES = 256
MAX_REGISTERS = 125
ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3
"""The exception codes of a meter that has no such register, or gives fewer at once."""

WAITING, OK, EXCEPTION, SILENCE, SHORT, CRC, FOREIGN, GARBAGE = range(8)
"""Verdicts. The first says that more may come; the last five are what remains when time is up. Compared by order, since
a set of two is an allocation on the board."""

NAMES = ("waiting", "ok", "exception", "timeout", "short", "crc", "foreign", "garbage")

_ROOM = 2 * MAX_FRAME_BYTES


def _table() -> "array[int]":
    table = array("H", [0] * 256)
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
        table[i] = crc
    return table


_TABLE = _table()


def crc16(buf: "bytes | bytearray", start: int, end: int) -> int:
    """CRC-16/MODBUS of buf[start:end]; 0 where the last two bytes are the right CRC, low byte first."""
    crc, table = 0xFFFF, _TABLE
    for i in range(start, end):
        crc = crc >> 8 ^ table[(crc ^ buf[i]) & 0xFF]
    return crc


def put_request(buf: bytearray, unit: int, function: int, address: int, count: int) -> None:
    """The request for `count` registers from `address` on, into the first `REQUEST_BYTES` of `buf`."""
    buf[0], buf[1] = unit, function
    buf[2], buf[3] = address >> 8, address & 0xFF
    buf[4], buf[5] = count >> 8, count & 0xFF
    crc = crc16(buf, 0, 6)
    buf[6], buf[7] = crc & 0xFF, crc >> 8


class Answer:
    """What came since the last request. One object serves all requests.

    Attributes:
        start, end: where the registers stand in `buffer`, once the verdict is `OK`.
        code: the exception code, once it is `EXCEPTION`.
    """

    def __init__(self) -> None:
        self.buffer = bytearray(_ROOM)
        self.start = self.end = self.code = 0
        self._filled = self._next = self._unit = self._function = self._data_bytes = 0
        self._bad_crc = False

    def expect(self, unit: int, function: int, count: int) -> None:
        """Forgets everything and waits for `count` registers."""
        self._unit, self._function, self._data_bytes = unit, function, 2 * count
        self.start = self.end = self.code = self._filled = self._next = 0
        self._bad_crc = False

    def take(self, chunk: "bytes | bytearray", count: int) -> int:
        """Adds the first `count` bytes of `chunk`. The verdict so far: `WAITING`, `OK` or `EXCEPTION`.

        What no longer fits is dropped: nobody sends so much but noise.
        """
        filled, buffer = self._filled, self.buffer
        for i in range(min(count, _ROOM - filled)):
            buffer[filled + i] = chunk[i]
        self._filled = filled + min(count, _ROOM - filled)
        while self._next < self._filled:
            verdict = self._at(self._next)
            if verdict <= EXCEPTION:
                return verdict
            if verdict == SHORT and self._filled < _ROOM:
                return WAITING
            self._next += 1
        return WAITING

    def close(self) -> int:
        """The verdict when time is up: never `WAITING`."""
        seen = SILENCE if self._filled == 0 else GARBAGE
        for i in range(self._next, self._filled):
            verdict = self._at(i)
            if verdict <= EXCEPTION:
                self._next = i
                return verdict
            if verdict == SHORT and self._filled - i >= 3:
                seen = SHORT
        if self._bad_crc:
            return CRC
        return FOREIGN if self.foreign() else seen

    def skipped(self) -> int:
        """Bytes before the frame that was found, or all of them."""
        return self._next

    def came(self) -> bytes:
        """Everything that came, for the technician."""
        return bytes(memoryview(self.buffer)[: self._filled])

    def echo(self, request: bytearray) -> bool:
        """Whether it began with the request itself."""
        if self._filled < REQUEST_BYTES:
            return False
        at = 0
        while at < REQUEST_BYTES and self.buffer[at] == request[at]:
            at += 1
        return at == REQUEST_BYTES

    def foreign(self) -> bool:
        """Whether a sound frame that does not fit stands before the one that was found, or anywhere."""
        end = self._next if self.end or self.code else self._filled
        for i in range(end - 4):
            length = self._sound_length(i)
            if 0 < length <= end - i and crc16(self.buffer, i, i + length) == 0:
                return True
        return False

    def _at(self, i: int) -> int:
        """What stands at i: `OK`, `EXCEPTION`, `SHORT` for the beginning of either, else `GARBAGE`."""
        buffer, left = self.buffer, self._filled - i
        if buffer[i] != self._unit:
            return GARBAGE
        if left < 3:
            fits = left == 1 or buffer[i + 1] & 0x7F == self._function
            return SHORT if fits else GARBAGE
        if buffer[i + 1] == self._function | 0x80:
            return self._checked(i, left, 5, EXCEPTION)
        if buffer[i + 1] == self._function and buffer[i + 2] == self._data_bytes:
            return self._checked(i, left, self._data_bytes + 5, OK)
        return GARBAGE

    def _checked(self, i: int, left: int, length: int, verdict: int) -> int:
        """`verdict` where a whole frame with the right CRC stands at i, and notes what it holds."""
        if left < length:
            return SHORT
        if crc16(self.buffer, i, i + length):
            self._bad_crc = True
            return GARBAGE
        if verdict == OK:
            self.start, self.end = i + 3, i + length - 2
        else:
            self.code = self.buffer[i + 2]
        return verdict

    def _sound_length(self, i: int) -> int:
        """The length of the answer to a read that may begin at i; 0 where none does."""
        function = self.buffer[i + 1]
        if function & 0x80:
            return 5
        data_bytes = self.buffer[i + 2]
        return data_bytes + 5 if READ_HOLDING <= function <= READ_INPUT and data_bytes else 0
