"""The household's CA, and what its broker and agent need of it."""

from pathlib import Path

from volthood.adapters.mqtt import TlsFiles
from volthood_tools.broker.acl import home_acl, write_guarded_config
from volthood_tools.broker.certificates import YEARS, Authority, for_years

BROKER = "broker"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - the board is another machine; who has no certificate of this CA gets nowhere


def household_ca(folder: Path, house: str, broker: str) -> Authority:
    """The CA in `folder`; made there, with what the broker `host:port` and the agent of `house` need, if need be.

    `broker.conf` is a configuration for mosquitto: mutual TLS with `broker.pem`, and the home broker's access list.
    `<house>.pem` and its `.key` are for the agent's `[broker]`. What is there is left alone. Raises `LocalError`.
    """
    authority = Authority.of_household(folder)
    host, _, port = broker.rpartition(":")
    for name, hosts in ((BROKER, (host,)), (house, ())):
        if not (folder / f"{name}.pem").exists():
            authority.issue(name, for_years(YEARS), server=bool(hosts), hosts=hosts)
    if not (folder / f"{BROKER}.conf").exists():
        own = folder.resolve()
        tls = TlsFiles(own / authority.ca_file.name, own / f"{BROKER}.pem", own / f"{BROKER}.key")
        write_guarded_config(folder, int(port), home_acl(house), tls, EVERYWHERE)
    return authority
