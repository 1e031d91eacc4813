"""Market data's fetches of candles, funding and open interest, answered by the chosen source."""

from collections.abc import Callable
from typing import Final

from actors.market_data.events import Event, FetchFailed, KlinesReceived
from actors.market_data.sources.crosscheck import end_ms, holes, proven
from actors.market_data.sources.history import (
    ExchangeFetch,
    ask_of,
    candles_of,
    columns,
    funding_of,
    interest_of,
)
from actors.market_data.sources.inspection import Inspection
from actors.market_data.sources.port import (
    Candle,
    CandlesAsk,
    Cause,
    FundingAsk,
    Kind,
    NextFunding,
    Refusal,
    SourceName,
    StreamEvent,
    StreamLost,
    Value,
)
from actors.market_data.sources.roster import Roster
from actors.market_data.state import CANDLES_KEPT, MarketDataState
from actors.runtime import log_event
from signals.market import Asset
from signals.snapshot import Interval

TRIES: Final = 3
"""Sources that one fetch goes through before it fails and comes again."""


class SourceFeeds:
    def __init__(self, roster: Roster, speed: int) -> None:
        self.roster = roster
        self._inspection = Inspection(roster, speed)
        self._closed: dict[tuple[SourceName, Asset], Candle] = {}
        """The newest candle that a stream called closed."""
        self._lost: dict[SourceName, int] = {}
        roster.changed = self._follow

    def begin(self) -> None:
        self.roster.start(self._inspection.watch_clocks())

    def adopt(self, state: MarketDataState) -> None:
        """Go on with the sources whose history a predecessor's buffers hold."""
        self.roster.adopt(
            {
                asset: feeds.source
                for asset, feeds in state.feeds.items()
                if any(len(candles) for candles in feeds.candles.values())
            }
        )

    async def perform(self, fetch: ExchangeFetch) -> Event:
        """Answer from the source that serves the asset; go to the next where it cannot."""
        asset, ask = fetch.asset, ask_of(fetch)
        reason = f"no source serves {asset}"
        for _ in range(TRIES):
            name = await self.roster.serving(asset)
            if name is None:
                break
            found = await self.roster.sources[name].backfill(ask)
            if self.roster.selection.serving.get(asset) is not name:
                reason = f"{name} was left while it answered"  # its rows are of another history
                continue
            if isinstance(found, Refusal):
                reason = f"{name}: {found.cause}: {found.reason}"
                why = self._reason_to_leave(fetch, name, found)
            else:
                event = self._event(fetch, found)
                if not isinstance(event, str):
                    self._note_served(event)
                    return event
                reason = why = f"{name}: {event}"
            if not why or not await self.roster.switch(asset, name, why):
                break
        return FetchFailed(job=fetch.job, reason=reason, malformed=False)

    def _note_served(self, event: Event) -> None:
        """Candles show that an asset is served: without new ones of 5 minutes no slot decides."""
        if isinstance(event, KlinesReceived) and event.candles.interval is Interval.M5:
            self.roster.note_served(event.asset)

    def _reason_to_leave(self, fetch: ExchangeFetch, name: SourceName, found: Refusal) -> str:
        """A spot source has no funding and no open interest: that is no reason to leave it."""
        spot = self.roster.sources[name].kind is Kind.SPOT
        if spot and found.cause is Cause.ABSENT and not isinstance(ask_of(fetch), CandlesAsk):
            return ""
        return self.roster.reason_to_leave(fetch.asset, found)

    def _event(self, fetch: ExchangeFetch, found: tuple[Value, ...]) -> Event | str:
        ask = ask_of(fetch)
        if isinstance(ask, CandlesAsk):
            return self._candles(ask, candles_of(found))
        if isinstance(ask, FundingAsk):
            for value in found:
                if isinstance(value, NextFunding):
                    self._inspection.note_funding(fetch.asset, value)
            return funding_of(fetch.asset, found)
        return interest_of(fetch.asset, found)

    def _candles(self, ask: CandlesAsk, found: list[Candle]) -> Event | str:
        """Take what is closed for certain; a hole in a whole history is told."""
        whole = list(proven(found, self.roster.market_ms()))
        if ask.interval is Interval.M5:
            self._inspection.note_candles(ask.asset)
            whole += self._streamed(whole)
        missing = holes(whole, ask.interval)
        if missing and ask.count >= CANDLES_KEPT[ask.interval]:
            return f"a hole of {len(missing)} {ask.interval} candles at {missing[0]}"
        return KlinesReceived(asset=ask.asset, candles=columns(whole, ask.interval))

    def _streamed(self, whole: list[Candle]) -> list[Candle]:
        """Return the candle that the stream closed and REST does not show yet."""
        if not whole:
            return []
        streamed = self._closed.get((whole[-1].source, whole[-1].asset))
        if streamed is None or streamed.open_time_ms != end_ms(whole[-1]):
            return []
        # a flag before the end is none: some streams have no stamp that would show it
        return [streamed] if end_ms(streamed) <= self.roster.market_ms() else []

    # ---- streams ------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Follow each asset at the source that serves it, and nowhere else."""
        serving = self.roster.selection.serving
        for name, source in self.roster.sources.items():
            assets = tuple(asset for asset in self.roster.assets if serving.get(asset) is name)
            source.stream(assets, self._applier(name))

    def _applier(self, name: SourceName) -> Callable[[StreamEvent], None]:
        def apply(event: StreamEvent) -> None:
            if isinstance(event, StreamLost):
                self._stream_lost(name, event)
            elif isinstance(event, Candle) and event.closed and event.interval is Interval.M5:
                self._closed[name, event.asset] = event

        return apply

    def _stream_lost(self, name: SourceName, event: StreamLost) -> None:
        times = self._lost[name] = self._lost.get(name, 0) + 1
        if times & (times - 1) == 0:  # the 1st, 2nd, 4th, 8th ... time
            log_event("source_stream_lost", source=name, reason=event.reason, times=times)
        if event.refusal is not None and event.refusal.cause in (Cause.BANNED, Cause.BLOCKED):
            self.roster.reports.source_refused(event.refusal)

    async def close(self) -> None:
        await self.roster.close()
