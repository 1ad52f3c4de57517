"""Wi-Fi: a machine without a radio, and the task that moves the radio by it. A board without one is always up."""

from voltnode.backoff import CHANCE_BYTES, wait_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from voltnode.clock import Clock
    from voltnode.hal import Board
    from voltnode.link import Link

FIRST_WAIT_MS = 1000
LONGEST_WAIT_MS = 60_000
JOIN_LIMIT_MS = 20_000
_LOOK_MS = 250

OFF, JOINING, UP, WAITING = "off", "joining", "up", "waiting"
NAMED, JOINED, FAILED, LOST, DUE = "named", "joined", "failed", "lost", "due"
TRANSITIONS = {
    (OFF, NAMED): JOINING,  # join
    (JOINING, NAMED): JOINING,  # leave, join
    (UP, NAMED): JOINING,  # leave, join
    (WAITING, NAMED): JOINING,  # join
    (JOINING, JOINED): UP,  # ask for the time, go to the broker
    (JOINING, FAILED): WAITING,  # leave, say why; wait 1 s to 60 s
    (UP, LOST): WAITING,  # leave, end the connection to the broker; wait 1 s
    (WAITING, DUE): JOINING,  # join
}
"""(state, what happens) -> next state; behind it what is done, for the page."""


class Wifi:
    """The household's network.

    Args:
        board: gives transport time, chance and the radio.
        log: notes events.

    Attributes:
        state: of the machine.
        error: why it is not up, empty while it is.
    """

    def __init__(self, board: "Board", log: "Callable[..., None]") -> None:
        self._board = board
        self._log = log
        self._failures = 0
        self._since_ms = self._due_ms = 0
        self.state = OFF
        self.error = "" if board.radio is None else "no network is set: wifi set"

    def is_up(self) -> bool:
        """Whether the network can be reached."""
        return self.state == UP or self._board.radio is None

    def use(self, ssid: str, password: str) -> None:
        """Joins this network from now on; none for an empty name."""
        radio = self._board.radio
        if radio is None or not ssid:
            return
        self._ssid, self._password = ssid, password
        self._failures = 0
        if self.state in (JOINING, UP):
            radio.leave()
        self._step(NAMED)
        self._join()

    def look(self) -> None:
        """Takes note of what the radio says, and does what follows from it."""
        radio = self._board.radio
        if radio is None:
            return
        now_ms = self._board.now_ms()
        if self.state == WAITING:
            if now_ms >= self._due_ms:
                self._step(DUE)
                self._join()
            return
        status = radio.status()
        if self.state == JOINING:
            if status == UP:
                self._step(JOINED)
                self._failures, self.error = 0, ""
                self._log("wifi_up", ssid=self._ssid)
            elif status != JOINING:
                self._wait(FAILED, status)
            elif now_ms - self._since_ms > JOIN_LIMIT_MS:
                self._wait(FAILED, "no answer")
        elif self.state == UP and status != UP:
            self._wait(LOST, "lost")

    def _join(self) -> None:
        self._since_ms = self._board.now_ms()
        if self._board.radio is not None:
            self._board.radio.join(self._ssid, self._password)

    def _wait(self, trigger: str, why: str) -> None:
        self._step(trigger)
        if self._board.radio is not None:
            self._board.radio.leave()
        if why != self.error:
            self._log("wifi_down", ssid=self._ssid, why=why)
        self.error = why
        chance = self._board.random(CHANCE_BYTES)
        self._due_ms = self._board.now_ms() + wait_ms(self._failures, FIRST_WAIT_MS, LONGEST_WAIT_MS, chance)
        self._failures += 1

    def _step(self, trigger: str) -> None:
        self.state = TRANSITIONS[self.state, trigger]

    async def run(self, clock: "Clock", link: "Link") -> None:
        """The task. Who has no time yet asks as soon as there is a network; a connection is not kept without one."""
        while True:
            before = self.state
            self.look()
            if self.state == UP != before:
                clock.hurry()
            elif before == UP != self.state:
                link.leave("Wi-Fi lost")
            await self._board.sleep_ms(_LOOK_MS)
