"""One fleet for all tests of this folder: a start costs half a minute."""

from collections.abc import Iterator

import pytest

from tests.rolling_update.fleet import SIX, Fleet, running_fleet

SPEED = 40
"""A cycle of 7.5 s: six slots make the 300 decisions of the short soak meanwhile."""


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("rolls"), SIX, SPEED) as running:
        running.await_decisions(2)
        yield running
