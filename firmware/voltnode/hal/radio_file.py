"""A radio whose surroundings stand in a JSON file, for tests and demonstrations: see `voltnode.hal.Radio`.

    {"networks": [{"ssid": "home", "password": "secret", "rssi_dbm": -60, "channel": 6}]}

The file is read anew at each look. A network that leaves it is lost; one that says `"silent": true` never answers.
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FileRadio:
    """The radio; `path` is the file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._joined: tuple[str, str] | None = None
        self._looks = 0

    def join(self, ssid: str, password: str) -> None:
        """See `Radio`."""
        self._joined, self._looks = (ssid, password), 0

    def leave(self) -> None:
        """See `Radio`."""
        self._joined = None

    def status(self) -> str:
        """See `Radio`. The first look after joining still says `joining`."""
        if self._joined is None:
            return "not joined"
        ssid, password = self._joined
        self._looks += 1
        for network in self._networks():
            if network.get("ssid") == ssid:
                if self._looks == 1 or network.get("silent"):
                    return "joining"
                return "up" if network.get("password", "") == password else "wrong password"
        return "no such network in reach"

    async def scan(self) -> "list[dict[str, object]]":
        """See `Radio`."""
        rows = []
        for network in self._networks():
            row = {"ssid": network.get("ssid"), "rssi_dbm": network.get("rssi_dbm"), "channel": network.get("channel")}
            row["open"] = not network.get("password")
            rows.append(row)
        return rows

    def _networks(self) -> "list[dict[str, Any]]":
        try:
            with open(self._path) as file:
                found: list[dict[str, Any]] = json.load(file)["networks"]
        except (OSError, ValueError, KeyError):
            return []
        return found
