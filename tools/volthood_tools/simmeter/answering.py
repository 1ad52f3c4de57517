"""A Modbus server without I/O: request bytes in, answer bytes out. The only module that knows pymodbus.

pymodbus's own servers open a port by name and serve one; here one process serves many ptys from the side that has no name,
and answers are spoiled on purpose. So its framers and messages are used, and the bytes are moved by `ports`.
"""

import logging
from collections.abc import Callable, Mapping

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from volthood_tools.simmeter.faults import Emission, FaultPlan, Strike
from volthood_tools.simmeter.registers import ILLEGAL_FUNCTION, ILLEGAL_VALUE, ReadRefusedError

# It warns of every frame that is not for it; on a shared line most are not.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Read = Callable[[int, int, int, Strike], list[int]]
"""read(function, address, count, strike) -> words. Raises: `ReadRefusedError`."""

_RESPONSES = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}


class Answering:
    """The meters on one line, by their addresses.

    Args:
        plan: what goes wrong; nothing without one.
        now_ms: calendar time, for the plan.
        tcp: Modbus TCP instead of RTU. There the addresses 0 and 255 mean the only meter.
    """

    def __init__(
        self,
        meters: Mapping[int, Read],
        plan: FaultPlan | None = None,
        now_ms: Callable[[], int] = lambda: 0,
        tcp: bool = False,
    ) -> None:
        self._meters = meters
        self._plan = plan or FaultPlan()
        self._now_ms = now_ms
        self._tcp = tcp
        self._decoder = DecodePDU(True)
        self._framer = FramerSocket(self._decoder) if tcp else FramerRTU(self._decoder)
        self._pending = b""
        self._line: object = self

    def feed(self, data: bytes) -> list[Emission]:
        """What comes of the requests that these bytes complete; nothing for none, as for another's address."""
        self._pending += data
        found: list[Emission] = []
        used = 1
        while used and self._pending:
            used, unit, transaction, request = self._framer.decode(self._pending)
            asked, self._pending = self._pending[:used], self._pending[used:]
            found += self._answer(unit, transaction, request, asked)
        return found

    def _answer(self, unit: int, transaction: int, request: bytes, asked: bytes) -> list[Emission]:
        """What comes of one request."""
        meter = self._meter(unit)
        if not request or meter is None:
            return []
        strike = self._plan.strike(self._line, unit, self._now_ms())
        response = self._response(meter, request, strike)
        # Not `buildFrame`: the name of a message's unit changed between releases.
        said = strike.answer(unit, bytes([response.function_code]) + response.encode())
        if said is None:
            return []
        return strike.emissions(asked, self._framer.encode(said[1], said[0], transaction), serial=not self._tcp)

    def anew(self) -> "Answering":
        """The same meters for another client: what has begun is each client's own, the count of requests is shared."""
        other = Answering(self._meters, self._plan, self._now_ms, self._tcp)
        other._line = self._line
        return other

    def quiet(self) -> None:
        """The line was quiet: what had begun is no frame."""
        self._pending = b""

    def _meter(self, unit: int) -> Read | None:
        if self._tcp and unit in (0, 255) and len(self._meters) == 1:
            return next(iter(self._meters.values()))
        return self._meters.get(unit)

    def _response(self, read: Read, request: bytes, strike: Strike) -> ModbusPDU:
        function = request[0]
        if function not in _RESPONSES:
            return ExceptionResponse(function, ILLEGAL_FUNCTION)
        message = self._decoder.decode(request)
        if message is None:
            return ExceptionResponse(function, ILLEGAL_VALUE)
        try:
            return _RESPONSES[function](registers=read(function, message.address, message.count, strike))
        except ReadRefusedError as refusal:
            return ExceptionResponse(function, refusal.code)
