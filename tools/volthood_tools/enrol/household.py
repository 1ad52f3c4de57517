"""The household's CA, and what its broker and agent need of it."""

from pathlib import Path

from volthood_tools.broker.certificates import YEARS, Authority, for_years

BROKER = "broker"


def household_ca(folder: Path, house: str, broker: str) -> Authority:
    """The CA in `folder`; made there, with certificates for the broker `host:port` and the agent of `house`, if need be.

    `broker.pem`, `<house>.pem` and their `.key` are what mosquitto's `certfile` and `keyfile` and the agent's `[broker]`
    take. Raises `LocalError`.
    """
    authority = Authority.of_household(folder)
    host = broker.rpartition(":")[0]
    for name, hosts in ((BROKER, (host,)), (house, ())):
        if not (folder / f"{name}.pem").exists():
            authority.issue(name, for_years(YEARS), server=bool(hosts), hosts=hosts)
    return authority
