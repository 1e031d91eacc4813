"""What the exchange lists is configured: further assets, and 4h markets under the same rule."""

from pathlib import Path

import click
import pytest

from cluster.sandbox.listed import more_assets, more_timeframes
from cluster.sandbox.model import ASSETS, TIMEFRAMES, Market, Outcome, Timeframe
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.server.gamma_bodies import gamma_event
from cluster.sandbox.server.market_lists import series_id
from tests.cluster.sandbox.core.small_exchange import SmallExchange

WINDOW_MS = 14_400_000


@pytest.fixture
def desk(tmp_path: Path) -> SmallExchange:
    return SmallExchange(
        tmp_path, assets=(*ASSETS, "ton"), timeframes=tuple(Timeframe), house_at_work=False
    )


def running(desk: SmallExchange) -> list[Market]:
    listed = desk.exchange.markets_listed(desk.now)
    return [m for m in listed if m.open_market_ms <= desk.now.market_ms]


def test_nine_assets_have_markets_of_three_timeframes(desk: SmallExchange) -> None:
    found = {(market.asset, market.timeframe) for market in running(desk)}
    assert found == {(asset, frame) for asset in (*ASSETS, "ton") for frame in Timeframe}
    ids = {series_id(market) for market in running(desk)}
    assert len(ids) == 27, "each asset and timeframe is a series of its own"


def test_a_4h_market_opens_on_its_grid_and_settles_by_the_averages_at_both_ends(
    desk: SmallExchange,
) -> None:
    market = desk.market("ton", Timeframe.H4)
    assert market.slug == f"ton-updown-4h-{market.open_market_ms // 1000}"
    assert market.open_market_ms % WINDOW_MS == 0
    assert market.close_market_ms - market.open_market_ms == WINDOW_MS
    desk.until_market_ms(market.close_market_ms + 60_000, step_wire_ms=2_000)
    settled = desk.exchange.market_by_slug(market.slug, desk.now)
    assert settled is not None
    prices = Prices(1, None, ("ton",))
    opened, closed = (
        prices.twap_sum("ton", at) for at in (market.open_market_ms, market.close_market_ms)
    )
    assert settled.winner is (Outcome.UP if closed >= opened else Outcome.DOWN)
    assert opened != closed


def test_a_market_says_in_the_venues_words_what_it_is(desk: SmallExchange) -> None:
    event = gamma_event(desk.market("ton", Timeframe.H4))
    assert event.title.startswith("TON Up or Down")
    assert event.series_slug == "ton-up-or-down-4h"
    config = event.markets[0].crypto_market_config
    assert (config.asset, config.duration) == ("ton", "4h")


def test_what_is_not_listed_is_not_found(tmp_path: Path) -> None:
    plain = SmallExchange(tmp_path)
    assert {m.timeframe for m in running(plain)} == set(TIMEFRAMES)
    open_s = plain.now.market_ms // WINDOW_MS * WINDOW_MS // 1000
    for slug in (f"ton-updown-5m-{open_s}", f"btc-updown-4h-{open_s}"):
        assert plain.exchange.market_by_slug(slug, plain.now) is None


def test_the_prices_of_the_eight_do_not_depend_on_what_else_is_listed() -> None:
    alone, among = Prices(7, None), Prices(7, None, ("ada", "ton", *ASSETS))
    at = alone.start_market_ms + 3_600_000
    assert [alone.spot(asset, at) for asset in ASSETS] == [among.spot(a, at) for a in ASSETS]
    assert among.spot("ada", at) != among.spot("ton", at) > 0


def test_the_options_name_more_assets_and_timeframes_once_each() -> None:
    assert more_assets("ton, ada,ton,btc") == ("ton", "ada")
    assert more_timeframes("4h,5m") == (Timeframe.H4,)
    assert more_assets(None) == more_timeframes(None) == ()
    with pytest.raises(click.BadParameter, match="2 to 10 small letters"):
        more_assets("TON")
    with pytest.raises(click.BadParameter, match=r"no '1h'; there are 5m, 15m, 4h"):
        more_timeframes("1h")
