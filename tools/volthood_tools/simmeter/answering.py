"""A Modbus RTU server without I/O: request bytes in, answer bytes out. The only module that knows pymodbus.

pymodbus's own serial server opens a port by name and serves one; here one process serves many ptys from the side that
has no name. So its framer and messages are used, and the bytes are moved by `ports`.
"""

import logging
from collections.abc import Callable, Mapping

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from volthood_tools.simmeter.registers import ILLEGAL_FUNCTION, ILLEGAL_VALUE, ReadRefusedError

# It warns of every frame that is not for it; on a shared line most are not.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Read = Callable[[int, int, int], list[int]]
"""read(function, address, count) -> words. Raises: `ReadRefusedError`."""

_RESPONSES = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}


class Answering:
    """The meters on one line, by their addresses."""

    def __init__(self, meters: Mapping[int, Read]) -> None:
        self._meters = meters
        self._decoder = DecodePDU(True)
        self._framer = FramerRTU(self._decoder)
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """The answer to a request that these bytes complete; empty for none, as for another's address."""
        self._pending += data
        used, unit, _, request = self._framer.decode(self._pending)
        self._pending = self._pending[used:]
        if not request or unit not in self._meters:
            return b""
        response = self._response(self._meters[unit], request)
        # Not `buildFrame`: the name of a message's unit changed between releases.
        return self._framer.encode(bytes([response.function_code]) + response.encode(), unit, 0)

    def quiet(self) -> None:
        """The line was quiet: what had begun is no frame."""
        self._pending = b""

    def _response(self, read: Read, request: bytes) -> ModbusPDU:
        function = request[0]
        if function not in _RESPONSES:
            return ExceptionResponse(function, ILLEGAL_FUNCTION)
        message = self._decoder.decode(request)
        if message is None:
            return ExceptionResponse(function, ILLEGAL_VALUE)
        try:
            return _RESPONSES[function](registers=read(function, message.address, message.count))
        except ReadRefusedError as refusal:
            return ExceptionResponse(function, refusal.code)
