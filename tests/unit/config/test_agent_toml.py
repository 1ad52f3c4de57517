"""`agent.toml`: what it takes, and what its messages say."""

from pathlib import Path

import pytest

from volthood.config.agent import load_agent_config
from volthood.errors import LocalError

PLAIN = """\
[agent]
house = "maple-12"
key_file = "agent.key"
[hood]
roster_file = "roster.note"
hood_file = "hood.toml"
hood_note = "hood.note"
[node]
link_key_file = "link.key"
[tariff]
file = "tariff.csv"
[broker]
host = "127.0.0.1"
port = 8883
"""
TLS = ("ca_file", "cert_file", "key_file")


def written(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text)
    return path


def test_the_files_of_tls_are_relative_to_the_configuration(tmp_path: Path) -> None:
    text = PLAIN + "".join(f'{name} = "{name}.pem"\n' for name in TLS)
    broker = load_agent_config(written(tmp_path, text)).broker
    assert [getattr(broker, name) for name in TLS] == [tmp_path / f"{name}.pem" for name in TLS]


def test_without_them_there_is_no_tls(tmp_path: Path) -> None:
    broker = load_agent_config(written(tmp_path, PLAIN)).broker
    assert [getattr(broker, name) for name in TLS] == [None] * 3


@pytest.mark.parametrize("missing", TLS)
def test_they_stand_together(tmp_path: Path, missing: str) -> None:
    text = PLAIN + "".join(f'{name} = "x"\n' for name in TLS if name != missing)
    with pytest.raises(LocalError, match=r"agent\.toml: broker: ca_file, cert_file and key_file stand together"):
        load_agent_config(written(tmp_path, text))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [("port", "0", r"broker\.port = 0 is outside 1\.\.65535"), ("port", '"x"', "is not of type int")],
)
def test_a_bad_value_is_named(tmp_path: Path, key: str, value: str, text: str) -> None:
    with pytest.raises(LocalError, match=text):
        load_agent_config(written(tmp_path, PLAIN.replace(f"{key} = 8883", f"{key} = {value}")))


def test_a_standing_is_asked_for_in_permille(tmp_path: Path) -> None:
    text = PLAIN + "[trading]\nmin_standing_permille = "
    assert load_agent_config(written(tmp_path, PLAIN)).trading.min_standing_permille == 0
    assert load_agent_config(written(tmp_path, text + "1000\n")).trading.min_standing_permille == 1000
    with pytest.raises(LocalError, match=r"trading\.min_standing_permille = 1001 is outside 0\.\.1000 permille"):
        load_agent_config(written(tmp_path, text + "1001\n"))


def test_the_hood_may_have_a_broker_of_its_own(tmp_path: Path) -> None:
    assert load_agent_config(written(tmp_path, PLAIN)).hood_broker is None
    text = PLAIN + '[hood_broker]\nhost = "hood.example"\nport = 8884\n'
    hood_broker = load_agent_config(written(tmp_path, text)).hood_broker
    assert hood_broker is not None
    assert (hood_broker.host, hood_broker.port) == ("hood.example", 8884)
    with pytest.raises(LocalError, match=r"hood_broker\.port = 0 is outside 1\.\.65535"):
        load_agent_config(written(tmp_path, text.replace("8884", "0")))
    with pytest.raises(LocalError, match=r"unknown key hood_broker\.name"):
        load_agent_config(written(tmp_path, text + 'name = "x"\n'))
