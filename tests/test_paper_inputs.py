"""Why a decision's inputs were incomplete, and which exchange served them."""

import msgspec
import pytest

from signals.snapshot import Feed
from tests.paper_inputs import source_at, stale
from tests.signals.altered import without
from tests.signals.builders import make_ages, make_snapshot

SWITCHES = [(1_000, "binance"), (2_000, "okx")]


@pytest.mark.parametrize(
    ("market_ms", "source"), [(0, "binance"), (1_999, "binance"), (2_000, "okx"), (9_000, "okx")]
)
def test_the_source_is_that_of_the_last_switch_before(market_ms: int, source: str) -> None:
    assert source_at(SWITCHES, market_ms) == source


def test_a_complete_snapshot_lacks_nothing() -> None:
    assert list(stale(make_snapshot())) == []


@pytest.mark.parametrize("feed", Feed)
def test_each_feed_that_is_not_fresh_is_named(feed: Feed) -> None:
    assert f"stale {feed}" in stale(without(make_snapshot(), feed))
    aged = msgspec.structs.replace(make_snapshot(), ages=make_ages(**{feed.value: 10**12}))
    assert list(stale(aged)) == [f"stale {feed}"]


def test_a_snapshot_without_markets_lacks_its_market() -> None:
    assert "no market" in stale(msgspec.structs.replace(make_snapshot(), markets=()))
