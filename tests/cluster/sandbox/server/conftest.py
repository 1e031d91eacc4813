"""One server for the tests of a file, in front of an exchange that stands still."""

from collections.abc import Iterator

import pytest

from cluster.sandbox.auth import Account
from tests.cluster.sandbox.server.hostile import Attacker
from tests.cluster.sandbox.server.running import Running, process, running
from tests.cluster.sandbox.server.still_exchange import StillExchange
from tests.cluster.sandbox.server.test_signing import unsigned


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(StillExchange(), tmp_path_factory.mktemp("state")) as it:
        yield it


@pytest.fixture
def exchange(server: Running) -> StillExchange:
    it = server.world.exchange
    it.__init__()
    return it


@pytest.fixture
def account(server: Running, exchange: StillExchange) -> Account:
    accounts = server.world.accounts
    address = unsigned().maker.lower()
    found = accounts.find(address, 0) or accounts.create(address, 0)
    assert isinstance(found, Account)
    return found


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacker]:
    folder = tmp_path_factory.mktemp("hostile")
    with process(folder, "--without", "unauthorized_in_passing") as ready:
        yield Attacker(ready, folder)
