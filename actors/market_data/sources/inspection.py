"""Hold the serving sources against others: closes, funding, clocks; leave one that is odd."""

import asyncio
import itertools
from typing import Final

from actors.clock import wall_ms, wire_ms
from actors.market_data.sources.crosscheck import (
    LATE_MS,
    Compared,
    Verdict,
    closed,
    compare,
    funding_differs,
    odd_clocks,
    outvoted,
)
from actors.market_data.sources.history import candles_of
from actors.market_data.sources.own_clock import Reading, judge
from actors.market_data.sources.port import (
    Candle,
    CandlesAsk,
    Clock,
    FundingAsk,
    NextFunding,
    PredictedAsk,
    Refusal,
    SourceName,
)
from actors.market_data.sources.roster import Roster
from actors.market_data.state import last_boundary_ms
from signals.market import Asset
from signals.snapshot import Interval

COMPARED: Final = 3
"""Closed candles that are held against each other."""
CLOCKS_S: Final = 60.0
"""Wire, between two readings of all clocks: one cheap question to each exchange."""
INSTRUMENTS_EVERY: Final = 10
"""Readings of the clocks, for each look at what the exchanges trade."""
PREDICTS: Final = SourceName.HYPERLIQUID
PREDICTED: Final = (SourceName.BINANCE_USDM, SourceName.BYBIT)


class Inspection:
    """One look per asset and boundary, some seconds after it and before anyone decides."""

    def __init__(self, roster: Roster, speed: int) -> None:
        self._roster = roster
        self._speed = speed
        self._inspected: dict[Asset, int] = {}
        self._readings: dict[SourceName, Reading] = {}
        """Of the round before."""
        self._odd: frozenset[SourceName] = frozenset()
        """Sources whose clock was away from the others' in the round before."""

    def note_candles(self, asset: Asset) -> None:
        """Look at this boundary's candles once they must be there."""
        boundary_ms = last_boundary_ms(Interval.M5, self._roster.market_ms())
        if self._inspected.get(asset) == boundary_ms:
            return
        self._inspected[asset] = boundary_ms
        self._roster.start(self._inspect(asset, boundary_ms))

    async def _inspect(self, asset: Asset, boundary_ms: int) -> None:
        early_ms = boundary_ms + LATE_MS - self._roster.market_ms()
        await asyncio.sleep(max(0, early_ms) / 1_000 / self._speed)
        name = self._roster.selection.serving.get(asset)
        if name is None:
            return
        mine = await self._newest(name, asset)
        for rival in self._roster.rivals(asset):
            theirs = await self._newest(rival, asset)
            if mine and theirs:
                await self._judge(asset, name, mine, theirs, boundary_ms)
                break
        await self._roster.go_back(asset)

    async def _newest(self, name: SourceName, asset: Asset) -> list[Candle]:
        ask = CandlesAsk(asset=asset, interval=Interval.M5, count=COMPARED)
        found = await self._roster.sources[name].backfill(ask)
        return [] if isinstance(found, Refusal) else candles_of(found)

    async def _judge(
        self,
        asset: Asset,
        name: SourceName,
        mine: list[Candle],
        theirs: list[Candle],
        boundary_ms: int,
    ) -> None:
        rival = theirs[0].source
        compared = compare(mine, theirs, boundary_ms)
        if compared.verdict is Verdict.FROZEN:
            await self._expel(asset, name, f"frozen: it {compared.cause}")
            return
        other_way = compare(theirs, mine, boundary_ms)
        if other_way.verdict is Verdict.FROZEN:
            self._distrust(asset, rival, f"frozen: it {other_way.cause}")
        elif compared.verdict is Verdict.DISAGREE:
            await self._vote(asset, mine, theirs, compared)

    async def _vote(
        self, asset: Asset, mine: list[Candle], theirs: list[Candle], compared: Compared
    ) -> None:
        """Ask a third source which of two is wrong."""
        name, rival = mine[0].source, theirs[0].source
        thirds = [one for one in self._roster.rivals(asset) if one is not rival]
        third = await self._newest(thirds[0], asset) if thirds else []
        odd = self._odd_one(mine, theirs, third)
        told = f"disagrees: {name} {compared.cause}"
        if odd is name:
            await self._expel(asset, name, told)
        elif odd is not None:
            self._distrust(asset, odd, told)
        else:
            self._roster.reports.source_odd(name, asset, f"{told}; no third source tells which")

    def _odd_one(self, *sides: list[Candle]) -> SourceName | None:
        """Name the outvoted one at the newest instant that all sides closed at which one is."""
        closes = [{one.open_time_ms: one for one in closed(side)} for side in sides if side]
        common = set.intersection(*(set(of) for of in closes))
        for time_ms in sorted(common, reverse=True):
            odd = outvoted({of[time_ms].source: of[time_ms].close for of in closes})
            if odd is not None:
                return odd
        return None

    async def _expel(self, asset: Asset, name: SourceName, reason: str) -> None:
        self._roster.reports.source_odd(name, asset, reason)
        await self._roster.switch(asset, name, reason)

    def _distrust(self, asset: Asset, name: SourceName, reason: str) -> None:
        self._roster.reports.source_odd(name, asset, reason)
        self._roster.leave(name, asset, reason)

    # ---- funding ------------------------------------------------------------------------------

    def note_funding(self, asset: Asset, own: NextFunding) -> None:
        if own.source in PREDICTED and PREDICTS in self._roster.sources:
            self._roster.start(self._compare_funding(asset, own))

    async def _compare_funding(self, asset: Asset, own: NextFunding) -> None:
        """Hold a rate against what another source predicts of it; a second pair says who is odd."""
        told = await self._predicted(asset)
        if own.source not in told or not funding_differs(own, told[own.source]):
            return
        cause = f"funding of {own.source}: {own.rate}, told by {PREDICTS}: {told[own.source].rate}"
        other = next(name for name in PREDICTED if name is not own.source)
        second = await self._own_funding(other, asset)
        if second is None or other not in told:
            self._roster.reports.source_odd(
                own.source, asset, f"{cause}; no second pair tells which"
            )
        elif funding_differs(second, told[other]):
            self._distrust(asset, PREDICTS, f"disagrees: {cause}")
        else:
            await self._expel(asset, own.source, f"disagrees: {cause}")

    async def _predicted(self, asset: Asset) -> dict[SourceName, NextFunding]:
        found = await self._roster.sources[PREDICTS].backfill(PredictedAsk(asset=asset))
        rows = () if isinstance(found, Refusal) else found
        return {row.source: row for row in rows if isinstance(row, NextFunding)}

    async def _own_funding(self, name: SourceName, asset: Asset) -> NextFunding | None:
        if name not in self._roster.sources:
            return None
        found = await self._roster.sources[name].backfill(FundingAsk(asset=asset, count=1))
        rows = () if isinstance(found, Refusal) else found
        return next((row for row in rows if isinstance(row, NextFunding)), None)

    # ---- clocks -------------------------------------------------------------------------------

    async def watch_clocks(self) -> None:
        """Read all clocks each minute: leave a source that is away from the others, judge ours."""
        for count in itertools.count(1):
            await self._read_clocks()
            await asyncio.sleep(CLOCKS_S)
            if count % INSTRUMENTS_EVERY == 0:
                await self._roster.read_instruments()

    async def _read_clocks(self) -> None:
        offsets: dict[SourceName, int] = {}
        readings: dict[SourceName, Reading] = {}
        slack_ms = 0
        for name, source in self._roster.sources.items():
            read = await source.clock()
            if isinstance(read, Clock):
                offsets[name] = read.time_ms - self._roster.market_ms()
                slack_ms = max(slack_ms, read.round_trip_ms * self._speed)
                readings[name] = Reading(
                    ahead_ms=offsets[name] // self._speed, slack_ms=read.round_trip_ms // 2
                )
        judged = judge(self._readings, readings, round(wall_ms() - wire_ms()))
        self._readings = readings
        if judged is not None:
            self._roster.reports.own_clock(judged)
        # one reading may be of a book that stood still: its stamp is the clock of some exchanges
        before, self._odd = self._odd, frozenset(odd_clocks(offsets, slack_ms))
        for name in sorted(before & self._odd):
            reason = f"its clock is {offsets[name]} ms ahead of ours, the others' are not"
            for asset, serving in list(self._roster.selection.serving.items()):
                if serving is name:
                    await self._expel(asset, name, reason)
                else:
                    self._roster.leave(name, asset, reason)
