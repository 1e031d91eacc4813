"""A market that is resolved against its own averages is found by what was recorded of it."""

from pathlib import Path

from actors.detectors import settlement
from actors.detectors.settlement import SettlementWatch
from checkpoints.journal_rows import RowKind
from cluster.sandbox.model import Market
from cluster.sandbox.prices.source import LOOKBACK_SECONDS
from cluster.sandbox.settlement import verdict
from signals.market import CYCLE_MS, Asset
from signals.snapshot import Snapshot, Ticks
from tests.checkpoints.builders import row
from tests.cluster.sandbox.core.small_exchange import SmallExchange

BACK_MS = 990_000


def recorded(desk: SmallExchange) -> Snapshot:
    """What market data would have kept of the last quarter of an hour."""
    now_ms = desk.now.market_ms
    last_ms = now_ms - now_ms % 1_000
    times = tuple(range(last_ms - BACK_MS, last_ms, 1_000))
    prices = desk.exchange.prices
    return Snapshot(
        asset=Asset.BTC,
        due_ms=now_ms,
        taken_ms=now_ms,
        candles=(),
        ticks=Ticks(
            observed_ms=times,
            twap=tuple(prices.twap_sum("btc", at) / LOOKBACK_SECONDS for at in times),
            spot=(),
        ),
        funding=(),
        next_funding_ms=None,
        open_interest=(),
        markets=(),
        ages=(),
    )


def settled(desk: SmallExchange) -> Market:
    """Let the running 5-minute market be resolved, and its close be recorded."""
    market = desk.market()
    desk.mint(100)
    desk.until_market_ms(market.close_market_ms + 60_000)
    found = desk.exchange.market(market.condition_id, desk.now)
    assert found is not None
    return found


def watch_of(desk: SmallExchange, *markets: Market) -> SettlementWatch:
    watch = SettlementWatch()
    for market in markets:
        assert market.winner is not None
        watch = settlement.apply(
            watch,
            row(
                1,
                kind=RowKind.ORDER_EVENT,
                slot="btc-5m",
                action="settled",
                condition_id=market.condition_id,
                outcome=str(market.winner),
                window_open_ms=market.open_market_ms,
            ),
        )
    watch = settlement.see(watch, (recorded(desk),))
    return settlement.tick(watch, desk.now.market_ms + CYCLE_MS)


def test_the_market_that_the_exchange_lies_about_is_named_and_the_honest_one_is_not(
    tmp_path: Path,
) -> None:
    desk = SmallExchange(tmp_path)
    desk.until_market_ms(desk.market().close_market_ms + 1_000)  # a whole window from here
    honest = settled(desk)
    lied_about = desk.market().slug
    desk.exchange.steer_resolutions(
        lambda _market, _now: False, lambda market: market.slug == lied_about
    )
    wrong = settled(desk)
    assert wrong.winner != verdict(desk.exchange.prices, wrong).winner
    watch = watch_of(desk, honest, wrong)
    assert (watch.agreed, watch.differences, watch.not_compared) == (1, 1, {})
    [found] = settlement.findings(watch)
    assert found.subject == wrong.slug
    assert found.evidence["series_at_open"]
    assert found.evidence["series_at_close"]
