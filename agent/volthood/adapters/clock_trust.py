"""Whether the machine's clock is synchronised, as its kernel says: adjtimex(2), which chrony, ntpd and systemd-timesyncd tell.

No program needs to be asked and no right is needed to read it. The kernel counts up what its clock may be wrong by, 500 ppm
of the time since it heard last, and calls it unsynchronised beyond 16 s; agents need each other within 2 s.
"""

import ctypes
import os

from volthood.ports.clock import ClockState

MOST_WRONG_MS = 2000
"""As much as agents' clocks may differ (`core.hood.Windows.guard_s`)."""
_UNSYNCHRONISED = 0x0040
_ERROR = 5


class _Timex(ctypes.Structure):
    """The head of `struct timex` (linux/timex.h); `rest` is more than what follows."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def state_of(result: int, status: int, max_error_us: int) -> ClockState:
    """What adjtimex's answer says: its result, the status bits, and the greatest error in microseconds."""
    wrong_ms = max_error_us // 1000
    if result == _ERROR or status & _UNSYNCHRONISED:
        return ClockState("the system's clock is not synchronised (no NTP server heard)", wrong_ms)
    if wrong_ms > MOST_WRONG_MS:
        return ClockState(f"the system's clock may be wrong by {wrong_ms} ms (no NTP server heard lately)", wrong_ms)
    return ClockState(None, wrong_ms)


class KernelClock:
    """The kernel's word for its clock: see `ports.clock.ClockTrust`."""

    def state(self) -> ClockState:
        """As of now. Where nothing can be told, as in a container that may not ask, the clock is not trusted."""
        timex = _Timex()
        try:
            ask = ctypes.CDLL(None, use_errno=True).adjtimex
            result = int(ask(ctypes.byref(timex)))
        except (OSError, AttributeError) as error:
            return ClockState(f"this system does not tell whether its clock is synchronised: {error}", 0)
        if result < 0:
            reason = os.strerror(ctypes.get_errno())
            return ClockState(f"this system does not tell whether its clock is synchronised: {reason}", 0)
        return state_of(result, timex.status, timex.maxerror)


class GivenClock:
    """A calendar that is given, as in a demonstration, or that somebody vouches for: always trusted."""

    def state(self) -> ClockState:
        """Trusted, and right."""
        return ClockState(None, 0)
