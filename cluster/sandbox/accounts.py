"""One account: what the chain shows, what unmined trades move, what open orders hold."""

from typing import Final

import msgspec

from cluster.sandbox.fees import FEE_RATE_PERCENT, notional_micro_usd, taker_fee_micro_usd
from cluster.sandbox.model import Balance, Order, Outcome, Side, Trade

FEE_ROUNDING_HOLD: Final = 500
"""Micro-USD: each trade of an order rounds its fee by at most 10, at most 50 prices apart."""


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One account's side of a trade."""

    api_key: str
    order_id: str
    token_id: str
    outcome: Outcome
    side: Side
    price: int
    shares: int
    fee_micro_usd: int
    maker: bool

    @property
    def notional_micro_usd(self) -> int:
        return notional_micro_usd(self.outcome, self.price, self.shares)

    @property
    def cash_micro_usd(self) -> int:
        """What the leg does to cash: negative for a buy."""
        if self.side is Side.BUY:
            return -self.notional_micro_usd - self.fee_micro_usd
        return self.notional_micro_usd - self.fee_micro_usd


def legs_of(trade: Trade) -> tuple[Leg, ...]:
    """Return the legs of real accounts, the taker's first."""
    legs: list[Leg] = []
    if trade.taker_api_key:
        legs.append(
            Leg(
                api_key=trade.taker_api_key,
                order_id=trade.taker_order_id,
                token_id=trade.token_id,
                outcome=trade.outcome,
                side=trade.side,
                price=trade.price,
                shares=trade.shares,
                fee_micro_usd=trade.fee_micro_usd,
                maker=False,
            )
        )
    legs += [
        Leg(
            api_key=leg.api_key,
            order_id=leg.order_id,
            token_id=leg.token_id,
            outcome=leg.outcome,
            side=leg.side,
            price=leg.price,
            shares=leg.shares,
            fee_micro_usd=0,
            maker=True,
        )
        for leg in trade.makers
        if leg.api_key
    ]
    return tuple(legs)


class Account:
    """Changed only by the fold over the ledger's records."""

    def __init__(self, api_key: str, address: str, cash_micro_usd: int) -> None:
        self.api_key = api_key
        self.address = address
        self.cash = cash_micro_usd
        self.tokens: dict[str, int] = {}
        self.open: dict[str, Order] = {}
        """LIVE and DELAYED orders by id, oldest first."""
        self._outgoing_cash = 0
        self._outgoing_tokens: dict[str, int] = {}

    # ---- questions

    def cash_balance(self) -> Balance:
        held = sum(_held_cash(order) for order in self.open.values() if order.side is Side.BUY)
        return Balance(settled=self.cash, ordered=held, matched=self._outgoing_cash)

    def token_balance(self, token_id: str) -> Balance:
        held = sum(
            order.remaining_shares
            for order in self.open.values()
            if order.side is Side.SELL and order.token_id == token_id
        )
        settled, matched = self.tokens.get(token_id, 0), self._outgoing_tokens.get(token_id, 0)
        return Balance(settled=settled, ordered=held, matched=matched)

    # ---- the fold

    def matched(self, leg: Leg) -> None:
        """Set aside what the trade will take; what it brings is usable once MINED."""
        if leg.side is Side.BUY:
            self._outgoing_cash -= leg.cash_micro_usd
        else:
            _add(self._outgoing_tokens, leg.token_id, leg.shares)

    def failed(self, leg: Leg) -> None:
        """Give back what was set aside: the trade never reached the chain."""
        if leg.side is Side.BUY:
            self._outgoing_cash += leg.cash_micro_usd
        else:
            _add(self._outgoing_tokens, leg.token_id, -leg.shares)

    def mined(self, leg: Leg) -> None:
        self.failed(leg)
        self.cash += leg.cash_micro_usd
        bought = leg.shares if leg.side is Side.BUY else -leg.shares
        _add(self.tokens, leg.token_id, bought)

    def redeem(self, token_ids: tuple[str, str], paid_micro_usd: int) -> None:
        """Exchange the tokens of a settled market for cash."""
        for token_id in token_ids:
            self.tokens.pop(token_id, None)
        self.cash += paid_micro_usd

    def take_shares(self, shares: dict[str, int]) -> None:
        """Burn shares by token; a negative number gives them back."""
        for token_id, count in shares.items():
            _add(self.tokens, token_id, -count)


def _held_cash(order: Order) -> int:
    """Return what an open buy may still cost: a taker's fee too until it rests."""
    if order.budget_micro_usd is not None:
        left = order.budget_left_micro_usd
        return left + budget_fee_hold(left)
    notional = notional_micro_usd(order.outcome, order.price, order.remaining_shares)
    may_take = order.queue_ahead_at_placement is None and not order.post_only
    return notional + (fee_hold(order.price, order.remaining_shares) if may_take else 0)


def fee_hold(price: int, shares: int) -> int:
    """Return what fees may come to, however many trades an order falls into."""
    return taker_fee_micro_usd(price, shares) + FEE_ROUNDING_HOLD


def budget_fee_hold(budget_micro_usd: int) -> int:
    """Return what fees may come to when dollars are spent, at whatever prices."""
    return -(-budget_micro_usd * FEE_RATE_PERCENT // 100) + FEE_ROUNDING_HOLD


def _add(amounts: dict[str, int], key: str, change: int) -> None:
    total = amounts.get(key, 0) + change
    if total:
        amounts[key] = total
    else:
        amounts.pop(key, None)
