"""What stands in the access lists and the configuration of a broker that knows its clients."""

import stat
from pathlib import Path

import pytest

from volthood.adapters.mqtt import TlsFiles
from volthood.wire.cbor import WireError
from volthood_tools.broker.acl import home_acl, hood_acl, write_guarded_config

TLS = TlsFiles(Path("ca.pem"), Path("broker.pem"), Path("broker.key"))


def test_the_hoods_list_is_that_of_the_design() -> None:
    assert hood_acl("abcd").splitlines() == [
        "pattern write vh/1/abcd/%u/#",
        "pattern write vh/1/abcd/+/in/%u",
        "pattern read vh/1/abcd/%u/#",
        "pattern read vh/1/abcd/+/board/#",
        "pattern read vh/1/abcd/+/log/#",
        "pattern read vh/1/abcd/+/roster",
    ]


def test_the_homes_list_is_that_of_the_design() -> None:
    assert home_acl("maple-12").splitlines() == [
        "pattern readwrite vh/1/home/%u/#",
        "pattern write vh/1/home/+/node/%u/live",
        "pattern write vh/1/home/+/node/%u/record",
        "pattern write vh/1/home/+/node/%u/status",
        "pattern write vh/1/home/+/node/%u/did/#",
        "pattern read vh/1/home/+/node/%u/#",
        "user maple-12",
        "topic readwrite homeassistant/#",
    ]


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "A", "x" * 33, "a\nuser b"])
def test_a_name_that_would_widen_a_list_is_refused(name: str) -> None:
    with pytest.raises(WireError, match="name_invalid"):
        hood_acl(name)
    with pytest.raises(WireError, match="name_invalid"):
        home_acl(name)
    with pytest.raises(WireError, match="name_invalid"):
        hood_acl("abcd", observers=[name])


def test_nobody_is_anonymous(tmp_path: Path) -> None:
    config = write_guarded_config(tmp_path, 8883, hood_acl("abcd"), TLS)
    lines = config.read_text().splitlines()
    assert "listener 8883 127.0.0.1" in lines
    wanted = {"require_certificate true", "use_identity_as_username true", "allow_anonymous false"}
    assert wanted <= set(lines)
    assert {"cafile ca.pem", "certfile broker.pem", "keyfile broker.key", "autosave_interval 30"} <= set(lines)
    acl_file = tmp_path / "broker.acl"
    assert f"acl_file {acl_file}" in lines
    assert acl_file.read_text() == hood_acl("abcd")
    assert stat.S_IMODE(acl_file.stat().st_mode) == 0o600
