"""Reads one answer on MicroPython while nothing may be allocated: request, receiving, CRC, decoding.

    board_locked.run(registers)

Prints how many registers were read so; where something allocates there is an error instead. Nothing here is loaded by the node.
"""

import struct

from micropython import heap_lock, heap_unlock  # type: ignore[import-not-found]

from voltnode.bus.frames import Answer, crc16, put_request
from voltnode.meters.decode import float32_scaled, raw

UNIT, FUNCTION = 1, 4


def run(registers: int) -> None:
    """Reads; prints what the module says."""
    frame = (
        bytearray((UNIT, FUNCTION, 2 * registers))
        + bytearray(struct.pack(">f", 230.5) * (registers // 2))
        + bytearray(2)
    )
    crc = crc16(frame, 0, len(frame) - 2)
    frame[-2], frame[-1] = crc & 0xFF, crc >> 8
    request, answer, read = bytearray(8), Answer(), 0
    heap_lock()
    try:
        put_request(request, UNIT, FUNCTION, 0, registers)
        answer.expect(UNIT, FUNCTION, registers)
        answer.take(frame, len(frame))
        at = answer.start
        while at < answer.end:
            float32_scaled(raw(answer.buffer, at, "float32", False), 1000, 1)  # type: ignore[arg-type]  # as the meter does
            at += 4
            read += 2
    finally:
        heap_unlock()
    print(read)
