"""What the venue knows of its markets: what it lists, who holds what, and the ledger."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

import msgspec

from actors.venue.answers import AccountBalance, ListedMarket, TokenBook
from actors.venue.port import (
    TradeStatus,
    VenueTrade,
)
from signals.market import Outcome, Side, Timeframe, Window
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd

STARTING_CASH: Final = 100_000 * MICRO


class Market(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    slot: str
    close_s: float


def token_id(condition_id: str, outcome: Outcome) -> str:
    return f"{condition_id}/{outcome}"


def _ledger_value(trade: VenueTrade) -> int:
    """Price times shares as docs/sandbox-ledger.md says it, written apart from the fleet's rule."""
    value = Decimal(trade.price * trade.shares) / MICRO
    up = trade.token_id.endswith(f"/{Outcome.UP}")
    return int(value.to_integral_value(ROUND_FLOOR if up else ROUND_CEILING))


class VenueBooks:
    """Markets, trades and results: what anybody may ask, and what the fills come to."""

    def __init__(self) -> None:
        self.markets: dict[str, Market] = {}
        self.trades: dict[str, VenueTrade] = {}
        self.winners: dict[str, Outcome] = {}

    # ---- what anybody may ask -----------------------------------------------------------------

    def listed_market(self, slug: str) -> ListedMarket | None:
        """Every window's market exists ahead of its first order, as at the venue."""
        asset, _, timeframe, open_s = slug.split("-")
        window = Window(1_000 * int(open_s), Timeframe(timeframe))
        condition_id = f"0x{asset}-{timeframe}-{window.open_ms}"
        return ListedMarket(
            slug=slug,
            condition_id=condition_id,
            up_token_id=token_id(condition_id, Outcome.UP),
            down_token_id=token_id(condition_id, Outcome.DOWN),
            min_order_shares=MicroShares(5 * MICRO),
            open_ms=window.open_ms,
            close_ms=window.close_ms,
        )

    def token_book(self, token: str) -> TokenBook:
        return TokenBook(
            token_id=token,
            condition_id=token.rsplit("/", 1)[0],
            tick_micro_usd=10_000,
            bid=PriceMicroUsd(490_000),
            ask=PriceMicroUsd(510_000),
        )

    def account(self, tokens: tuple[str, ...]) -> AccountBalance:
        slots = {market.slot for market in self.markets.values()}
        cash = STARTING_CASH + sum(self.cash_micro_usd(slot) for slot in slots)
        return AccountBalance(
            cash_micro_usd=MicroUsd(cash),
            shares={token: MicroShares(self._held(token)) for token in tokens},
        )

    def _held(self, token: str) -> int:
        signs = {Side.BUY: 1, Side.SELL: -1}
        return sum(
            signs[trade.side] * trade.shares
            for trade in self.trades.values()
            if trade.token_id == token and trade.status is not TradeStatus.FAILED
        )

    # ---- the ledger ---------------------------------------------------------------------------

    def cash_micro_usd(self, slot: str) -> int:
        """Return what the slot's fills and payouts come to, failed ones left out."""
        total = 0
        for trade in self.trades.values():
            market = self.markets[trade.condition_id]
            if market.slot != slot or trade.status is TradeStatus.FAILED:
                continue
            sign = 1 if trade.side is Side.BUY else -1
            total -= sign * _ledger_value(trade)
            total -= trade.fee_micro_usd
            winner = self.winners.get(trade.condition_id)
            if winner is not None and trade.token_id == token_id(trade.condition_id, winner):
                total += sign * trade.shares
        return total
