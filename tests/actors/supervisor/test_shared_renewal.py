"""A shared actor that Ray gave up comes back under another name, or one that stands by is named."""

import asyncio

import msgspec
import pytest

from actors.directory import MARKET_DATA_CURRENT as MARKET_DATA_FILE
from actors.gateway.client import NoAnswer
from actors.gateway.holder import heir, name_heir
from actors.gateway.lock import CURRENT_FILE, Current
from actors.gateway.status import FenceTable
from actors.messages import OpenAnswer, OpenIncarnation, Refusal
from actors.rollout.succession import Succession, remember
from actors.supervisor.events import CreateShared
from actors.supervisor.fleet_port import Missing, Silent
from actors.supervisor.requests import Requests
from actors.supervisor.shared import renew_shared
from tests.checkpoints.memory_storage import MemoryStorage

RELEASE = "ab" * 32


class FakeFleet:
    def __init__(self, *living: str) -> None:
        self.living = set(living)
        self.runs = RELEASE
        self.created: list[tuple[str, str]] = []
        self.failure: str | None = None

    async def ask(self, actor: str, method: str) -> bytes | Missing | Silent:
        assert method == "status"
        if actor not in self.living:
            return Missing()
        if not self.runs:
            return Silent(reason="busy")
        return msgspec.msgpack.encode({"phase": "standing by", "release": self.runs})

    async def create_slot(self, slot: str, incarnation: int, release: str) -> str | None:
        raise AssertionError((slot, incarnation, release))

    async def create_shared(self, kind: str, number: int, release: str) -> str | None:
        if self.failure is None:
            self.created.append((f"{kind}/{number}", release))
        return self.failure

    async def end_process(self, life: str, node_id: str) -> bool:
        raise AssertionError((life, node_id))


class NoGateway:
    async def fences(self) -> FenceTable | Refusal | NoAnswer:
        return NoAnswer(reason="gone")

    async def open_incarnation(self, request: OpenIncarnation) -> OpenAnswer | Refusal | NoAnswer:
        raise AssertionError(request)


def renew(storage: MemoryStorage, fleet: FakeFleet, who: str) -> str:
    requests = Requests(fleet=fleet, gateway=NoGateway(), storage=storage, release="supervisors")
    return asyncio.run(renew_shared(requests, CreateShared(who=who, release=RELEASE)))


def serving(name: str) -> MemoryStorage:
    storage = MemoryStorage()
    storage.write(CURRENT_FILE, msgspec.json.encode(Current(name=name, generation=1)))
    storage.write(MARKET_DATA_FILE, b"market-data/4")
    return storage


def test_the_next_gateway_is_named_the_heir_before_it_is_created() -> None:
    storage, fleet = serving("gateway/1"), FakeFleet()
    assert renew(storage, fleet, "gateway") == "gateway/2 created"
    assert fleet.created == [("gateway/2", RELEASE)]
    assert heir(storage) == "gateway/2"


def test_a_creation_that_failed_is_tried_under_a_fresh_name() -> None:
    storage, fleet = serving("gateway/1"), FakeFleet()
    fleet.failure = "no worker"
    assert "no worker" in renew(storage, fleet, "gateway")
    fleet.failure = None
    renew(storage, fleet, "gateway")
    assert fleet.created == [("gateway/3", RELEASE)]
    assert heir(storage) == "gateway/3"


def test_a_heir_that_lives_takes_the_authority_by_itself() -> None:
    storage, fleet = serving("gateway/1"), FakeFleet("gateway/2")
    name_heir(storage, "gateway/2")
    assert renew(storage, fleet, "gateway") == "gateway/2 is the heir and lives"
    assert fleet.created == []


def test_a_standby_that_a_dead_driver_left_is_named() -> None:
    storage, fleet = serving("gateway/1"), FakeFleet("gateway/2", "market-data/5")
    assert renew(storage, fleet, "gateway") == "gateway/2 stood by and is named"
    assert heir(storage) == "gateway/2"
    assert renew(storage, fleet, "market-data") == "market-data/5 stood by and is named"
    assert storage.read(MARKET_DATA_FILE) == b"market-data/5"
    assert fleet.created == []


@pytest.mark.parametrize("runs", ["cd" * 32, ""])
def test_a_standby_of_another_release_or_a_silent_one_is_not_named(runs: str) -> None:
    """The roll that made it stored nothing yet that would lead back from it."""
    storage, fleet = serving("gateway/1"), FakeFleet("gateway/2", "market-data/5")
    fleet.runs = runs
    assert renew(storage, fleet, "gateway") == "gateway/3 created"
    assert renew(storage, fleet, "market-data") == "market-data/6 created"
    assert [release for _, release in fleet.created] == [RELEASE, RELEASE]


@pytest.mark.parametrize("who", ["gateway", "market-data"])
def test_where_a_roll_took_the_release_back_the_one_before_is_created(who: str) -> None:
    """Its driver ended the successor and named the old one, which was gone too."""
    storage, fleet, good = serving("gateway/1"), FakeFleet(), "cd" * 32
    before = {"gateway": "gateway/1", "market-data": "market-data/4"}[who]
    new = "gateway/2" if who == "gateway" else "market-data/5"
    done = Succession(
        kind=who, name=new, release=RELEASE, before_name=before, before_release=good, wire_ms=1
    )
    remember(storage, done)
    renew(storage, fleet, who)
    assert [release for _, release in fleet.created] == [good]


def test_a_successor_that_is_named_and_gone_comes_back_on_its_own_release() -> None:
    storage, fleet = serving("gateway/1"), FakeFleet()
    name_heir(storage, "gateway/2")
    done = Succession(
        kind="gateway",
        name="gateway/2",
        release=RELEASE,
        before_name="gateway/1",
        before_release="cd" * 32,
        wire_ms=1,
    )
    remember(storage, done)
    renew(storage, fleet, "gateway")
    assert fleet.created == [("gateway/3", RELEASE)]


def test_the_next_market_data_names_itself_when_it_serves() -> None:
    storage, fleet = serving("gateway/1"), FakeFleet()
    renew(storage, fleet, "market-data")
    assert fleet.created == [("market-data/5", RELEASE)]
    assert storage.read(MARKET_DATA_FILE) == b"market-data/4"


def test_the_first_gateway_of_a_storage_is_number_one() -> None:
    fleet = FakeFleet()
    renew(MemoryStorage(), fleet, "gateway")
    assert fleet.created == [("gateway/1", RELEASE)]
