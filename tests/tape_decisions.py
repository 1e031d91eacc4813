"""Decide again what a fleet decided, from the tape that it recorded.

Candles, funding and open interest come from the tape, read and served as the sandbox exchange does
it; books, averages and markets, which no tape replays, stay those of the stored snapshot.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from actors.market_data.sources.records import SWITCHES
from actors.market_data.state import INTERVAL_MS
from checkpoints.storage import LocalStorage
from cluster.sandbox.prices.klines import Klines
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.prices.tape import load_tape
from signals.decision import Position
from signals.market import Asset, Slot
from signals.params import Params
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint, Snapshot
from signals.strategies.five_factor import Memory, decide
from signals.units import MicroUsd
from tests.stored_decisions import stored_decisions

MINUTE_MS = 60_000
"""A rate is charged at its hour, and may be stamped milliseconds later."""
HELD = Position(allocation_micro_usd=MicroUsd(300_000_000))


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    due_ms: int
    stored: Snapshot
    taped: Snapshot

    def same(self, params: Params) -> bool:
        """Tell whether both snapshots lead to the same decision and the same memory."""
        timeframe = Slot.parse(self.slot).timeframe
        one, other = (
            decide(snapshot, timeframe, HELD, Memory(), params)
            for snapshot in (self.stored, self.taped)
        )
        return one == other


def replayed(storage: Path, tape: Path, slots: tuple[str, ...]) -> Iterator[Replayed]:
    """Yield each recorded decision with the snapshot that the tape makes of its moment.

    Left out are those whose oldest candles had gone when the recorder looked first, and assets
    whose source was switched: the tape has each candle once, the fleet had them by both.
    """
    prices = Prices(1, load_tape(tape))
    klines = Klines(prices)
    found = LocalStorage(storage)
    switches = Counter(name.split(".")[-2] for name in found.names(f"{SWITCHES}/"))
    of_one_source = tuple(one for one in slots if switches[Slot.parse(one).asset] <= 1)
    for due_ms, row, stored in stored_decisions(found, of_one_source):
        if _is_on_tape(stored, prices):
            made_again = taped(stored, prices, klines)
            yield Replayed(slot=row.slot, due_ms=due_ms, stored=stored, taped=made_again)


def _is_on_tape(stored: Snapshot, prices: Prices) -> bool:
    recorded = prices.recorded(stored.asset)
    return recorded is not None and all(
        recorded[0] <= open_ms
        if candles.interval is Interval.M5
        else prices.longer(stored.asset, INTERVAL_MS[candles.interval], open_ms) is not None
        for candles in stored.candles
        for open_ms in candles.open_time_ms[:1]
    )


def taped(stored: Snapshot, prices: Prices, klines: Klines) -> Snapshot:
    """Return a snapshot with the tape's candles, funding and open interest.

    Of each series as far as the fleet knew it: the tape does not say how late a candle came.
    """
    return msgspec.structs.replace(
        stored,
        candles=tuple(_candles(stored.asset, one, klines) for one in stored.candles),
        funding=tuple(
            FundingPoint(time_ms=point.time_ms, rate=rate.rate)
            for point in stored.funding
            for hour_ms in (point.time_ms - point.time_ms % MINUTE_MS,)
            for rate in prices.funding[stored.asset].rates(hour_ms, hour_ms)
        ),
        open_interest=tuple(
            OpenInterestPoint(time_ms=at.market_ms, base_units=at.base_units)
            for point in stored.open_interest
            for at in (prices.open_interest[stored.asset].at(point.time_ms),)
        ),
    )


def _candles(asset: Asset, known: Candles, klines: Klines) -> Candles:
    if not len(known):
        return known
    newest_ms = known.open_time_ms[-1]
    rows = klines.between(
        asset,
        known.interval,
        1 << 60,
        start_ms=None,
        end_ms=newest_ms,
        limit=len(known),
    )
    return Candles(
        interval=known.interval,
        open_time_ms=tuple(row.open_market_ms for row in rows),
        open=tuple(row.open for row in rows),
        high=tuple(row.high for row in rows),
        low=tuple(row.low for row in rows),
        close=tuple(row.close for row in rows),
        volume=tuple(row.volume for row in rows),
        taker_buy=tuple(row.taker_buy for row in rows),
    )
