"""The link's TLS files: good ones make a context that trusts one CA, bad ones are named."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from volthood.adapters.mqtt import MqttLink, TlsFiles, end_all
from volthood.errors import LocalError
from volthood_tools.broker.certificates import Authority


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return Authority(tmp_path_factory.mktemp("certificates")).issue("house1")


def test_only_the_given_ca_is_trusted_and_names_are_checked(files: TlsFiles) -> None:
    context = files.client_context()
    assert len(context.get_ca_certs()) == 1
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


@pytest.mark.parametrize("name", ["ca_file", "cert_file", "key_file"])
def test_a_missing_or_broken_file_is_named(files: TlsFiles, tmp_path: Path, name: str) -> None:
    bad = tmp_path / "bad.pem"
    for content in (None, b"", b"nothing in PEM"):
        if content is not None:
            bad.write_bytes(content)
        with pytest.raises(LocalError, match=r"bad\.pem"):
            replace(files, **{name: bad}).client_context()


def test_a_key_of_another_certificate_is_refused(files: TlsFiles, tmp_path: Path) -> None:
    other = Authority(tmp_path).issue("house1")
    with pytest.raises(LocalError, match="no certificate for the key"):
        replace(files, key_file=other.key_file).client_context()


def test_a_link_tells_of_bad_files_before_it_runs(files: TlsFiles, tmp_path: Path) -> None:
    broken = replace(files, ca_file=tmp_path / "none.pem")
    with pytest.raises(LocalError, match="none"):
        MqttLink("127.0.0.1", 8883, "house1", [], lambda _topic, _payload: None, lambda: None, broken)


def test_tasks_that_swallow_a_cancellation_are_told_again() -> None:
    refusals = 3

    async def stubborn() -> None:
        nonlocal refusals
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                refusals -= 1
                if refusals < 0:
                    raise

    async def failing() -> None:
        raise LocalError("dropped")

    async def scene() -> list[bool]:
        tasks = [asyncio.create_task(stubborn()), asyncio.create_task(failing()), asyncio.create_task(stubborn())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await end_all(tasks, 0.001)
        return [task.done() for task in tasks]

    assert asyncio.run(scene()) == [True, True, True]
    assert refusals < 0
