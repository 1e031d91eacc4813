"""One fleet of four slots for all tests of this folder: a start costs half a minute."""

from collections.abc import Iterator

import pytest

from tests.rolling_update.fleet import Fleet, running_fleet


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("rolls")) as running:
        running.await_decisions(2)
        yield running
