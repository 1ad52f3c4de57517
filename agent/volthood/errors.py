"""One tree of errors. Each says who is to blame, and so who can mend it.

`LocalError`: we, our configuration or our disk. `PeerError`: what a neighbour or a broker sent. `DeviceError`: a meter,
node or actuator; its `retry` says whether trying again can help.
"""


class VolthoodError(Exception):
    """The root of every error this project raises on purpose."""


class LocalError(VolthoodError):
    """Something on this machine is wrong: a configuration, a file, a full disk. The text names it and the remedy."""


class PeerError(VolthoodError):
    """A message from outside breaks a rule. `reason` is a short stable name for counters and events."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class DeviceError(VolthoodError):
    """A device did not do what it should. `retry` is True where the same request may succeed later."""

    def __init__(self, text: str, *, retry: bool) -> None:
        super().__init__(text)
        self.retry = retry
