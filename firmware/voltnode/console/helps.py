"""Console: what can be asked, in words. Loaded when asked for."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context

HELPS = (
    ("help", "this list; --json behind any command gives one JSON object"),
    ("id", "name, public key and fingerprint of this node"),
    ("status", "uptime, memory, time, broker, meter, queue"),
    ("queue", "records waiting for the agent's receipt"),
    ("meter list", "the meters read here; meter list all: the models there are"),
    ("meter read", "meter read METER: newest reading, register by register"),
    ("meter watch", "meter watch METER SECONDS: a line a second until a key"),
    ("meter probe", "looks for meters: probe, probe ADDRESSES BAUD, probe HOST:PORT; a key ends it"),
    ("bus stats", "requests and errors of each meter"),
    ("bus trace", "bus trace on|off: each frame in hex, verdict, time"),
    ("config get", "settings of this board, and what they may be"),
    ("config set", "config set PIN NAME=VALUE...: several at once, all or none"),
    ("wiring", "a minute of readings, and what is crossed: seconds=60 fuse=A load=W pv=yes|no"),
    ("selftest", "flash, memory, random, signature, bus, meter, clock, link, certificates"),
    ("chain", "hashes of the newest records"),
    ("log", "newest events, and how often each happened"),
    ("time", "calendar time and how good it is"),
    ("wifi scan", "networks around"),
    ("wifi set", 'wifi set {"ssid", "password", "pin"}: joins this network from now on'),
    ("mqtt test", "tries the broker now, and says what is wrong"),
    ("cert", "certificates: issuer, validity, fingerprint, days left"),
    ("cert key", "the public half of the TLS key, made here"),
    ("cert put", "cert put ca|node N BASE64: certificates for the enrolment that follows"),
    ("enrol", 'enrol {"house", "link_key", "broker", "tls", "pin", "slot_s", "again"}: whose meter this is'),
    ("update status", "release, and what is being downloaded"),
    ("reboot", "starts the board again"),
    ("factory-reset", "factory-reset PIN: erases key, records and settings, in two steps"),
)
"""Each command, and what it does."""


def show_help(_context: "Context", _argument: str) -> "Answer":
    """`help`."""
    return list(HELPS)
