"""Books and settlement prices, as the venue's streams and REST send them."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from polymarket.models.price_events import (
    CryptoTwapPriceSnapshotEvent,
    CryptoTwapPriceUpdateEvent,
    RealtimePricePoint,
    RealtimeTwapSnapshot,
    RealtimeTwapUpdate,
)

from actors.feeds.books import parse_books
from actors.feeds.http import Malformed
from actors.feeds.prices import read_ticks
from signals.market import Asset
from tests.actors.market_data.recordings import OPEN_S

# ---- books and prices -------------------------------------------------------------------------


def wire_book(**changes: object) -> dict[str, object]:
    return {
        "asset_id": "7",
        "market": "0x" + "ab" * 32,
        "timestamp": "1767225600123",
        "bids": [{"price": "0.44", "size": "10"}, {"price": "0.45", "size": "20.5"}],
        "asks": [{"price": "0.48", "size": "3"}, {"price": "0.47", "size": "0"}],
        "tick_size": "0.01",
        **changes,
    }


def test_a_polled_book_is_exact_and_empty_levels_are_left_out() -> None:
    [found] = parse_books(json.dumps([wire_book()]).encode()).books
    assert found.bids == {440_000: 10_000_000, 450_000: 20_500_000}
    assert found.asks == {480_000: 3_000_000}
    assert (found.tick_micro_usd, found.stamp_wire_ms) == (10_000, 1_767_225_600_123)


@pytest.mark.parametrize(
    "changes",
    [
        {"bids": [{"price": "1.2", "size": "1"}]},
        {"bids": [{"price": "x", "size": "1"}]},
        {"bids": None},
        {"timestamp": "soon"},
    ],
)
def test_a_polled_book_out_of_bounds_is_odd(changes: dict[str, object]) -> None:
    found = parse_books(json.dumps([wire_book(**changes)]).encode())
    assert (found.books, len(found.odd)) == ((), 1)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"null", b"[" * 5_000])
def test_an_answer_that_is_no_list_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_books(body)


def point(second: int, value: str) -> RealtimePricePoint:
    return RealtimePricePoint(
        timestamp=datetime.fromtimestamp(OPEN_S + second, tz=UTC), value=Decimal(value)
    )


def test_averages_are_read_from_updates_and_from_the_first_two_minutes() -> None:
    stamp = datetime.fromtimestamp(OPEN_S, tz=UTC)
    update = CryptoTwapPriceUpdateEvent(
        timestamp=stamp,
        payload=RealtimeTwapUpdate(
            symbol="btcusd", source="chainlink", timestamp=stamp, value=Decimal("91000.25")
        ),
    )
    found = read_ticks(update)
    assert found is not None
    assert (found.asset, found.ticks.observed_ms, found.ticks.twap) == (
        Asset.BTC,
        (OPEN_S * 1000,),
        (91_000.25,),
    )
    history = CryptoTwapPriceSnapshotEvent(
        timestamp=stamp,
        payload=RealtimeTwapSnapshot(
            symbol="ethusd", source="chainlink", data=(point(0, "3000"), point(1, "3001"))
        ),
    )
    many = read_ticks(history)
    assert many is not None
    assert many.ticks.twap == (3_000.0, 3_001.0)


@pytest.mark.parametrize(
    ("symbol", "value"), [("PEPE/usd", "1"), ("btcusd", "0"), ("btcusd", "-1")]
)
def test_a_price_of_another_world_is_none(symbol: str, value: str) -> None:
    stamp = datetime.fromtimestamp(OPEN_S, tz=UTC)
    update = CryptoTwapPriceUpdateEvent(
        timestamp=stamp,
        payload=RealtimeTwapUpdate(
            symbol=symbol, source="chainlink", timestamp=stamp, value=Decimal(value)
        ),
    )
    assert read_ticks(update) is None
