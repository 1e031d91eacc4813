"""What is new in market data's state since the last look, as rows of a tape. Pure.

Rows are made of what was believed: a datum that was refused is on no tape.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from actors.market_data.snapshot import strike_of
from actors.market_data.state import AssetFeeds, BookBuffer, KnownMarket, MarketDataState
from signals.market import Asset, Outcome, day_of, market_slug
from signals.snapshot import Interval
from signals.units import MICRO

VENUES: Final = {"binance_usdm": "binance_um_perp", "": "binance_um_perp"}
"""Tapes' own name of one source, which also serves where no sources are configured. The others
have the name that `actors.market_data.sources.port` gives them."""
LEVELS: Final = 5
HOUR_MS: Final = 3_600_000

Value = str | int | float | None
Row = tuple[Value, ...]


class Table(msgspec.Struct, frozen=True):
    """One kind of file: its columns in order, and those that name a row."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """Name and Arrow type."""
    key: tuple[str, ...]
    hourly: bool = False
    """One file an hour: a day of it is too large to be written again and again."""


def _prices() -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"{side}_{what}{place}", "float64")
        for place in range(LEVELS)
        for side in ("bid", "ask")
        for what in ("p", "s")
    )


TABLES: Final = {
    table.name: table
    for table in (
        Table(
            "klines",
            (
                ("asset", "string"),
                ("venue", "string"),
                ("interval", "string"),
                ("open_time_ms", "int64"),
                *((name, "float64") for name in ("open", "high", "low", "close", "volume")),
                ("quote_volume", "float64"),
                ("taker_buy_base", "float64"),
            ),
            ("interval", "open_time_ms"),
        ),
        Table(
            "funding",
            (("asset", "string"), ("funding_time_ms", "int64"), ("rate", "float64")),
            ("funding_time_ms",),
        ),
        Table(
            "open_interest",
            (("asset", "string"), ("time_ms", "int64"), ("open_interest_base", "float64")),
            ("time_ms",),
        ),
        Table(
            "ticks",
            (("asset", "string"), ("observed_ms", "int64"), ("twap", "float64")),
            ("observed_ms",),
            hourly=True,
        ),
        Table(
            "books",
            (
                ("slug", "string"),
                ("asset_id", "string"),
                ("outcome", "string"),
                ("sec", "int64"),
                ("server_ms", "int64"),
                ("tick", "float64"),
                *_prices(),
            ),
            ("asset_id", "sec"),
            hourly=True,
        ),
        Table(
            "windows",
            (
                ("asset", "string"),
                ("timeframe", "string"),
                ("slug", "string"),
                ("window_start_s", "int64"),
                ("window_end_s", "int64"),
                ("price_to_beat", "float64"),
                ("condition_id", "string"),
                ("up_token", "string"),
                ("down_token", "string"),
                ("fee_rate", "string"),
                ("min_order_shares", "float64"),
            ),
            ("slug",),
        ),
    )
}


class Place(msgspec.Struct, frozen=True, order=True):
    """Which file a row belongs to."""

    day: str
    asset: str
    table: str
    hour: int | None = None

    @property
    def path(self) -> str:
        hour = "" if self.hour is None else f"-{self.hour:02d}"
        return f"{self.day}/{self.asset}/{self.table}{hour}.parquet"


Rows = dict[Place, list[Row]]


class Marks(msgspec.Struct):
    """What of each series is on the tape already; a new life begins with none."""

    times: dict[str, tuple[int, ...]] = {}
    """Of the rows that the buffers held at the last look."""
    stamps: dict[str, int] = {}
    """Of each token's newest book."""
    windows: dict[str, float | None] = {}
    days: dict[Asset, str] = {}
    """In which the longer candles of an asset stand already."""


def place_of(table: str, asset: Asset, time_ms: int) -> Place:
    at = datetime.fromtimestamp(time_ms / 1_000, tz=UTC)
    hour = at.hour if TABLES[table].hourly else None
    return Place(day=at.strftime("%Y-%m-%d"), asset=str(asset), table=table, hour=hour)


def new_rows(state: MarketDataState, marks: Marks) -> Rows:
    """Return the rows that are not on the tape yet, and move the marks."""
    found: Rows = {}
    for asset, feeds in state.feeds.items():
        for table, time_ms, row in _of_asset(asset, feeds, marks):
            found.setdefault(place_of(table, asset, time_ms), []).append(row)
    for market in state.markets.values():
        strike = strike_of(market, state.feeds[market.asset].ticks)
        slug = market_slug(market.asset, market.window)
        if slug in marks.windows and marks.windows[slug] == strike:
            continue
        marks.windows[slug] = strike
        at = place_of("windows", market.asset, market.window.open_ms)
        found.setdefault(at, []).append(_window(market, slug, strike))
    for slug in [slug for slug in marks.windows if slug not in state.markets]:
        del marks.windows[slug]
    return found


def _of_asset(asset: Asset, feeds: AssetFeeds, marks: Marks) -> Iterator[tuple[str, int, Row]]:
    name = asset.upper()
    yield from _candles(asset, feeds, marks)
    times = tuple(point.time_ms for point in feeds.funding)
    for at in _new(marks, f"funding/{asset}", times):
        yield "funding", times[at], (name, times[at], feeds.funding[at].rate)
    times = tuple(point.time_ms for point in feeds.open_interest)
    for at in _new(marks, f"open_interest/{asset}", times):
        yield "open_interest", times[at], (name, times[at], feeds.open_interest[at].base_units)
    times = feeds.ticks.observed_ms
    for at in _new(marks, f"ticks/{asset}", times):
        yield "ticks", times[at], (name, times[at], feeds.ticks.twap[at])


def _candles(asset: Asset, feeds: AssetFeeds, marks: Marks) -> Iterator[tuple[str, int, Row]]:
    """Return new candles. The longer ones stand in each day whole: it can be replayed alone.

    Theirs reach back beyond the days that are kept.
    """
    name, venue = asset.upper(), VENUES.get(feeds.source, feeds.source)
    newest_ms = max(feeds.candles[Interval.M5].open_time_ms, default=None)
    if newest_ms is None:
        return
    day = day_of(newest_ms)
    new_day = marks.days.get(asset) != day
    marks.days[asset] = day
    for interval, candles in feeds.candles.items():
        times, series = candles.open_time_ms, f"klines/{asset}/{interval}"
        if new_day and interval is not Interval.M5:
            marks.times.pop(series, None)
        for at in _new(marks, series, times):
            row: Row = (name, venue, str(interval), times[at], candles.open[at], candles.high[at])
            row += (candles.low[at], candles.close[at], candles.volume[at], None)
            place_ms = times[at] if interval is Interval.M5 else newest_ms
            yield "klines", place_ms, (*row, candles.taker_buy[at])


def _new(marks: Marks, series: str, times_ms: tuple[int, ...]) -> Iterator[int]:
    """Yield the places of the rows that are not on the tape, those that came late among them.

    Another source begins with an empty buffer; what the former one told stays on the tape.
    """
    known_ms = marks.times.get(series, ())
    if not times_ms or times_ms == known_ms:
        return
    marks.times[series] = times_ms
    written = set(known_ms)
    yield from (at for at, time_ms in enumerate(times_ms) if time_ms not in written)


def _window(market: KnownMarket, slug: str, strike: float | None) -> Row:
    window = market.window
    return (
        market.asset.upper(),
        str(window.timeframe),
        slug,
        window.open_ms // 1_000,
        window.close_ms // 1_000,
        strike,
        market.condition_id,
        market.up_token_id,
        market.down_token_id,
        market.fee_rate,
        market.min_order_shares / MICRO,
    )


def book_rows(state: MarketDataState, marks: Marks, market_ms: int) -> Rows:
    """Return the best levels of each book that changed, once a second."""
    found: Rows = {}
    for market in state.markets.values():
        slug = market_slug(market.asset, market.window)
        pairs = ((Outcome.UP, market.up_token_id), (Outcome.DOWN, market.down_token_id))
        for outcome, token in pairs:
            book = state.books.get(token)
            if book is None or book.contradicted:
                continue
            if marks.stamps.get(token) == book.stamp_wire_ms:
                continue
            marks.stamps[token] = book.stamp_wire_ms
            row: Row = (slug, token, str(outcome), market_ms // 1_000, book.stamp_wire_ms)
            row += (book.tick_micro_usd / MICRO, *_levels(book))
            found.setdefault(place_of("books", market.asset, market_ms), []).append(row)
    for token in [token for token in marks.stamps if token not in state.books]:
        del marks.stamps[token]
    return found


def _levels(book: BookBuffer) -> Iterator[float | None]:
    bids = sorted(book.bids.items(), reverse=True)[:LEVELS]
    asks = sorted(book.asks.items())[:LEVELS]
    for place in range(LEVELS):
        for side in (bids, asks):
            if place < len(side):
                yield from (value / MICRO for value in side[place])
            else:
                yield from (None, None)
