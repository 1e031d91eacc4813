"""A market that looks like ours and settles otherwise is refused by both of its readers."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.gamma import OtherMarket, fetch_market, parse_event
from actors.feeds.http import Malformed, feed_client
from actors.market_data.events import FetchMarket, MarketFound, MarketMissing
from actors.venue.answers import ListedMarket
from actors.venue.polymarket.listed_markets import read_listed_market
from actors.venue.polymarket.market_lists import find_event, list_path
from actors.venue.polymarket.market_rule import read_slug
from actors.venue.port import Unknown
from signals.market import Asset, Slot, Timeframe, Window, market_slug
from tests.actors.market_data.recordings import fixture
from tests.actors.venue.gamma_events import WINDOW, config, event_body, market_row, stream
from tests.actors.venue.loopback import Answer, loopback

NOW_MS = WINDOW.open_ms + 7_000
SLUG = market_slug(Asset.BTC, WINDOW)


def refused(body: bytes, asset: Asset = Asset.BTC, window: Window = WINDOW) -> str:
    """Return why market data refuses it; the gateway must refuse it too."""
    with pytest.raises(Malformed) as told:
        parse_event(body, asset, window, NOW_MS)
    seen = read_listed_market(body, market_slug(asset, window))
    assert isinstance(seen, Unknown), "the gateway would trade it"
    return str(told.value)


@pytest.mark.parametrize("asset", list(Asset))
@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_the_market_of_each_slot_is_read_alike_by_market_data_and_gateway(
    asset: Asset, timeframe: Timeframe
) -> None:
    window = Window(WINDOW.open_ms, timeframe)
    body = event_body(asset, window)
    known = parse_event(body, asset, window, NOW_MS)
    seen = read_listed_market(body, market_slug(asset, window))
    assert isinstance(seen, ListedMarket)
    assert (known.up_token_id, known.condition_id) == (seen.up_token_id, seen.condition_id)
    assert (known.fee_rate, known.min_order_shares) == ("0.07", seen.min_order_shares)
    assert (seen.open_ms, seen.close_ms) == (window.open_ms, window.close_ms)


def hourly(source: str) -> str:
    return f'Resolves to "Up" by the BTC/USDT 1 hour candle. Source: {source}.'


OTHERS: dict[str, dict[str, Any]] = {
    "another coin": {"cryptoMarketConfig": config(Asset.ETH, WINDOW)},
    "another coin's id": {"cryptoMarketConfig": config(Asset.BTC, WINDOW, id="eth-5m-twap-60")},
    "another duration": {"cryptoMarketConfig": config(Asset.BTC, WINDOW, duration="15m")},
    "no average": {"cryptoMarketConfig": config(Asset.BTC, WINDOW, twapEnabled=False)},
    "average not said": {"cryptoMarketConfig": config(Asset.BTC, WINDOW, twapEnabled=None)},
    "look-back 30": {"cryptoMarketConfig": config(Asset.BTC, WINDOW, twapLookbackSeconds=30)},
    "look-back not said": {
        "cryptoMarketConfig": config(Asset.BTC, WINDOW, twapLookbackSeconds=None)
    },
    "no rule": {"cryptoMarketConfig": None},
    "settles on a candle": {"resolutionSource": "https://www.binance.com/en/trade/BTC_USDT"},
    "says a candle": {"description": hourly("https://www.binance.com/en/trade/BTC_USDT")},
    "says a candle without address": {"description": hourly("Binance")},
    "source not said": {"resolutionSource": None},
    "source empty": {"resolutionSource": ""},
    "the spot stream": {"resolutionSource": "https://data.chain.link/streams/btc-usd"},
    "another coin's stream": {"resolutionSource": stream("eth")},
    "the stream of 30 s": {"resolutionSource": stream("btc", 30)},
    "two streams": {"description": f"See {stream('eth')}."},
    "a host that looks like it": {
        "resolutionSource": "https://data.chain.link.example/streams/btc-usd-twap-60s-streams"
    },
    "another end": {"endDate": "2026-01-01T00:15:00Z"},
    "another start": {"eventStartTime": "2025-12-31T23:55:00Z"},
    "half a second late": {"eventStartTime": "2026-01-01T00:00:00.500Z"},
    "start not said": {"eventStartTime": None},
    "end not said": {"endDate": None},
    "end never": {"endDate": "never"},
    "another slug": {"slug": "eth-updown-5m-1767225600"},
    "the hourly slug": {"slug": "bitcoin-up-or-down-january-1-2026-12am-et"},
    "slug not said": {"slug": None},
    "fee not said": {"feesEnabled": None, "feeSchedule": None},
    "fees on, form not said": {"feeSchedule": None},
    "fee without rate": {"feeSchedule": {"exponent": 1, "takerOnly": True}},
    "fee exponent 2": {"feeSchedule": {"rate": 0.25, "exponent": 2, "takerOnly": True}},
    "fee exponent not said": {"feeSchedule": {"rate": 0.07, "takerOnly": True}},
    "makers pay": {"feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": False}},
    "fee below zero": {"feeSchedule": {"rate": -0.01, "exponent": 1, "takerOnly": True}},
    "fee of seven": {"feeSchedule": {"rate": 7, "exponent": 1, "takerOnly": True}},
    "fees off with a rate": {"feesEnabled": False},
    "a fee form of tomorrow": {"feeType": "crypto_fees_v3"},
    "signed for another exchange": {"negRisk": True},
    "Yes and No": {"outcomes": '["Yes", "No"]'},
    "one outcome twice": {"outcomes": '["Up", "Up"]'},
    "three outcomes": {"outcomes": '["Up", "Down", "Flat"]'},
    "one token": {"clobTokenIds": '["111"]'},
    "one token twice": {"clobTokenIds": '["111", "111"]'},
    "no tokens": {"clobTokenIds": None},
}
EVENTS: dict[str, dict[str, Any]] = {
    "another coin's series": {"seriesSlug": "eth-up-or-down-5m"},
    "another duration's series": {"seriesSlug": "btc-up-or-down-15m"},
    "another event": {"slug": "btc-updown-5m-1767225900"},
    "an event of another end": {"endDate": "2026-01-01T01:00:00Z"},
    "an event of another source": {"resolutionSource": stream("eth")},
}


@pytest.mark.parametrize("what", list(OTHERS))
def test_a_look_alike_is_refused_with_its_reason(what: str) -> None:
    assert refused(event_body(Asset.BTC, WINDOW, **OTHERS[what]))


@pytest.mark.parametrize("what", list(EVENTS))
def test_an_event_that_contradicts_its_market_is_refused(what: str) -> None:
    assert refused(event_body(Asset.BTC, WINDOW, EVENTS[what]))


def test_each_slots_market_is_refused_by_every_other_slot() -> None:
    slots = [Slot(asset, timeframe) for asset in Asset for timeframe in Timeframe]
    for mine in slots:
        body = event_body(mine.asset, Window(WINDOW.open_ms, mine.timeframe))
        for other in slots:
            if other != mine:
                assert refused(body, other.asset, Window(WINDOW.open_ms, other.timeframe))


def test_tokens_are_paired_by_name_and_not_by_place() -> None:
    body = event_body(Asset.BTC, WINDOW, outcomes='["Down", "Up"]')
    known, seen = parse_event(body, Asset.BTC, WINDOW, NOW_MS), read_listed_market(body, SLUG)
    assert isinstance(seen, ListedMarket)
    assert known.token_ids == ("222", "111") == (seen.up_token_id, seen.down_token_id)


@pytest.mark.parametrize(
    "changes",
    [{"closed": True}, {"archived": True}, {"active": False}, {"enableOrderBook": False}],
    ids=repr,
)
def test_a_market_that_is_closed_is_known_and_takes_no_orders(changes: dict[str, Any]) -> None:
    assert not parse_event(
        event_body(Asset.BTC, WINDOW, **changes), Asset.BTC, WINDOW, NOW_MS
    ).accepting_orders


@pytest.mark.parametrize(
    "changes",
    [{"feesEnabled": False, "feeSchedule": None}, {"feeType": None}, {"feesEnabled": None}],
    ids=repr,
)
def test_a_fee_that_is_said_in_full_is_taken(changes: dict[str, Any]) -> None:
    found = parse_event(event_body(Asset.BTC, WINDOW, **changes), Asset.BTC, WINDOW, NOW_MS)
    assert found.fee_rate == ("0" if changes.get("feeSchedule", 1) is None else "0.07")


@given(st.sampled_from(sorted(market_row(Asset.BTC, WINDOW))), st.data())
def test_no_field_of_another_kind_makes_a_reader_raise(name: str, data: st.DataObject) -> None:
    value = data.draw(st.none() | st.booleans() | st.integers() | st.text() | st.just([]))
    body = event_body(Asset.BTC, WINDOW, **{name: value})
    try:
        parse_event(body, Asset.BTC, WINDOW, NOW_MS)
    except Malformed:
        assert read_listed_market(body, SLUG) is not None


# ---- recorded rows ------------------------------------------------------------------------------


def recorded() -> list[dict[str, Any]]:
    text = fixture("polymarket/gamma_markets_all_assets_2026-09-22.json").read_text()
    rows: list[dict[str, Any]] = json.loads(text)["markets"]
    return rows


@pytest.mark.data
def test_every_recorded_market_of_averages_is_read_and_the_others_are_refused() -> None:
    assets = set()
    others = 0
    for row in recorded():
        body = json.dumps({"markets": [row]}).encode()
        named = read_slug(row["slug"])
        if named is not None:
            assert parse_event(body, *named, NOW_MS).fee_rate == "0.07"
            assert isinstance(read_listed_market(body, row["slug"]), ListedMarket)
            assets.add(named[0])
            continue
        others += 1
        for asset in Asset:  # whatever window it is asked for
            end_ms = 1_790_121_600_000 if row["endDate"].startswith("2026-09-23") else 0
            window = Window(end_ms - 900_000, Timeframe.M15)
            assert refused(body, asset, window)
            assert refused(
                json.dumps({"markets": [row | {"slug": market_slug(asset, window)}]}).encode(),
                asset,
                window,
            )
    assert (assets, others) == (set(Asset), 2)  # those of one hour settle on a candle


@pytest.mark.data
def test_an_hourly_market_under_our_slug_and_times_is_still_refused() -> None:
    """Only its rule tells it apart."""
    for row in recorded():
        if "up-or-down" not in row["slug"]:
            continue
        mine = market_row(Asset.BTC, WINDOW)
        same = ("slug", "eventStartTime", "endDate")
        disguised = row | {name: mine[name] for name in same}
        said = refused(json.dumps({"markets": [disguised]}).encode())
        assert "average" in said


@pytest.mark.data
def test_recorded_closed_markets_take_no_orders() -> None:
    text = fixture("polymarket/gamma_markets_closed_2026-09-22.json").read_text()
    for row in json.loads(text)["markets"]:
        named = read_slug(row["slug"])
        assert named is not None
        found = parse_event(json.dumps({"markets": [row]}).encode(), *named, NOW_MS)
        assert not found.accepting_orders


# ---- lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "btc",
        "btc-updown-5m",
        "btc-updown-5m-x",
        "btc-updown-1h-0",
        "PEPE-updown-5m-0",
        "btc-updown-5m-" + "9" * 400,
        "btc-updown-5m-007",
        "btc-updown-5m-\u0661",
    ],
)
def test_a_slug_that_names_no_slots_window_is_none(slug: str) -> None:
    assert read_slug(slug) is None


def test_a_list_is_searched_row_by_row_and_an_odd_row_hides_no_other() -> None:
    mine = json.loads(event_body(Asset.BTC, WINDOW)) | {"slug": SLUG}
    rows = [5, None, "x", {"slug": 7}, {"slug": "other"}, mine]
    found = find_event(json.dumps(rows).encode(), SLUG)
    assert found is not None
    assert parse_event(found, Asset.BTC, WINDOW, NOW_MS).up_token_id == "111"
    assert find_event(json.dumps(rows[:-1]).encode(), SLUG) is None
    for body in (b"", b"<html>", b"{}", b"null"):
        assert find_event(body, SLUG) is None


def test_a_market_whose_slug_answers_nothing_is_found_in_the_list() -> None:
    async def poll(listed: bytes | None) -> object:
        with loopback() as served:
            if listed is not None:
                served.answer("GET", "/events", Answer(json.loads(listed)))
            ask = FetchMarket(job="market/x", slug=SLUG, asset=Asset.BTC, window=WINDOW)
            async with feed_client(served.url) as client:
                return await fetch_market(client, ask, NOW_MS)

    event = json.loads(event_body(Asset.BTC, WINDOW)) | {"slug": SLUG}
    assert isinstance(asyncio.run(poll(json.dumps([event]).encode())), MarketFound)
    assert isinstance(asyncio.run(poll(b"[]")), MarketMissing)
    assert isinstance(asyncio.run(poll(None)), MarketMissing)
    other = event | {"markets": [market_row(Asset.BTC, WINDOW, cryptoMarketConfig=None)]}
    with pytest.raises(OtherMarket):
        asyncio.run(poll(json.dumps([other]).encode()))


def test_the_list_is_asked_for_what_ends_with_the_window() -> None:
    path = list_path(WINDOW)
    assert path.count("2026-01-01T00%3A05%3A00Z") == 2
    assert "limit=100" in path
