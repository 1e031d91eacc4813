"""Market data's feeds over stand-ins of exchanges, and what was reported of them."""

import asyncio

from actors.market_data.events import (
    Event,
    FetchKlines,
    KlinesReceived,
)
from actors.market_data.sources.feeds import SourceFeeds
from actors.market_data.sources.own_clock import Judged
from actors.market_data.sources.port import Refusal, SourceName
from actors.market_data.sources.roster import Roster
from actors.market_data.sources.selection import SourceSwitch
from cluster.sandbox.prices.source import GENERATED_START_MS
from signals.market import Asset
from signals.snapshot import Interval
from tests.actors.market_data.sources.loopback import StandIns

BTC, HYPE = Asset("btc"), Asset("hype")
PERPETUALS = (
    SourceName.BINANCE_USDM,
    SourceName.OKX,
    SourceName.BYBIT,
    SourceName.HYPERLIQUID,
)
M5 = FetchKlines(job="m5", asset=BTC, interval=Interval.M5, limit=10)
SOON_AFTER_MS = GENERATED_START_MS + 1_000
"""A second after a boundary."""


class Told:
    def __init__(self) -> None:
        self.switches: list[SourceSwitch] = []
        self.odd: list[tuple[SourceName, str]] = []
        self.refused: list[Refusal] = []
        self.none: list[Asset] = []
        self.again: list[Asset] = []
        self.clock: list[Judged] = []

    def switched(self, switch: SourceSwitch) -> None:
        self.switches.append(switch)

    def source_odd(self, source: SourceName, _asset: Asset | None, cause: str) -> None:
        self.odd.append((source, cause))

    def source_refused(self, refusal: Refusal) -> None:
        self.refused.append(refusal)

    def none_serves(self, asset: Asset, _reason: str) -> None:
        self.none.append(asset)

    def own_clock(self, judged: Judged) -> None:
        self.clock.append(judged)

    def serves_again(self, asset: Asset) -> None:
        self.again.append(asset)


class Rig:
    def __init__(
        self,
        stand_ins: StandIns,
        order: tuple[SourceName, ...] = PERPETUALS,
        assets: tuple[Asset, ...] = (BTC,),
    ) -> None:
        self.told = Told()
        self.delivered: list[Event] = []
        sources = {name: stand_ins.source(name) for name in order}
        self.roster = Roster(sources, assets, stand_ins.now_ms, self.delivered.append, self.told)
        self.feeds = SourceFeeds(self.roster, 1)

    def serving(self, asset: Asset = BTC) -> SourceName | None:
        return self.roster.selection.serving.get(asset)

    async def fetch_until_good(self, fetch: FetchKlines = M5) -> KlinesReceived:
        """Ask again as market data's job does."""
        async with asyncio.timeout(30):
            while True:
                found = await self.feeds.perform(fetch)
                if isinstance(found, KlinesReceived):
                    return found
                await asyncio.sleep(0.25)
