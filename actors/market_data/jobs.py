"""When each recurring fetch is due, what it asks for, and what its answer or failure means."""

from collections.abc import Iterator
from typing import Final

import msgspec

from actors.machine.backoff import Backoff
from actors.market_data.events import (
    Fetch,
    FetchBooks,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FetchOpenInterest,
    LogJob,
)
from actors.market_data.state import (
    CANDLES_KEPT,
    INTERVAL_MS,
    Job,
    KnownMarket,
    MarketDataState,
    Now,
    last_boundary_ms,
)
from signals.market import CYCLE_MS, Asset, Slot, Timeframe, Window, market_slug
from signals.snapshot import Candles, Feed, Interval

STREAM: Final = "stream/"
"""Before a stream's name, where its trouble stands beside that of jobs."""
RUNNING_MAX: Final = 12
"""Fetches in the air at once: the hosts allow far more, but one process must parse the answers."""
PAUSES: Final = Backoff(first_ms=250, most_ms=10_000)
"""Wire, after failures of one job in a row, as long as it takes."""
POLL_AGAIN_WIRE_MS: Final = 300
"""The least pause between two looks at a thing that was not there yet."""
HOLE_LOOK_MS: Final = 60_000
"""Market time between two looks at a history with a hole, which may stay for ever."""
KLINES_SPARE: Final = 3
"""Asked beyond the missing ones: the open candle, and the exchange's last corrections."""
FUNDING_LATE_MS: Final = 60_000
"""Market time. Funding is published some seconds after its instant."""
FUNDING_EVERY_MS: Final = 3_600_000
"""Market time. Also without a known next instant the list is read this often."""
MARKET_LOOK_MS: Final = 30_000
"""Market time between looks at a market that is not listed yet."""
MARKET_EVERY_MS: Final = 200_000
"""Market time between looks at a known one: three within the age limit of 600 s."""
PRICE_TO_BEAT_LOOK_MS: Final = 5_000
PRICE_TO_BEAT_WAIT_MS: Final = 120_000
"""Market time after the open. Published 5-30 s late; after this it is one of those never said."""
NEXT_WINDOW_MS: Final = 240_000
"""Market time before its open from which a window's market is looked for."""
FOLLOW_AHEAD_MS: Final = 60_000
"""Market time before the open from which a market's books are followed."""
BOOKS_EVERY_WIRE_MS: Final = 1_000
"""The least pause between two REST looks at quiet books."""


def windows_wanted(slot: Slot, now_ms: int) -> tuple[Window, ...]:
    """Return the current window, and the next one when its open is near."""
    current = Window.at(now_ms, slot.timeframe)
    if current.close_ms - now_ms > NEXT_WINDOW_MS:
        return (current,)
    return (current, Window(current.close_ms, slot.timeframe))


def wanted_markets(state: MarketDataState, now: Now) -> dict[str, tuple[Asset, Window]]:
    return {
        market_slug(slot.asset, window): (slot.asset, window)
        for slot in state.settings.slots
        for window in windows_wanted(slot, now.market_ms)
    }


def with_market_jobs(state: MarketDataState, now: Now) -> MarketDataState:
    """Add jobs of windows that came near; forget markets and books of windows that are over."""
    wanted = wanted_markets(state, now)
    fresh = [slug for slug in wanted if f"market/{slug}" not in state.jobs]
    if not fresh:
        return state
    jobs = {
        name: job
        for name, job in state.jobs.items()
        if not name.startswith("market/") or name.removeprefix("market/") in wanted or job.running
    }
    jobs |= {f"market/{slug}": Job(due_ms=0) for slug in fresh}
    markets = {slug: market for slug, market in state.markets.items() if slug in wanted}
    tokens = {token for market in markets.values() for token in market.token_ids}
    return msgspec.structs.replace(
        state,
        jobs=jobs,
        markets=markets,
        books={token: book for token, book in state.books.items() if token in tokens},
        trouble={
            name: text
            for name, text in state.trouble.items()
            if name in jobs or name.startswith(STREAM)
        },
    )


def start_due_jobs(state: MarketDataState, now: Now) -> tuple[MarketDataState, list[Fetch]]:
    """Start what is due, oldest due time first, within the limit of running ones."""
    due = sorted(
        (job.due_ms, place, name)
        for place, (name, job) in enumerate(state.jobs.items())
        if not job.running and job.due_ms <= now.market_ms and job.not_before_wire_ms <= now.wire_ms
    )
    free = RUNNING_MAX - sum(job.running for job in state.jobs.values())
    jobs = dict(state.jobs)
    fetches: list[Fetch] = []
    for _, _, name in due:
        if len(fetches) >= free:
            break
        fetch = _fetch(state, name, now)
        if fetch is None:
            jobs[name] = _again(jobs[name], now.market_ms, now.wire_ms + BOOKS_EVERY_WIRE_MS)
            continue
        jobs[name] = msgspec.structs.replace(jobs[name], running=True)
        fetches.append(fetch)
    return msgspec.structs.replace(state, jobs=jobs), fetches


def _fetch(state: MarketDataState, name: str, now: Now) -> Fetch | None:
    kind, _, rest = name.partition("/")
    if kind == "klines":
        asset, _, interval = rest.partition("/")
        return _klines(state, name, Asset(asset), Interval(interval), now)
    if kind == "open_interest":
        asset_feeds = state.feeds[Asset(rest)]
        return FetchOpenInterest(job=name, asset=Asset(rest), history=not asset_feeds.open_interest)
    if kind == "funding":
        return FetchFunding(job=name, asset=Asset(rest))
    if kind == "market":
        return _market(name, rest)
    stale = tuple(stale_books(state, now))
    return FetchBooks(job=name, token_ids=stale) if stale else None


def _klines(
    state: MarketDataState, name: str, asset: Asset, interval: Interval, now: Now
) -> FetchKlines:
    known = state.feeds[asset].candles[interval]
    limit = CANDLES_KEPT[interval] + 1
    if len(known) >= CANDLES_KEPT[interval] and _is_whole(known):
        closed_ms = known.open_time_ms[-1] + INTERVAL_MS[interval]
        missing = (now.market_ms - closed_ms) // INTERVAL_MS[interval]
        limit = min(limit, missing + KLINES_SPARE)
    return FetchKlines(job=name, asset=asset, interval=interval, limit=limit)


def _is_whole(known: Candles) -> bool:
    """Tell whether no candle is missing between the first and the last: else all is asked for."""
    length_ms = INTERVAL_MS[known.interval]
    return known.open_time_ms[-1] - known.open_time_ms[0] == (len(known) - 1) * length_ms


def _market(name: str, slug: str) -> FetchMarket:
    asset, _, timeframe, open_s = slug.split("-")
    window = Window(int(open_s) * 1_000, Timeframe(timeframe))
    return FetchMarket(job=name, slug=slug, asset=Asset(asset), window=window)


def stale_books(state: MarketDataState, now: Now) -> Iterator[str]:
    """Yield tokens whose book is missing, suspect, or silent for half of its age limit."""
    silent_ms = state.settings.limits_ms[Feed.BOOKS] // 2
    for tokens in state.followed.values():
        for token in tokens:
            book = state.books.get(token)
            if book is None or book.suspect or now.market_ms - book.received_ms > silent_ms:
                yield token


def _again(job: Job, due_ms: int, not_before_wire_ms: int) -> Job:
    return msgspec.structs.replace(
        job, due_ms=due_ms, not_before_wire_ms=not_before_wire_ms, running=False
    )


# ---- answers ----------------------------------------------------------------------------------


def after_klines(
    state: MarketDataState, asset: Asset, interval: Interval, now: Now
) -> MarketDataState:
    """Next at the coming boundary; sooner if the newest closed candle or an older one misses."""
    known = state.feeds[asset].candles[interval]
    boundary_ms = last_boundary_ms(interval, now.market_ms)
    complete = bool(len(known)) and known.open_time_ms[-1] + INTERVAL_MS[interval] >= boundary_ms
    due_ms = boundary_ms + INTERVAL_MS[interval] if complete else now.market_ms
    if complete and not _is_whole(known):
        due_ms = min(due_ms, now.market_ms + HOLE_LOOK_MS)
    return answered(state, f"klines/{asset}/{interval}", due_ms, now)


def after_open_interest(state: MarketDataState, asset: Asset, now: Now) -> MarketDataState:
    due_ms = now.market_ms - now.market_ms % CYCLE_MS + CYCLE_MS
    return answered(state, f"open_interest/{asset}", due_ms, now)


def after_funding(state: MarketDataState, asset: Asset, now: Now) -> MarketDataState:
    due_ms = now.market_ms + FUNDING_EVERY_MS
    next_ms = state.feeds[asset].next_funding_ms
    if next_ms is not None:
        due_ms = min(due_ms, max(next_ms, now.market_ms) + FUNDING_LATE_MS)
    return answered(state, f"funding/{asset}", due_ms, now)


def after_market(
    state: MarketDataState, slug: str, market: KnownMarket | None, now: Now
) -> MarketDataState:
    if market is None:
        due_ms = now.market_ms + MARKET_LOOK_MS
    elif market.price_to_beat is None and _price_may_come(market.window, now):
        due_ms = max(now.market_ms, market.window.open_ms) + PRICE_TO_BEAT_LOOK_MS
    else:
        due_ms = now.market_ms + MARKET_EVERY_MS
    return answered(state, f"market/{slug}", due_ms, now)


def _price_may_come(window: Window, now: Now) -> bool:
    return now.market_ms < window.open_ms + PRICE_TO_BEAT_WAIT_MS


def answered(state: MarketDataState, name: str, due_ms: int, now: Now) -> MarketDataState:
    if name not in state.jobs:
        return state
    pause_ms = BOOKS_EVERY_WIRE_MS if name == "books" else POLL_AGAIN_WIRE_MS
    job = Job(due_ms=due_ms, not_before_wire_ms=now.wire_ms + pause_ms)
    trouble = {other: text for other, text in state.trouble.items() if other != name}
    return msgspec.structs.replace(state, jobs=state.jobs | {name: job}, trouble=trouble)


def failed(
    state: MarketDataState, name: str, reason: str, now: Now
) -> tuple[MarketDataState, list[LogJob]]:
    """Back off; say so at the 1st, 2nd, 4th, 8th ... failure in a row."""
    if name not in state.jobs:
        return state, []
    failures = state.jobs[name].failures + 1
    job = Job(
        due_ms=state.jobs[name].due_ms,
        not_before_wire_ms=now.wire_ms + PAUSES.wait_ms(failures),
        failures=failures,
    )
    state = msgspec.structs.replace(
        state, jobs=state.jobs | {name: job}, trouble=state.trouble | {name: reason}
    )
    loud = failures & (failures - 1) == 0
    return state, [LogJob(job=name, reason=reason, failures=failures)] if loud else []
