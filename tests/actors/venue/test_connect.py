"""One place chooses the venue's adapter, for the gateway and for each command alike."""

import asyncio
import inspect
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from actors.config import FleetConfig, Mode, Venue
from actors.feeds.venue_feeds import VenueFeeds
from actors.market_data.events import FetchBooks, FetchFailed, FetchMarket, Timer
from actors.market_data.venue_feed import Deliver, Keep
from actors.venue import connect as chooser
from actors.venue.adapter import Adapter
from actors.venue.connect import ADAPTERS, adapter_of, connect
from actors.venue.keys import PrivateKeyError
from actors.venue.kinds import OPTIONAL
from actors.venue.port import Rejected, VenuePort
from checkpoints.storage import LocalStorage
from cluster.audit import reconcile
from cluster.local import doctor
from signals.market_time import MarketClock
from signals.params import Params
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.venue.test_environment import venue

ELSEWHERE = "elsewhere"


class Elsewhere:
    """A second venue, as new files would bring it."""

    def __init__(self, account: FakeVenue) -> None:
        self.account = account
        self.opened: list[str] = []

    async def connect(self, config: FleetConfig, timeout_s: float) -> FakeVenue:
        self.opened.append(f"account within {timeout_s:.0f} s of {config.venue.adapter}")
        return self.account

    def public(self, _config: FleetConfig, _timeout_s: float) -> FakeVenue:
        self.opened.append("public")
        return self.account

    def feed(self, _config: FleetConfig, deliver: Deliver, _keep: Keep) -> "Elsewhere":
        self.opened.append("feed")
        deliver(Timer())
        return self

    async def read(self, ask: FetchMarket | FetchBooks, _now_ms: int) -> FetchFailed:
        return FetchFailed(job=ask.job, reason="elsewhere has no markets", malformed=False)

    async def close(self) -> None:
        self.opened.append("closed")

    def check_key(self, _config: FleetConfig) -> None:
        raise PrivateKeyError("this venue wants a key of its own")


def config(tmp_path: Path, adapter: str = ELSEWHERE) -> FleetConfig:
    return FleetConfig(
        mode=Mode.SANDBOX,
        storage=str(tmp_path),
        clock=MarketClock(),
        venue=msgspec.structs.replace(venue(), adapter=adapter),
        slots=(),
        params=Params(),
    )


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    found = Elsewhere(FakeVenue(Book()))
    monkeypatch.setattr(chooser, "ADAPTERS", {**ADAPTERS, ELSEWHERE: "venue_elsewhere"})
    monkeypatch.setitem(
        __import__("sys").modules, "venue_elsewhere", SimpleNamespace(ADAPTER=found)
    )
    return found


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_every_adapter_has_the_shape_that_callers_use(tmp_path: Path, name: str) -> None:
    found = adapter_of(config(tmp_path, name))
    for method in ("connect", "public", "feed", "check_key"):
        wanted, given = (inspect.signature(getattr(one, method)) for one in (Adapter, type(found)))
        assert list(given.parameters) == list(wanted.parameters)
    assert {name for name in vars(VenuePort) if not name.startswith("_")} - {
        name for name in dir(_account_type(found)) if not name.startswith("_")
    } == set()


def _account_type(adapter: Adapter) -> object:
    hints = inspect.get_annotations(type(adapter).connect, eval_str=True)
    return next(one for one in hints["return"].__args__ if hasattr(one, "post"))


def test_a_halt_cancels_at_the_configured_venue(tmp_path: Path, elsewhere: Elsewhere) -> None:
    asyncio.run(chooser.connect_to_stop(config(tmp_path), 10.0))
    assert elsewhere.opened == ["account within 10 s of elsewhere"]
    assert not list(tmp_path.iterdir()), "a halt must not need room on the disk"


def test_reconcile_reads_the_configured_venue(tmp_path: Path, elsewhere: Elsewhere) -> None:
    found = reconcile.reconcile(config(tmp_path))
    assert found.differences == ()
    assert elsewhere.opened == ["account within 20 s of elsewhere"]


def test_doctor_asks_the_configured_venue(tmp_path: Path, elsewhere: Elsewhere) -> None:
    key = doctor.check_key(config(tmp_path))
    assert key.detail == "this venue wants a key of its own"
    asyncio.run(doctor.check_venue(config(tmp_path)))
    assert elsewhere.opened == ["public"]


def test_market_data_follows_the_configured_venue(tmp_path: Path, elsewhere: Elsewhere) -> None:
    async def work() -> object:
        delivered: list[object] = []
        feeds = VenueFeeds(config(tmp_path), LocalStorage(tmp_path), delivered.append)
        answer = await feeds.reads.perform(FetchBooks(job="books", token_ids=("1",)), 0)
        await feeds.close()
        assert len(delivered) == 1
        return answer

    answer = asyncio.run(work())
    assert answer == FetchFailed(job="books", reason="elsewhere has no markets", malformed=False)
    assert elsewhere.opened == ["feed", "closed"]


@pytest.mark.parametrize("field", [one for one in Venue.__struct_fields__ if "_url" in one])
@pytest.mark.parametrize(
    "url", ["https://clob.polymarket.com", "http://10.0.0.1:9", "http://127.0.0.1.a.org", "", "x"]
)
def test_no_order_of_a_sandbox_leaves_this_machine(
    tmp_path: Path, elsewhere: Elsewhere, field: str, url: str
) -> None:
    plain = config(tmp_path)
    if not url and field in OPTIONAL:
        return  # not set: that service is not asked
    mixed = msgspec.structs.replace(
        plain, venue=msgspec.structs.replace(plain.venue, **{field: url})
    )
    refused = asyncio.run(connect(mixed, 1.0))
    assert isinstance(refused, Rejected)
    assert field in refused.message
    assert elsewhere.opened == [], "no key was read, nobody was asked"
    assert asyncio.run(connect(plain, 1.0)) is elsewhere.account


def test_a_configuration_of_an_older_release_means_polymarket() -> None:
    plain = msgspec.to_builtins(venue())
    del plain["adapter"]
    assert msgspec.convert(plain, Venue).adapter == "polymarket"
