"""Markets and books as the venue tells them at one instant, live or long settled."""

import msgspec

from cluster.sandbox.book import flip
from cluster.sandbox.floor import Floor
from cluster.sandbox.markets import LiveMarket, resolve_market_ms
from cluster.sandbox.model import BookView, Market, Now, Timeframe
from cluster.sandbox.settlement import e18_text, verdict
from cluster.sandbox.views import book_view


class Listings:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def by_slug(self, slug: str, now: Now) -> Market | None:
        market = self._floor.registry.parse(slug, now.market_ms)
        return None if market is None else self._at(market, now)

    def by_condition(self, condition_id: str, now: Now) -> Market | None:
        market = self._floor.registry.by_condition(condition_id)
        return None if market is None else self._at(market, now)

    def listed(self, asset: str, timeframe: Timeframe | None) -> tuple[Market, ...]:
        return tuple(
            live.market
            for live in self._floor.live.values()
            if asset in ("", live.market.asset) and timeframe in (None, live.market.timeframe)
        )

    def book(self, token_id: str, now: Now) -> BookView | None:
        """Return a token's book; None once its market has closed, and before it takes orders."""
        condition_id = self._floor.registry.condition_of(token_id)
        live: LiveMarket | None = self._floor.live.get(condition_id or "")
        if live is None:
            return None
        outcome = live.market.outcome_of(token_id)
        assert outcome is not None, "the market was found by this token"
        return book_view(live, outcome, now)

    def price_history(self, token_id: str) -> tuple[tuple[int, int], ...]:
        """Return (market ms, the token's price) of a live market's trades, oldest first."""
        live = self._floor.live.get(self._floor.registry.condition_of(token_id) or "")
        if live is None:
            return ()
        outcome = live.market.outcome_of(token_id)
        assert outcome is not None, "the market was found by this token"
        return tuple((market_ms, flip(outcome, price)) for market_ms, price in live.history)

    def _at(self, market: Market, now: Now) -> Market:
        live = self._floor.live.get(market.condition_id)
        if live is not None:
            return live.market
        due_ms = resolve_market_ms(self._floor.config.seed, market)
        if market.closed or now.market_ms < due_ms:
            return market
        found = verdict(self._floor.prices, market)
        return msgspec.structs.replace(
            market,
            closed=True,
            winner=found.winner,
            price_to_beat=e18_text(found.open_twap_e18),
            final_price=e18_text(found.close_twap_e18),
            resolved_market_ms=due_ms,
        )
