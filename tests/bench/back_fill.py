"""The history of sixteen slots' eight assets from loopback stand-ins: seconds, and limits used.

A process serves the stand-ins, market data's own machine asks as it does in a fleet. Every source
is measured as the first of the order.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from actors.market_data.events import (
    Effect,
    Event,
    FetchBooks,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FetchOpenInterest,
    MarketMissing,
    Timer,
)
from actors.market_data.sources.catalogue import exchange_of
from actors.market_data.sources.connected import ExchangeSource
from actors.market_data.sources.feeds import SourceFeeds
from actors.market_data.sources.own_clock import Judged
from actors.market_data.sources.port import Refusal, SourceName
from actors.market_data.sources.roster import Roster
from actors.market_data.sources.selection import SourceSwitch
from actors.market_data.state import CANDLES_KEPT, Now, Settings, initial_state
from actors.market_data.status import history_known
from actors.market_data.step import step
from signals.market import DEFAULT_SLOTS, Asset
from signals.snapshot import Feed
from tests.bench.frame import Row, bench, row_at_most

AIM_S: Final = 10.0
LONG_S: Final = 180.0
"""Of the others, whose own limits set the pace."""
FIRST: Final = (SourceName.BINANCE_USDM, SourceName.OKX, SourceName.BYBIT, SourceName.HYPERLIQUID)
LIMITS: Final = {
    "weight": {"binance_usdm": 2_400, "hyperliquid": 1_200},
    "candles": {"okx": 40},
    "funding": {"okx": 10, "binance_usdm": 500},
    "statistics": {"okx": 5, "binance_usdm": 1_000},
    "other": {"okx": 20},
    "ip": {"bybit": 600},
}
SETTINGS: Final = Settings(
    slots=DEFAULT_SLOTS, offsets_ms=(20_000,), speed=1, limits_ms=dict.fromkeys(Feed, 330_000)
)


class Silent:
    def switched(self, switch: SourceSwitch) -> None:
        pass

    def source_odd(self, source: SourceName, asset: Asset | None, cause: str) -> None:
        print(f"odd: {source} {asset} {cause}")

    def source_refused(self, refusal: Refusal) -> None:
        print(f"refused: {refusal}")

    def own_clock(self, judged: Judged) -> None:
        print(f"our clock: {judged}")

    def serves_again(self, asset: Asset) -> None:
        """Nothing to do."""

    def none_serves(self, asset: Asset, reason: str) -> None:
        print(f"none serves {asset}: {reason}")


def now_ms() -> int:
    return int(time.time() * 1_000)


@contextmanager
def stand_ins() -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        process = subprocess.Popen(
            [sys.executable, "-m", "cluster.sandbox.standins", f"--ready-file={ready}"]
        )
        try:
            end_s = time.monotonic() + LONG_S
            while not ready.exists():
                assert process.poll() is None, "the stand-ins ended"
                assert time.monotonic() < end_s, "the stand-ins do not serve"
                time.sleep(0.05)
            yield json.loads(ready.read_text())
        finally:
            process.terminate()
            process.wait()


class Machine:
    """Market data's pure machine with its fetches, and nothing else of the actor."""

    def __init__(self, facts: dict[str, Any], order: Sequence[SourceName]) -> None:
        known = {one["name"]: one for one in facts["exchanges"]}
        sources = {
            name: ExchangeSource(
                exchange_of(name), known[name]["rest_url"], known[name]["socket_url"], now_ms
            )
            for name in order
        }
        self.state = initial_state(SETTINGS, Now(now_ms(), now_ms()))
        roster = Roster(sources, SETTINGS.assets, now_ms, self.deliver, Silent())
        self.feeds = SourceFeeds(roster, 1)
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver(self, event: Event) -> None:
        self.state, effects = step(self.state, event, Now(now_ms(), now_ms()))
        for effect in effects:
            self._start(effect)

    def _start(self, effect: Effect) -> None:
        match effect:
            case FetchKlines() | FetchFunding() | FetchOpenInterest():
                task = asyncio.create_task(self._fetch(effect))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case FetchMarket(slug=slug):
                self.deliver(MarketMissing(slug=slug))
            case FetchBooks():
                pass
            case _:
                pass

    async def _fetch(self, ask: FetchKlines | FetchFunding | FetchOpenInterest) -> None:
        self.deliver(await self.feeds.perform(ask))

    async def fill(self) -> float:
        started_s = time.monotonic()
        async with asyncio.timeout(LONG_S):
            while not self.whole():
                self.deliver(Timer())
                await asyncio.sleep(0.02)
        return time.monotonic() - started_s

    def whole(self) -> bool:
        known, wanted = history_known(self.state)
        return known == wanted and all(
            len(candles) >= CANDLES_KEPT[interval]
            for feeds in self.state.feeds.values()
            for interval, candles in feeds.candles.items()
        )


def most_used(facts: dict[str, Any]) -> dict[str, dict[str, int]]:
    with urllib.request.urlopen(facts["admin_url"]) as answer:
        found: dict[str, dict[str, int]] = json.loads(answer.read())
    return found


async def _measured(facts: dict[str, Any], name: SourceName) -> list[Row]:
    machine = Machine(facts, (name,))
    seconds = await machine.fill()
    await machine.feeds.close()
    aim = AIM_S if name is SourceName.BINANCE_USDM else LONG_S
    rows = [row_at_most(f"back-fill of 8 assets from {name}", seconds, aim, "s")]
    for group, used in sorted(most_used(facts)[name].items()):
        limit = LIMITS[group][name]
        what = f"{name}: most used of its limit {group!r} in one period"
        rows.append(row_at_most(what, used, limit, f"of {limit}"))
    return rows


def measure() -> Sequence[Row]:
    with stand_ins() as facts:
        return [row for name in FIRST for row in asyncio.run(_measured(facts, name))]


if __name__ == "__main__":
    bench(__doc__ or "", measure)
