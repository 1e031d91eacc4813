"""The venue's recorded bodies, and thousands of spoilt ones: none stops a feed, none is decided on.

Each body goes through every reader that could meet it, what is read goes into market data's
machine, and the snapshots that come out are decided by the strategy.
"""

import gzip
import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from actors.feeds.book_frames import read_frame
from actors.feeds.books import parse_books
from actors.feeds.gamma import OtherMarket, parse_event
from actors.feeds.http import Malformed
from actors.feeds.price_frames import Averages, read_price_frame
from actors.market_data.events import (
    AnswerSnapshot,
    BooksReceived,
    Event,
    FetchFailed,
    MarketFound,
    MarketRefused,
    SnapshotAsked,
    StreamFault,
    Timer,
)
from actors.market_data.inputs import TICK_SIZES
from actors.market_data.state import MarketDataState
from actors.market_data.step import step
from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.polymarket.listed_markets import read_book, read_listed_market
from actors.venue.polymarket.market_lists import find_event
from actors.venue.port import Unknown
from signals.decision import Position
from signals.market import Asset, Timeframe, market_slug
from signals.params import Params
from signals.snapshot import Feed, Snapshot
from signals.strategies import five_factor
from tests.actors.market_data.builders import BTC_5M, T0, at, market
from tests.actors.market_data.journeys import warm_state
from tests.actors.market_data.recordings import FIXTURES, fixture
from tests.actors.market_data.sources.test_fuzzed_bodies import BODIES, SEED, spoilt
from tests.actors.venue.gamma_events import WINDOW, event_body

pytestmark = pytest.mark.data
TOKENS = warm_state().followed.get("0x5m0", ("up5m0", "down5m0"))
SLUG = market_slug(Asset.BTC, WINDOW)
DECIDE_EVERY = 10
"""Bodies; a decision costs a hundred times as much as a body."""


def recorded() -> Iterator[bytes]:
    """Yield every recorded body of the venue, as bytes; its tokens are those of the test's books.

    Bodies speak of tokens that nobody here follows: the same body is given about ours too.
    """
    fixture("polymarket/DOCS_polybolt.jsonl")
    for path in sorted((FIXTURES / "polymarket").glob("*.jsonl")):
        yield from (json.loads(line)["raw"].encode() for line in path.read_text().splitlines())
    for path in sorted((FIXTURES / "polymarket").glob("*.json")):
        for row in json.loads(path.read_text()).get("markets", ()):
            yield json.dumps({"markets": [row]}).encode()
    yield from _older()
    yield event_body(Asset.BTC, WINDOW, {"eventMetadata": {"priceToBeat": 100.2}})


def _older() -> Iterator[bytes]:
    for name in ("rtds_frames_2026-09-05.jsonl", "gamma_markets_btc5m_sample.jsonl"):
        for line in fixture(name).read_text().splitlines():
            row = json.loads(line)
            yield json.dumps({"markets": [row["raw"]]} if "slug" in row else row).encode()
    for name in (
        "clob_order_errors_2026-06.json",
        "gamma_market_btc5m_resolved_down_2026-07-24.json",
    ):
        yield fixture(name).read_bytes()
    yield fixture("clob_ws_market_book_single.json").read_bytes()
    with gzip.open(fixture("clob_ws_market_book_btc-updown-5m-1776329100.jsonl.gz"), "rt") as file:
        for number, line in enumerate(file):
            if number % 100 == 0:
                yield json.dumps({"event_type": "book"} | json.loads(line)["raw"]).encode()


def about_ours(body: bytes) -> bytes:
    """Let a body speak of tokens, a time and a price that are of the machine's world."""
    value = msgspec.json.decode(body)
    stamp = str(T0 + 2_000)

    def turned(part: Any) -> Any:
        if isinstance(part, list):
            return [turned(one) for one in part]
        if not isinstance(part, dict):
            return part
        mine = {key: turned(one) for key, one in part.items()}
        if "asset_id" in mine:
            mine["asset_id"] = TOKENS[0]
        if "timestamp" in mine:
            mine["timestamp"] = stamp if isinstance(mine["timestamp"], str) else T0 + 2_000
        if mine.get("channel") == "price.crypto":
            mine["channel"] = "price.crypto.twap"
        if mine.get("source") == "pyth":
            mine["source"] = "chainlink"
        return mine

    return msgspec.json.encode(turned(value))


def events_of(body: bytes) -> Iterator[Event]:
    """Yield what market data would be given, were this body an answer or a frame."""
    yield from read_frame(body)
    try:
        read = parse_books(body)
        yield BooksReceived(books=read.books, polled=True, odd=read.odd)
    except Malformed as error:
        yield FetchFailed(job="books", reason=str(error), malformed=True)
    try:
        known = parse_event(body, Asset.BTC, WINDOW, T0)
        yield MarketFound(slug=SLUG, market=known)
    except OtherMarket as error:
        yield MarketRefused(slug="btc-updown-5m-1", asset=Asset.BTC, reason=str(error))
    except Malformed as error:
        yield FetchFailed(job=f"market/{SLUG}", reason=str(error), malformed=True)
    try:
        averages = read_price_frame(body)
        if isinstance(averages, Averages):
            yield averages.received
    except Malformed:
        yield StreamFault(stream="prices", malformed=1)


def gateway_reads(body: bytes) -> None:
    found = read_listed_market(body, SLUG)
    assert isinstance(found, ListedMarket | Unknown)
    book = read_book(body, TOKENS[0])
    assert isinstance(book, TokenBook | Unknown)
    if isinstance(book, TokenBook):
        prices = [price for price in (book.bid, book.ask) if price is not None]
        assert all(0 < price < 1_000_000 for price in prices)
    find_event(body, SLUG)


def snapshot_of(state: MarketDataState) -> tuple[MarketDataState, Snapshot]:
    state, effects = step(state, SnapshotAsked(asset=Asset.BTC, due_ms=T0 + 20_000), at(20_000))
    [made] = [effect.snapshot for effect in effects if isinstance(effect, AnswerSnapshot)]
    return state, made


def check(made: Snapshot) -> None:
    """Hold a snapshot against what a decision may see; what is odd must be said as a fault."""
    said = {age.feed for age in made.ages if age.fault}
    for view in made.markets:
        for book in (view.up_book, view.down_book):
            if book is None:
                continue
            levels = (*book.bids, *book.asks)
            assert all(0 < level.price < 1_000_000 and level.shares > 0 for level in levels)
            assert book.tick_micro_usd in TICK_SIZES
            crossed = book.bids and book.asks and book.bids[0].price >= book.asks[0].price
            assert not crossed or Feed.BOOKS in said
        assert view.price_to_beat is None or 0 < view.price_to_beat < 1e8
        assert view.twap_lookback_seconds == 60
        assert 0 <= float(view.fee_rate) <= 1
    assert all(0 < value < 1e8 for value in made.ticks.twap)


def decided(made: Snapshot) -> None:
    memory = five_factor.Memory()
    for timeframe in (Timeframe.M5, Timeframe.M15):
        five_factor.decide(made, timeframe, Position(), memory, Params())


def test_no_recorded_or_spoilt_body_of_the_venue_stops_a_feed_or_is_decided_on() -> None:
    chance = random.Random(SEED)
    bodies = list(recorded())
    for body in tuple(bodies):
        try:
            bodies.append(about_ours(body))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    first = warm_state()
    assert market_slug(Asset.BTC, market(BTC_5M, 0).window) == SLUG, "the readers' market is ours"
    state, changed = first, 0
    for number in range(len(bodies) + BODIES):
        body = (
            bodies[number]
            if number < len(bodies)
            else spoilt(chance.choice(bodies), chance, bodies)
        )
        before = state
        try:
            gateway_reads(body)
            for event in events_of(body):
                state, _ = step(state, event, at(2_000))
            if number % DECIDE_EVERY == 0:
                state, made = snapshot_of(state)
                check(made)
                decided(made)
                state, _ = step(state, Timer(), at(20_000))
                state = first  # each few bodies meet a healthy machine
        except Exception as error:
            raise AssertionError(f"{number}: {body!r}") from error
        changed += state.books != before.books or state.feeds != before.feeds
    print(f"{len(bodies)} recorded and {BODIES} spoilt bodies; {changed} changed what is known")
    assert changed
