"""The ESP32's Wi-Fi: see `voltnode.hal.Radio`."""

import asyncio

import network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WORDS = {
    network.STAT_CONNECTING: "joining",
    network.STAT_GOT_IP: "up",
    network.STAT_IDLE: "not joined",
    network.STAT_NO_AP_FOUND: "no such network in reach",
    network.STAT_WRONG_PASSWORD: "wrong password",
    network.STAT_BEACON_TIMEOUT: "out of reach",
    network.STAT_ASSOC_FAIL: "the access point refuses",
    network.STAT_HANDSHAKE_TIMEOUT: "no answer to the password: is it wrong?",
}
_LOOK_MS = 20


class Radio:
    """The station interface; whoever makes it switches it on, which feeds the random generator."""

    def __init__(self) -> None:
        self.wlan: Any = network.WLAN(network.STA_IF)
        self.wlan.active(True)

    def join(self, ssid: str, password: str) -> None:
        """See `Radio`. The driver does not try again by itself: `voltnode.wifi` does."""
        self.wlan.config(reconnects=0)
        self.wlan.connect(ssid, password)

    def leave(self) -> None:
        """See `Radio`."""
        self.wlan.disconnect()

    def status(self) -> str:
        """See `Radio`. `STAT_GOT_IP` comes before the address at times."""
        status = self.wlan.status()
        if status == network.STAT_GOT_IP and not self.wlan.isconnected():
            return "joining"
        return _WORDS.get(status, "status %d" % status)

    async def scan(self) -> "list[dict[str, object]]":
        """See `Radio`. In a thread: a scan takes two seconds, and metering does not wait."""
        import _thread

        found: list[Any] = []

        def look() -> None:
            try:
                found.append(self.wlan.scan())
            except OSError as error:
                found.append(error)

        _thread.start_new_thread(look, ())
        while not found:
            await asyncio.sleep(_LOOK_MS / 1000)
        if isinstance(found[0], OSError):
            raise found[0]
        return [
            {"ssid": str(row[0], "utf-8"), "rssi_dbm": row[3], "channel": row[2], "open": row[4] == 0}
            for row in found[0]
        ]
