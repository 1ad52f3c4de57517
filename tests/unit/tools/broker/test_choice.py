"""Which broker is taken, and what stands in its configuration."""

import sys
from pathlib import Path

import pytest

from volthood_tools.broker.choice import BrokerChoice, choose_broker, find_mosquitto


@pytest.fixture
def chosen(tmp_path: Path) -> BrokerChoice:
    return choose_broker(tmp_path, 18830, Path("/usr/sbin/mosquitto"))


def test_mosquitto_is_taken_where_it_is(chosen: BrokerChoice, tmp_path: Path) -> None:
    assert chosen.title == "mosquitto (/usr/sbin/mosquitto)"
    assert chosen.child.command == ("/usr/sbin/mosquitto", "-c", str(tmp_path / "broker.conf"))


def test_mosquitto_listens_on_loopback_only(chosen: BrokerChoice, tmp_path: Path) -> None:
    lines = (tmp_path / "broker.conf").read_text().splitlines()
    assert [line for line in lines if line.startswith(("listener", "port", "bind"))] == ["listener 18830 127.0.0.1"]
    assert "allow_anonymous true" in lines
    assert f"persistence_location {tmp_path / 'broker'}/" in lines


def test_without_it_the_embedded_one_says_so(tmp_path: Path) -> None:
    chosen = choose_broker(tmp_path, 18830, None)
    assert chosen.child.command == (sys.executable, "-m", "volthood_tools.broker.embedded", "18830")
    assert "mosquitto is not installed" in chosen.title
    assert list(tmp_path.iterdir()) == []


def test_mosquitto_is_found_on_a_path(tmp_path: Path) -> None:
    assert find_mosquitto(str(tmp_path)) is None
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_mosquitto(str(tmp_path)) == program
