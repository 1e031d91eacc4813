"""Who serves each asset now, and how that changes: whole histories, one asset at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

import msgspec

from actors.market_data.events import HistoryReplaced
from actors.market_data.sources.crosscheck import holes, proven
from actors.market_data.sources.health import Health
from actors.market_data.sources.history import (
    candles_of,
    columns,
    funding_of,
    interest_of,
    whole_history,
)
from actors.market_data.sources.port import (
    Cause,
    Instruments,
    Refusal,
    Source,
    SourceName,
    Value,
)
from actors.market_data.sources.reports import Reports
from actors.market_data.sources.rest import wire_now_ms
from actors.market_data.sources.selection import (
    Selection,
    better,
    candidates,
    leave,
    note_absent,
    note_instruments,
    serve,
)
from actors.market_data.state import INTERVAL_MS, last_boundary_ms
from actors.runtime import wire_ms
from signals.market import Asset
from signals.snapshot import Candles, Interval

FIRST: Final = "first in the configured order"
AGAIN: Final = "an earlier one in the configured order is well again"


class HealthySource(Source, Protocol):
    """A source whose state is known without asking it."""

    @property
    def health(self) -> Health: ...


Deliver = Callable[[HistoryReplaced], None]


class Roster:
    def __init__(
        self,
        sources: Mapping[SourceName, HealthySource],
        assets: tuple[Asset, ...],
        market_ms: Callable[[], int],
        deliver: Deliver,
        reports: Reports,
    ) -> None:
        self.sources = sources
        self.assets = assets
        self.market_ms = market_ms
        self.reports = reports
        self.selection = Selection(order=tuple(sources))
        self._deliver = deliver
        self._locks = {asset: asyncio.Lock() for asset in assets}
        self._foreign: set[Asset] = set()
        """Assets whose buffers hold the history of a source that is not configured here."""
        self._is_served: dict[Asset, bool] = {}
        """What was reported of each asset; nothing was of those that are not in it."""
        self._listed: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.changed: Callable[[], None] = lambda: None
        """Called when another source serves an asset."""

    # ---- who serves ---------------------------------------------------------------------------

    def adopt(self, served: Mapping[Asset, str]) -> None:
        """Go on with the sources of a predecessor whose buffers were taken over."""
        known = {str(name): name for name in self.sources}
        found = {asset: known[name] for asset, name in served.items() if name in known}
        self._foreign = {asset for asset in served if asset not in found}
        self.selection = msgspec.structs.replace(
            self.selection, serving=self.selection.serving | found
        )
        self.changed()

    async def serving(self, asset: Asset) -> SourceName | None:
        """Return who serves; choose where no one does yet."""
        found = self.selection.serving.get(asset)
        return found or await self._choose(asset)

    async def _choose(self, asset: Asset) -> SourceName | None:
        await self._know_instruments()
        async with self._locks[asset]:
            if asset in self.selection.serving:
                return self.selection.serving[asset]
            if asset in self._foreign:
                moved = await self._move(asset, FIRST)
                self._foreign -= {asset} if moved else set()
                return self.selection.serving.get(asset)
            able = candidates(self.selection, asset, self.sick(), wire_now_ms())
            if not able:
                self._none_serves(asset, "no source trades it")
                return None
            self._serve(asset, able[0], FIRST, _nothing(asset, able[0]))
            return able[0]

    async def _know_instruments(self) -> None:
        """Ask every source once what it trades; one that does not answer may trade all of it."""
        if self._listed is None:
            self._listed = asyncio.create_task(self.read_instruments())
        await asyncio.shield(self._listed)

    async def read_instruments(self) -> None:
        answers = await asyncio.gather(
            *(source.instruments(self.assets) for source in self.sources.values())
        )
        for answer in answers:
            if isinstance(answer, Instruments):
                self.selection = note_instruments(self.selection, answer)
            elif answer.cause in (Cause.BANNED, Cause.BLOCKED):
                self.reports.source_refused(answer)

    def sick(self) -> frozenset[SourceName]:
        now_ms = wire_now_ms()
        return frozenset(
            name
            for name, source in self.sources.items()
            if source.health.sick and now_ms < source.health.not_before_ms
        )

    def rivals(self, asset: Asset) -> list[SourceName]:
        """Return the others of the same kind that an asset's serving source can be held against."""
        serving = self.selection.serving.get(asset)
        if serving is None:
            return []
        kind = self.sources[serving].kind
        able = candidates(self.selection, asset, self.sick(), wire_now_ms())
        return [name for name in able if self.sources[name].kind is kind]

    # ---- how that changes ---------------------------------------------------------------------

    def reason_to_leave(self, asset: Asset, refusal: Refusal) -> str:
        """Say why this refusal ends the service of its source; empty: ask it again."""
        if refusal.cause is Cause.ABSENT:
            self.selection = note_absent(self.selection, refusal.source, asset, refusal.reason)
            return f"absent: {refusal.reason}"
        health = self.sources[refusal.source].health
        if health.stopped:
            self.reports.source_refused(refusal)
        return f"{health.cause or refusal.cause}: {refusal.reason}" if health.sick else ""

    async def switch(self, asset: Asset, before: SourceName, reason: str) -> bool:
        """Leave a source for the next that can show its whole history; False: there is none."""
        async with self._locks[asset]:
            if self.selection.serving.get(asset) is not before:
                return True  # another caller did it meanwhile
            self.leave(before, asset, reason)
            return await self._move(asset, reason)

    def leave(self, source: SourceName, asset: Asset, reason: str) -> None:
        self.selection = leave(self.selection, source, asset, reason, wire_now_ms())

    async def go_back(self, asset: Asset) -> None:
        """Let an earlier source of the order serve again, if it can show its whole history."""
        async with self._locks[asset]:
            name = better(self.selection, asset, self.sick(), wire_now_ms())
            if name is None:
                return
            found = await self._load(name, asset)
            if isinstance(found, str):
                self.leave(name, asset, found)
            else:
                self._serve(asset, name, AGAIN, found)

    async def _move(self, asset: Asset, reason: str) -> bool:
        for name in candidates(self.selection, asset, self.sick(), wire_now_ms()):
            found = await self._load(name, asset)
            if isinstance(found, str):
                reason = f"{reason}; {name}: {found}"[:400]
                continue
            self._serve(asset, name, reason, found)
            return True
        self._none_serves(asset, reason)
        return False

    def _none_serves(self, asset: Asset, reason: str) -> None:
        """Report it once, until one serves again."""
        if self._is_served.get(asset, True):
            self._is_served[asset] = False
            self.reports.none_serves(asset, reason)

    def note_served(self, asset: Asset) -> None:
        """Note that the serving source answered: it may be the one that could not before."""
        if not self._is_served.get(asset, False):
            self._is_served[asset] = True
            self.reports.serves_again(asset)

    def _serve(self, asset: Asset, name: SourceName, reason: str, history: HistoryReplaced) -> None:
        now = (self.market_ms(), int(wire_ms()))
        self.selection, switch = serve(self.selection, asset, name, reason, now)
        self._is_served[asset] = True
        self._deliver(history)
        self.reports.switched(switch)
        self.changed()

    async def _load(self, name: SourceName, asset: Asset) -> HistoryReplaced | str:
        """Fetch a whole history at once; say what is wrong with it."""
        asks = whole_history(asset)
        answers = await asyncio.gather(*(self.sources[name].backfill(ask) for ask in asks))
        candles: list[Candles] = []
        rest: list[Value] = []
        for answer in answers:
            if isinstance(answer, Refusal):
                if answer.cause is not Cause.ABSENT:
                    return f"{answer.cause}: {answer.reason}"
                continue
            rows = candles_of(answer)
            if not rows:
                rest += answer
            else:
                whole = proven(rows, self.market_ms())
                candles.append(columns(whole, rows[0].interval))
                if missing := holes(whole, rows[0].interval):
                    return f"a hole of {len(missing)} {rows[0].interval} candles"
        wrong = self._incomplete(candles)
        return wrong or _history(asset, name, candles, rest)

    def _incomplete(self, candles: list[Candles]) -> str:
        lengths = {one.interval: len(one) for one in candles}
        short = [str(interval) for interval in Interval if not lengths.get(interval)]
        if short:
            return f"no candles of {', '.join(short)}"
        newest = next(one for one in candles if one.interval is Interval.M5)
        behind_ms = last_boundary_ms(Interval.M5, self.market_ms()) - newest.open_time_ms[-1]
        # the newest closed one, or the one before it while its end is only seconds ago
        if behind_ms > 2 * INTERVAL_MS[Interval.M5]:
            return f"frozen: its newest candle opened {behind_ms} ms before the last boundary"
        return ""

    # ---- tasks --------------------------------------------------------------------------------

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        tasks = [*self._tasks, *([] if self._listed is None else [self._listed])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(source.close() for source in self.sources.values()))


def _nothing(asset: Asset, name: SourceName) -> HistoryReplaced:
    """Say whose history is to come; the jobs fetch it."""
    return HistoryReplaced(
        asset=asset, source=name, candles=(), funding=(), next_funding_ms=None, open_interest=()
    )


def _history(
    asset: Asset, name: SourceName, candles: list[Candles], rest: list[Value]
) -> HistoryReplaced:
    funding = funding_of(asset, rest)
    return HistoryReplaced(
        asset=asset,
        source=name,
        candles=tuple(candles),
        funding=funding.points,
        next_funding_ms=funding.next_funding_ms,
        open_interest=interest_of(asset, rest).points,
    )
