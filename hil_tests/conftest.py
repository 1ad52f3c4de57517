"""The options of the bench, and the bench itself, which lasts for the whole run. `README.md` has the wiring."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil_tests.bench import Bench, real_bench, virtual_bench


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hardware in the loop")
    group.addoption("--board", default="virtual", help="virtual, or the serial port of a real board's console")
    group.addoption("--meter-port", default=None, help="serial port of the RS-485 adapter at a real board's bus")
    group.addoption("--broker-host", default=None, help="address at which a real board reaches this computer")
    group.addoption("--release-key", default=None, help="private key (PEM) of a real board's releases, to update it")


@pytest.fixture(scope="session")
def the_bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    option = request.config.getoption
    board, meter, host = option("--board", "virtual"), option("--meter-port", None), option("--broker-host", None)
    key = option("--release-key", None)
    folder = tmp_path_factory.mktemp("bench")
    if board == "virtual":
        with virtual_bench(folder) as bench:
            yield bench
    elif meter is None or host is None:
        raise pytest.UsageError(
            "--board PORT needs --meter-port PORT and --broker-host ADDRESS; see hil_tests/README.md"
        )
    else:
        with real_bench(folder, Path(board), Path(meter), host, key and Path(key)) as bench:
            yield bench


@pytest.fixture
def bench(the_bench: Bench) -> Bench:
    """The bench in order: the meter is read, nothing is wrong with it."""
    the_bench.until_read()
    return the_bench
