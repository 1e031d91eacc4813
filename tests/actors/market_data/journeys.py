"""Drive market data's machine: answer its fetches as healthy sources would."""

from collections.abc import Sequence

from actors.market_data.events import (
    AnswerSnapshot,
    BooksReceived,
    Effect,
    Event,
    FetchBooks,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FetchOpenInterest,
    FundingReceived,
    KlinesReceived,
    MarketFound,
    OpenInterestReceived,
    TicksReceived,
    Timer,
)
from actors.market_data.state import INTERVAL_MS, MarketDataState, Now
from actors.market_data.step import step
from signals.market import Asset
from signals.snapshot import FundingPoint, OpenInterestPoint, Snapshot
from tests.actors.market_data.builders import (
    BTC_5M,
    BTC_15M,
    T0,
    at,
    candles,
    fresh_state,
    levels,
    market,
    ticks,
)


def answer(ask: Effect, now: Now) -> Event | None:
    """Answer a fetch as a healthy source would at that instant."""
    match ask:
        case FetchKlines(asset=asset, interval=interval, limit=limit):
            length = INTERVAL_MS[interval]
            closed = now.market_ms - (now.market_ms - 345_600_000) % length
            count = limit - 1
            first = closed - length * count - T0
            return KlinesReceived(asset=asset, candles=candles(interval, first, count))
        case FetchFunding(asset=asset):
            point = FundingPoint(time_ms=T0 - 3_600_000, rate=0.0001)
            return FundingReceived(asset=asset, points=(point,), next_funding_ms=T0 + 25_200_000)
        case FetchOpenInterest(asset=asset):
            point_of_now = OpenInterestPoint(time_ms=now.market_ms, base_units=5.0)
            return OpenInterestReceived(asset=asset, points=(point_of_now,))
        case FetchMarket(slug=name, window=window):
            slot = BTC_5M if window.timeframe is BTC_5M.timeframe else BTC_15M
            found = market(slot, window.open_ms - T0, now.market_ms - T0)
            return MarketFound(slug=name, market=found)
        case FetchBooks(token_ids=tokens):
            stamp_ms = now.wire_ms - T0
            return BooksReceived(
                books=tuple(levels(token, stamp_ms=stamp_ms) for token in tokens), polled=True
            )
        case _:
            return None


def settle(
    state: MarketDataState, now: Now, events: Sequence[Event] = (Timer(),)
) -> tuple[MarketDataState, list[Effect]]:
    """Give events, answer every fetch, until nothing more is asked at this instant."""
    done: list[Effect] = []
    pending = list(events)
    for _ in range(200):
        if not pending:
            break
        state, effects = step(state, pending.pop(0), now)
        done += effects
        answers = [reply for effect in effects if (reply := answer(effect, now))]
        pending += [*answers, Timer()] if answers else []
    return state, done


def warm_state(ms: int = 0) -> MarketDataState:
    """Return a state that has had everything by now."""
    state, _ = settle(fresh_state(ms=ms), at(ms))
    state, _ = settle(state, at(ms + 1_000))
    known, _ = settle(
        state, at(ms + 1_000), [TicksReceived(asset=Asset.BTC, ticks=ticks((ms + 500, 100.0)))]
    )
    return known


def snapshots(effects: Sequence[Effect]) -> list[Snapshot]:
    return [effect.snapshot for effect in effects if isinstance(effect, AnswerSnapshot)]
