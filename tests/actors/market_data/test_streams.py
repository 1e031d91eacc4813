"""Books and settlement prices, as the venue's streams and REST send them."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from polymarket.models.clob.market_events import parse_market_event
from polymarket.models.price_events import (
    CryptoTwapPriceSnapshotEvent,
    CryptoTwapPriceUpdateEvent,
    RealtimePricePoint,
    RealtimeTwapSnapshot,
    RealtimeTwapUpdate,
)

from actors.feeds.books import parse_books, read_book_event
from actors.feeds.http import Malformed
from actors.feeds.prices import read_ticks
from actors.market_data.events import BookChanged, BooksReceived, StreamFault, TickSizeChanged
from signals.market import Asset
from tests.actors.market_data.recordings import OPEN_S, fixture

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
    [found] = parse_books(json.dumps([wire_book()]).encode())
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
def test_a_polled_book_out_of_bounds_is_malformed(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        parse_books(json.dumps([wire_book(**changes)]).encode())


def test_stream_events_become_books_changes_and_ticks() -> None:
    market = "0x" + "ab" * 32
    whole = read_book_event(parse_market_event({"event_type": "book", **wire_book()}))
    assert isinstance(whole, BooksReceived)
    assert whole.books[0].bids[450_000] == 20_500_000
    changed = read_book_event(
        parse_market_event(
            {
                "event_type": "price_change",
                "market": market,
                "timestamp": "1767225600200",
                "price_changes": [
                    {"asset_id": "7", "price": "0.46", "size": "5", "side": "BUY"},
                    {"asset_id": "7", "price": "0.48", "size": "0", "side": "SELL"},
                ],
            }
        )
    )
    assert isinstance(changed, BookChanged)
    assert [(c.bid, c.price, c.shares) for c in changed.changes] == [
        (True, 460_000, 5_000_000),
        (False, 480_000, 0),
    ]
    assert changed.stamp_wire_ms == 1_767_225_600_200
    tick = {"asset_id": "7", "market": market, "new_tick_size": "0.001"}
    finer = read_book_event(parse_market_event({"event_type": "tick_size_change", **tick}))
    assert finer == TickSizeChanged(token_id="7", tick_micro_usd=1_000)


def test_a_stream_price_out_of_bounds_is_a_fault() -> None:
    bad = wire_book(bids=[{"price": "1.5", "size": "1"}])
    event_read = read_book_event(parse_market_event({"event_type": "book", **bad}))
    assert event_read == StreamFault(malformed=1)


@pytest.mark.data
def test_every_recorded_book_of_a_whole_window_is_read() -> None:
    with gzip.open(fixture("clob_ws_market_book_btc-updown-5m-1776329100.jsonl.gz"), "rt") as file:
        rows = [json.loads(line)["raw"] for line in file]
    assert len(rows) == 1_974
    for raw in rows:
        found = read_book_event(parse_market_event({"event_type": "book", **raw}))
        assert isinstance(found, BooksReceived)
        [book] = found.books
        if book.bids and book.asks:
            assert max(book.bids) < min(book.asks)


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
