"""What was recorded is what a replay of it serves: the same candles, funding, open interest."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from actors.market_data.buffers import COLUMNS
from actors.market_data.events import (
    FundingReceived,
    KlinesReceived,
    OpenInterestReceived,
    TicksReceived,
)
from actors.market_data.snapshot import build_snapshot
from actors.market_data.state import CANDLES_KEPT, INTERVAL_MS, MarketDataState
from actors.market_data.step import step
from actors.market_data.tape.files import write_rows
from actors.market_data.tape.rows import Marks, new_rows
from cluster.sandbox.prices.klines import Klines
from cluster.sandbox.prices.shapes import INTERVALS_MS
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.prices.tape import load_tape
from signals.market import Asset
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint
from tests.actors.market_data.builders import T0, at, candles, fresh_state, ticks
from tests.tape_decisions import taped

BTC = Asset("btc")
EIGHT_HOURS_MS = 28_800_000
CHARGED_MS = T0 - T0 % EIGHT_HOURS_MS


def odd_volumes(found: Candles) -> Candles:
    """Give each candle numbers of its own, with more decimals than a made one has."""
    volume = tuple(1.00001 + place / 7 for place in range(len(found)))
    taker = tuple(round(each / 3, 8) for each in volume)
    return msgspec.structs.replace(
        found, volume=tuple(round(each, 8) for each in volume), taker_buy=taker
    )


def full_state(funding_late_ms: int = 0) -> MarketDataState:
    state = fresh_state()
    for interval, kept in CANDLES_KEPT.items():
        length_ms = INTERVAL_MS[interval]
        first_ms = (345_600_000 - T0) % length_ms - (kept + 1) * length_ms
        found = odd_volumes(candles(interval, first_ms, kept))
        state = step(state, KlinesReceived(asset=BTC, candles=found), at(1_000))[0]
    rates = tuple(
        FundingPoint(
            time_ms=CHARGED_MS - back * EIGHT_HOURS_MS + funding_late_ms, rate=back / 1_000_000
        )
        for back in range(11, -1, -1)
    )
    charged = FundingReceived(asset=BTC, points=rates, next_funding_ms=None)
    points = tuple(
        OpenInterestPoint(time_ms=T0 - back * 300_000, base_units=90_000.25 + back)
        for back in range(60, 0, -1)
    )
    state = step(state, charged, at(1_000))[0]
    return step(state, OpenInterestReceived(asset=BTC, points=points), at(1_000))[0]


def test_a_replay_of_a_recording_shows_every_candle_as_it_was(tmp_path: Path) -> None:
    state = full_state()
    write_rows(tmp_path, new_rows(state, Marks()))
    prices = Prices(1, load_tape(tmp_path))
    stored = build_snapshot(state, BTC, T0 + 20_000, T0 + 20_000)
    again = taped(stored, prices, Klines(prices))
    for known, found in zip(stored.candles, again.candles, strict=True):
        for name in COLUMNS:
            assert getattr(known, name) == getattr(found, name), (known.interval, name)
    assert again == stored


@pytest.mark.parametrize("late_ms", [1, 5, 131])
def test_a_rate_that_is_stamped_late_is_replayed_at_its_hour(tmp_path: Path, late_ms: int) -> None:
    state = full_state(late_ms)
    write_rows(tmp_path, new_rows(state, Marks()))
    series = Prices(1, load_tape(tmp_path)).funding["btc"]
    recorded = state.feeds[BTC].funding
    found = series.rates(recorded[0].time_ms - late_ms, recorded[-1].time_ms)
    assert [one.rate for one in found] == [one.rate for one in recorded]


def test_a_longer_candle_that_begins_beside_its_grid_is_not_replayed(tmp_path: Path) -> None:
    state = full_state()
    hour = candles(Interval.H1, 0, 1)
    odd = msgspec.structs.replace(hour, open_time_ms=(T0 + 1_234,), close=(1.0,), low=(1.0,))
    feeds = state.feeds[BTC]
    feeds = msgspec.structs.replace(feeds, candles=feeds.candles | {Interval.H1: odd})
    broken = msgspec.structs.replace(state, feeds=state.feeds | {BTC: feeds})
    write_rows(tmp_path, new_rows(broken, Marks()))
    prices = Prices(1, load_tape(tmp_path))
    assert prices.longer("btc", INTERVALS_MS["1h"], T0 + 1_234) is None
    rows = Klines(prices).between("btc", "1h", T0, start_ms=None, end_ms=T0, limit=3)
    assert all(row.low > 1.0 for row in rows)


def test_each_day_has_the_whole_of_the_longer_candles(tmp_path: Path) -> None:
    """Retention deletes the days that the longer candles are of, and a day is replayed alone."""
    state, marks = full_state(), Marks()
    write_rows(tmp_path, new_rows(state, marks))
    assert new_rows(state, marks) == {}
    next_day = candles(Interval.M5, 86_400_000, 1)
    later = step(state, KlinesReceived(asset=BTC, candles=next_day), at(86_400_000 + 300_000))[0]
    write_rows(tmp_path, new_rows(later, marks))
    newest = max(tmp_path.iterdir())
    longer = load_tape(newest).longer["btc"]
    assert {length_ms: len(rows) for length_ms, rows in longer.items()} == {
        INTERVAL_MS[interval]: kept
        for interval, kept in CANDLES_KEPT.items()
        if interval is not Interval.M5
    }


def without(state: MarketDataState, place: int) -> MarketDataState:
    """Take one row out of the middle of every series."""
    feeds = state.feeds[BTC]
    held = {
        interval: msgspec.structs.replace(
            found,
            **{name: _cut(getattr(found, name), place) for name in COLUMNS},
        )
        for interval, found in feeds.candles.items()
    }
    ticks = msgspec.structs.replace(
        feeds.ticks,
        observed_ms=_cut(feeds.ticks.observed_ms, place),
        twap=_cut(feeds.ticks.twap, place),
    )
    cut = msgspec.structs.replace(
        feeds,
        candles=held,
        ticks=ticks,
        funding=_cut(feeds.funding, place),
        open_interest=_cut(feeds.open_interest, place),
    )
    return msgspec.structs.replace(state, feeds=state.feeds | {BTC: cut})


def _cut(found: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    return found[:place] + found[place + 1 :]


def test_what_came_late_is_on_the_tape_too(tmp_path: Path) -> None:
    """An answer with a hole is asked for again: the tape gets the row then, and only that row."""
    pairs = [(second * 1_000, 100.0 + second) for second in range(20)]
    state = step(full_state(), TicksReceived(asset=BTC, ticks=ticks(*pairs)), at(20_000))[0]
    marks = Marks()
    write_rows(tmp_path / "late", new_rows(without(state, 5), marks))
    late = new_rows(state, marks)
    write_rows(tmp_path / "late", late)
    write_rows(tmp_path / "whole", new_rows(state, Marks()))
    assert sum(len(rows) for rows in late.values()) == len(Interval) + len(
        ("funding", "open interest", "ticks")
    )
    for name in ("klines", "funding", "open_interest", "ticks-00"):
        files = sorted((tmp_path / "whole").rglob(f"{name}.parquet"))
        assert files
        for file in files:
            found = tmp_path / "late" / file.relative_to(tmp_path / "whole")
            assert pq.read_table(found, partitioning=None).equals(
                pq.read_table(file, partitioning=None)
            ), file
