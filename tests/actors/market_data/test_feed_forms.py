"""Bodies that parse and say what cannot be: fees, windows, rows that contradict themselves."""

import asyncio
import json

import msgspec
import pytest

from actors.config import Venue
from actors.feeds import polymarket_feed, reads
from actors.feeds.binance import (
    parse_funding,
    parse_klines,
    parse_next_funding_ms,
    parse_open_interest,
    parse_open_interest_history,
)
from actors.feeds.http import Malformed
from actors.feeds.kept_stream import keep_nothing
from actors.feeds.polymarket_feed import PolymarketFeed
from actors.market_data.events import FetchBooks, FetchFailed, FetchKlines, FetchMarket
from signals.fair_value import NoData
from signals.market import Asset, Outcome, Timeframe, Window
from signals.offers import best_offer
from signals.params import Params
from signals.snapshot import Interval
from tests.actors.market_data.recordings import WINDOW
from tests.actors.market_data.test_feeds import event, klines, read, row
from tests.signals.builders import make_market

NOWHERE = "http://127.0.0.1:9"
VENUE = Venue(
    clob_url=NOWHERE,
    gamma_url=NOWHERE,
    data_url=NOWHERE,
    relayer_url=NOWHERE,
    market_ws_url=NOWHERE,
    user_ws_url=NOWHERE,
    prices_ws_url=NOWHERE,
    binance_url=NOWHERE,
)

# ---- what a market says of its fee --------------------------------------------------------------


def test_nobody_trades_on_a_fee_that_is_not_known() -> None:
    """What is not said in full is no market, see tests/actors/venue/test_market_rule.py."""
    for rate, known in (("not known", False), ("0", True), ("0.07", True), ("0.0", True)):
        market = msgspec.structs.replace(make_market(WINDOW), fee_rate=rate)
        offer = best_offer(0.99, market, (Outcome.UP,), Params().edge)
        unknown = isinstance(offer, NoData) and "the fee is not known" in offer.reason
        assert unknown is not known


@pytest.mark.parametrize(
    "said", [{"feeSchedule": "0.07"}, {"feeSchedule": {"rate": "free"}}, {"feesEnabled": "no"}]
)
def test_a_fee_of_another_form_is_no_market(said: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read(event(**said))


# ---- rows that say two things -------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        klines(row(0, close_ms=59_999)),  # a candle of a minute
        klines(row(0, close_ms=899_999)),
        klines(row(0, volume="1250", quote="12.5")),  # quote units where base belongs
        klines(row(0, open="10010", high="10100", low="9950", close="10070")),  # cents
        klines(row(0, quote="1e300")),
        klines(row(0, volume="1e300")),
        klines(row(0, quote="nan")),
        klines(row(300_000), row(0)),  # newest first
    ],
)
def test_a_row_that_contradicts_itself_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_klines(body, Interval.M5, 10**15)


def test_a_candle_is_closed_by_a_later_one_or_by_some_time_not_by_our_clock_alone() -> None:
    body = klines(row(0), row(300_000))
    assert parse_klines(body, Interval.M5, 300_001).open_time_ms == (0,), "the next one is there"
    for fast_ms in (0, 1, 1_500, 2_900):
        early = parse_klines(body, Interval.M5, 600_000 + fast_ms)
        assert early.open_time_ms == (0,), "it may still form: our clock may be fast"
    assert parse_klines(body, Interval.M5, 603_000).open_time_ms == (0, 300_000)
    assert parse_klines(klines(row(0, close_ms=299_999)), Interval.M5, 299_000).open_time_ms == ()


def test_a_row_of_another_symbol_is_malformed() -> None:
    told = {"symbol": "ETHUSDT"}
    bodies = (
        (parse_funding, [told | {"fundingTime": 1, "fundingRate": "0.1"}]),
        (parse_next_funding_ms, told | {"nextFundingTime": 1}),
        (parse_open_interest, told | {"openInterest": "1", "time": 1}),
        (parse_open_interest_history, [told | {"sumOpenInterest": "1", "timestamp": 1}]),
    )
    for parse, body in bodies:
        assert parse(json.dumps(body).encode(), "ETHUSDT")  # type: ignore[operator]
        with pytest.raises(Malformed, match="asked for BTCUSDT"):
            parse(json.dumps(body).encode(), "BTCUSDT")  # type: ignore[operator]


@pytest.mark.parametrize(
    "said",
    [
        b'"orderMinSize": 1e400',
        b'"orderPriceMinTickSize": 1e400',
        b'"eventStartTime": "0001-01-01T00:00:00+14:00"',
        b'"endDate": "9999-12-31T23:59:59-14:00"',
        b'"cryptoMarketConfig": {"twapLookbackSeconds": 1e400}',
        b'"feeSchedule": {"rate": 1e400, "exponent": 1, "takerOnly": true}',
    ],
)
def test_numbers_and_dates_beyond_all_bounds_end_no_fetch(said: bytes) -> None:
    body = event().replace(b'"conditionId"', said + b', "conditionId"', 1)
    name = said.partition(b":")[0]
    first = body.index(name)
    last = body.rindex(name)
    if first != last:  # the later of two equal keys counts
        body = body[:last] + b'"x"' + body[last + len(name) :]
    with pytest.raises(Malformed):
        read(body)


class Nothing:
    """A configuration of which only the hosts are asked."""

    venue = VENUE
    storage = "/nowhere/storage"


def polymarket() -> PolymarketFeed:
    return PolymarketFeed(Nothing(), lambda _event: None, keep_nothing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parser", "ask"),
    [
        (
            "fetch_market",
            FetchMarket(job="market/x", slug="x", asset=Asset.BTC, window=Window(0, Timeframe.M5)),
        ),
        ("fetch_books", FetchBooks(job="books", token_ids=("1",))),
    ],
)
def test_whatever_a_parser_of_the_venue_raises_the_job_is_answered(
    monkeypatch: pytest.MonkeyPatch, parser: str, ask: FetchMarket | FetchBooks
) -> None:
    async def breaks(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(polymarket_feed, parser, breaks)

    async def perform() -> object:
        return await reads.FeedReads(VENUE.binance_url, polymarket()).perform(ask, 0)

    answer = asyncio.run(perform())
    assert isinstance(answer, FetchFailed)
    assert (answer.job, answer.malformed) == (ask.job, True)


def test_whatever_a_parser_raises_the_job_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(reads, "fetch_klines", breaks)
    ask = FetchKlines(job="klines/btc/5m", asset=Asset.BTC, interval=Interval.M5, limit=3)

    async def perform() -> object:
        return await reads.FeedReads(VENUE.binance_url, polymarket()).perform(ask, 0)

    answer = asyncio.run(perform())
    assert isinstance(answer, FetchFailed)
    assert answer.job == ask.job
    assert answer.malformed
