"""A stream lives while its stamps move on; repeated ones and pongs prove nothing."""

from actors.market_data.sources.port import Candle, Mark, NextFunding, SourceName
from actors.market_data.sources.watch import (
    ASSET_SILENT_MS,
    SILENT_MS,
    StreamWatch,
    note_value,
    stalled,
)
from signals.market import Asset
from signals.snapshot import Interval

BTC, ETH = Asset("btc"), Asset("eth")
SOURCE = SourceName.OKX
NEW = StreamWatch(began_ms=0, assets=(BTC, ETH))


def mark(asset: Asset, time_ms: int) -> Mark:
    return Mark(source=SOURCE, asset=asset, time_ms=time_ms, price=1.0)


def candle(volume: float) -> Candle:
    return Candle(
        source=SOURCE,
        asset=BTC,
        interval=Interval.M5,
        open_time_ms=300_000,
        open=1.0,
        high=1.0,
        low=1.0,
        close=1.0,
        volume=volume,
        taker_buy=None,
        closed=False,
    )


def test_a_stream_that_brings_nothing_stalls_after_its_limit() -> None:
    assert stalled(NEW, SILENT_MS) == ""
    assert stalled(NEW, SILENT_MS + 1).startswith("no newer stamp for")


def test_a_repeated_stamp_is_no_life_and_a_newer_one_is() -> None:
    watch = note_value(NEW, mark(BTC, 5), 1)
    assert stalled(note_value(watch, mark(BTC, 5), SILENT_MS), SILENT_MS + 2)
    assert stalled(note_value(watch, mark(BTC, 4), SILENT_MS), SILENT_MS + 2)
    assert not stalled(note_value(watch, mark(BTC, 6), SILENT_MS), SILENT_MS + 2)


def test_a_candle_without_a_stamp_lives_by_what_is_traded() -> None:
    watch = note_value(NEW, candle(1.0), 1)
    assert stalled(note_value(watch, candle(1.0), SILENT_MS), SILENT_MS + 2)
    assert not stalled(note_value(watch, candle(1.5), SILENT_MS), SILENT_MS + 2)


def test_a_rate_to_come_is_no_sign_of_life() -> None:
    rate = NextFunding(source=SOURCE, asset=BTC, rate=1e-4, due_ms=5, interval_ms=None)
    assert note_value(NEW, rate, 1) == NEW


def test_one_asset_whose_stream_never_began_is_named() -> None:
    watch = NEW
    for wire_ms in range(0, ASSET_SILENT_MS + 2_000, 1_000):
        watch = note_value(watch, mark(BTC, wire_ms + 1), wire_ms)
    assert "of eth" in stalled(watch, ASSET_SILENT_MS + 1_000)
