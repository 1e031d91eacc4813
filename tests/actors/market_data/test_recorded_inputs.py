"""All recorded rows through every check: real data is refused nowhere."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from actors.market_data.agreement import faults
from actors.market_data.events import BookLevels
from actors.market_data.inputs import Odd
from actors.market_data.plausible import (
    fit_book,
    fit_candles,
    fit_funding,
    fit_open_interest,
    fit_ticks,
)
from actors.market_data.state import (
    AssetFeeds,
    BookBuffer,
    KnownMarket,
    Now,
    empty_candles,
    initial_state,
)
from signals.market import Asset, Timeframe, Window
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint, Ticks
from tests.actors.market_data.builders import at, market, settings
from tests.actors.market_data.recordings import FIXTURES
from tests.recorded import absent

pytestmark = pytest.mark.data

BATCH = 50
FUNDING_KEPT_MS = 1_000_000
Seen = Counter[str]


def rows(name: str, *keys: str) -> Iterator[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Yield the rows of a recording by key, in order of time."""
    path = FIXTURES.parent / name
    if not path.exists():
        absent(f"no recorded data at {path.resolve()}: set MIDSTRIDE_DATA to its folder")
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in pq.read_table(path).to_pylist():
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    yield from groups.items()


def batches(found: list[dict[str, Any]], time: str) -> Iterator[list[dict[str, Any]]]:
    ordered = sorted(found, key=lambda row: row[time])
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def no_feeds() -> AssetFeeds:
    return initial_state(settings(), at(0)).feeds[Asset.BTC]


def count(seen: Seen, what: str, judged: int, refused: list[Odd]) -> None:
    seen[f"{what}: judged"] += judged
    for one in refused:
        seen[f"{what}: {one.name}: {one.cause}"] += 1


def candles_of(part: list[dict[str, Any]], interval: Interval) -> Candles:
    columns = {
        name: tuple(row[name] for row in part)
        for name in ("open_time_ms", "open", "high", "low", "close", "volume")
    }
    taker = tuple(row["taker_buy_base"] for row in part)
    return Candles(interval=interval, taker_buy=taker, **columns)


def judge_candles(seen: Seen) -> None:
    for (_, _, interval), found in rows("klines.parquet", "asset", "venue", "interval"):
        if interval != "5m":
            continue  # no slot reads candles of a minute
        known = empty_candles(Interval.M5)
        for part in batches(found, "open_time_ms"):
            fresh = candles_of(part, Interval.M5)
            now_ms = part[-1]["open_time_ms"] + 300_000
            wrong = fit_candles(fresh, known, now_ms)
            count(seen, "candles", len(part), [wrong] if wrong else [])
            known = fresh


def judge_ticks(seen: Seen) -> None:
    for _, found in rows("chainlink_btcusd_ticks.parquet"):
        feeds = no_feeds()
        for part in batches(found, "ts_ms"):
            fresh = Ticks(
                observed_ms=tuple(row["ts_ms"] for row in part),
                twap=tuple(row["value"] for row in part),
                spot=(),
            )
            received_ms = part[-1]["recv_ms"]
            _, wrong = fit_ticks(fresh, feeds, Now(received_ms, received_ms))
            feeds = AssetFeeds(candles=feeds.candles, ticks=fresh)
            together = faults(feeds, (), {}, received_ms)
            count(seen, "ticks", len(part), [*wrong, *together.values()])


def judge_derivatives(seen: Seen) -> None:
    for _, found in rows("funding.parquet", "asset"):
        for row in found:
            point = FundingPoint(time_ms=row["funding_time_ms"], rate=row["rate"])
            _, wrong = fit_funding((point,), row["funding_time_ms"] + FUNDING_KEPT_MS)
            count(seen, "funding", 1, wrong)
    for _, found in rows("open_interest.parquet", "asset"):
        known: tuple[OpenInterestPoint, ...] = ()
        for part in batches(found, "time_ms"):
            points = tuple(
                OpenInterestPoint(time_ms=r["time_ms"], base_units=r["open_interest_base"])
                for r in part
            )
            _, wrong = fit_open_interest(points, known, part[-1]["time_ms"])
            count(seen, "open interest", len(part), wrong)
            known = points


def levels_of(row: dict[str, Any], side: str) -> dict[int, int]:
    found = {}
    for place in range(5):
        price, size = row[f"{side}_p{place}"], row[f"{side}_s{place}"]
        if price is not None and size:
            found[round(price * 1_000_000)] = round(size * 1_000_000)
    return found


def judge_books(seen: Seen) -> None:
    for _, found in rows("books_btc_5m.parquet", "asset_id"):
        for row in found:
            bids, asks = levels_of(row, "bid"), levels_of(row, "ask")
            fresh = BookLevels(
                token_id="t",
                bids=bids,
                asks=asks,
                tick_micro_usd=1_000,
                stamp_wire_ms=row["server_ms"],
            )
            now = Now(row["recv_ms"], row["recv_ms"])
            wrong = fit_book(fresh, now)
            book = BookBuffer(
                bids=bids, asks=asks, tick_micro_usd=1_000, stamp_wire_ms=0, received_ms=0
            )
            known = market()
            together = faults(no_feeds(), (known,), {known.up_token_id: book}, row["recv_ms"])
            count(seen, "books", 1, [*([wrong] if wrong else []), *together.values()])


def judge_strikes(seen: Seen) -> None:
    """The recorded price to beat of each window against the tick at its open."""
    ticks = {
        row["ts_ms"]: row["value"]
        for _, found in rows("chainlink_btcusd_ticks.parquet")
        for row in found
    }
    for _, found in rows("windows_btc_5m.parquet"):
        for row in found:
            open_ms, strike = 1_000 * row["window_start_s"], row["price_to_beat"]
            if strike is None or open_ms not in ticks:
                continue
            feeds = AssetFeeds(
                candles=no_feeds().candles,
                ticks=Ticks(observed_ms=(open_ms,), twap=(ticks[open_ms],), spot=()),
            )
            known = _at(open_ms, strike)
            together = faults(feeds, (known,), {}, open_ms)
            count(seen, "strikes", 1, list(together.values()))


def _at(open_ms: int, strike: float) -> KnownMarket:
    import msgspec

    window = Window(open_ms, Timeframe.M5)
    return msgspec.structs.replace(market(), window=window, price_to_beat=strike)


def test_no_recorded_row_is_refused() -> None:
    seen: Seen = Counter()
    for judge in (judge_candles, judge_ticks, judge_derivatives, judge_books, judge_strikes):
        judge(seen)
    judged = {what: number for what, number in seen.items() if what.endswith(": judged")}
    refused = {what: number for what, number in seen.items() if what not in judged}
    print("\njudged:", judged, "refused:", refused)
    assert len(judged) == 6
    assert sum(judged.values()) > 140_000
    assert refused == {}
