"""Carry out matches: trades at the resting price, fees on the taker, statuses after delays."""

import hashlib
from itertools import groupby

import msgspec

from cluster.sandbox.accounts import legs_of
from cluster.sandbox.behaviours import Behaviour
from cluster.sandbox.book import HOUSE, Hit, flip, is_bid
from cluster.sandbox.events import BookReplaced, LastTrade, OrderChange, TradeChanged
from cluster.sandbox.fees import taker_fee_micro_usd
from cluster.sandbox.floor import Floor
from cluster.sandbox.markets import LiveMarket
from cluster.sandbox.model import (
    MakerLeg,
    Now,
    Outcome,
    Side,
    Trade,
    TradeStatus,
)
from cluster.sandbox.records import Traded, TradeMoved
from cluster.sandbox.views import book_view

SLOW_CHAIN_MS = (10_000, 50_000)
"""Wire ms by which the chain is late at times, from and to, as operators report."""


class Taker(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes: an account's order, or the house (empty `api_key`)."""

    order_id: str
    api_key: str
    address: str
    outcome: Outcome
    side: Side


class Matching:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._house_trades = 0
        self._to_fail = 0
        self._doomed: set[str] = set()
        self._slow_ms: dict[str, int] = {}
        """Wire ms by which the chain is late with a trade."""

    def fail_next(self, count: int) -> None:
        """Let the next `count` trades that concern accounts end FAILED."""
        self._to_fail = count

    def execute(self, live: LiveMarket, taker: Taker, hits: list[Hit], now: Now) -> tuple[str, ...]:
        """Trade against the hits, one trade per price; return the trades' ids."""
        return tuple(
            self._one_price(live, taker, up_price, list(group), now)
            for up_price, group in groupby(hits, key=lambda hit: hit.resting.up_price)
        )

    def progress(self, now: Now) -> None:
        """Move trades along: MATCHED, then MINED or FAILED, then CONFIRMED."""
        for trade in list(self._floor.state.unfinished.values()):
            self._progress_one(trade, now)

    # ---- inside

    def _one_price(
        self, live: LiveMarket, taker: Taker, up_price: int, hits: list[Hit], now: Now
    ) -> str:
        trade = self._trade(live, taker, up_price, hits, now)
        for hit in hits:
            live.book.lower(hit.resting, hit.shares)
        if trade.taker_api_key or any(leg.api_key for leg in trade.makers):
            self._floor.record(Traded(trade=trade), now)
            if self._to_fail:
                self._to_fail -= 1
                self._doomed.add(trade.trade_id)
            self._delay(trade)
            for leg in legs_of(trade):
                self._floor.publish_order(leg.order_id, OrderChange.UPDATE, now)
            self._publish(trade, now)
        live.last_trade_price = up_price
        live.last_trade_side = Side.BUY if is_bid(trade.outcome, trade.side) else Side.SELL
        live.history.append((now.market_ms, up_price))
        self._publish_books(live, now)
        self._floor.emit(
            LastTrade(
                condition_id=live.market.condition_id,
                token_id=trade.token_id,
                side=trade.side,
                price=trade.price,
                shares=trade.shares,
                wire_ms=now.wire_ms,
                market_ms=now.market_ms,
            )
        )
        return trade.trade_id

    def _delay(self, trade: Trade) -> None:
        """Let the chain be slow with a share of the trades."""
        behaviours = self._floor.behaviours
        if behaviours.strikes(Behaviour.SLOW_CHAIN, trade.trade_id):
            first_ms, last_ms = SLOW_CHAIN_MS
            draw = behaviours.draw(Behaviour.SLOW_CHAIN, f"{trade.trade_id}/ms", last_ms - first_ms)
            self._slow_ms[trade.trade_id] = first_ms + draw

    def _trade(
        self, live: LiveMarket, taker: Taker, up_price: int, hits: list[Hit], now: Now
    ) -> Trade:
        market = live.market
        shares = sum(hit.shares for hit in hits)
        price = flip(taker.outcome, up_price)
        self._house_trades += 1
        name = f"{taker.order_id}/{self._floor.ledger.sequence}/{self._house_trades}"
        digest = hashlib.sha256(name.encode()).hexdigest()
        return Trade(
            trade_id=f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
            condition_id=market.condition_id,
            taker_order_id=taker.order_id,
            taker_api_key=taker.api_key,
            taker_address=taker.address,
            token_id=market.token_id(taker.outcome),
            outcome=taker.outcome,
            side=taker.side,
            price=price,
            shares=shares,
            fee_micro_usd=taker_fee_micro_usd(price, shares) if taker.api_key != HOUSE else 0,
            makers=tuple(self._maker(live, hit) for hit in hits),
            status=TradeStatus.MATCHED,
            matched_wire_ms=now.wire_ms,
            matched_market_ms=now.market_ms,
            updated_wire_ms=now.wire_ms,
            transaction_hash="0x" + hashlib.sha256(f"tx/{name}".encode()).hexdigest(),
        )

    def _publish_books(self, live: LiveMarket, now: Now) -> None:
        """Repeat both tokens' books, as the venue does after each trade."""
        if not self._floor.behaviours.on(Behaviour.BOOK_AT_EACH_TRADE):
            return
        self._floor.behaviours.note(Behaviour.BOOK_AT_EACH_TRADE)
        for outcome in Outcome:
            view = book_view(live, outcome, now)
            self._floor.emit(BookReplaced(book=view, after_trade=True))

    def _maker(self, live: LiveMarket, hit: Hit) -> MakerLeg:
        resting = hit.resting
        account = self._floor.state.accounts.get(resting.api_key)
        return MakerLeg(
            order_id=resting.order_id,
            api_key=resting.api_key,
            maker_address=account.address if account else HOUSE_ADDRESS,
            token_id=live.market.token_id(resting.outcome),
            outcome=resting.outcome,
            side=resting.side,
            price=resting.own_price,
            shares=hit.shares,
        )

    def _progress_one(self, trade: Trade, now: Now) -> None:
        config = self._floor.config
        age_ms = now.wire_ms - trade.matched_wire_ms - self._slow_ms.get(trade.trade_id, 0)
        if trade.status is TradeStatus.MATCHED:
            if age_ms < config.mined_after_wire_ms:
                return
            doomed = trade.trade_id in self._doomed
            self._doomed.discard(trade.trade_id)
            self._move(trade, TradeStatus.FAILED if doomed else TradeStatus.MINED, now)
        elif age_ms >= config.confirmed_after_wire_ms:
            self._slow_ms.pop(trade.trade_id, None)
            self._move(trade, TradeStatus.CONFIRMED, now)

    def _move(self, trade: Trade, status: TradeStatus, now: Now) -> None:
        self._floor.record(TradeMoved(trade_id=trade.trade_id, status=status), now)
        if status is TradeStatus.MINED:
            for leg in legs_of(trade):
                self._floor.record_cash(
                    leg.api_key, leg.cash_micro_usd, f"trade {trade.trade_id}", now
                )
        self._publish(self._floor.state.trades[trade.trade_id], now)

    def _publish(self, trade: Trade, now: Now) -> None:
        for api_key in dict.fromkeys(leg.api_key for leg in legs_of(trade)):
            self._floor.emit(
                TradeChanged(
                    api_key=api_key, trade=trade, wire_ms=now.wire_ms, market_ms=now.market_ms
                )
            )


HOUSE_ADDRESS = "0x" + "5a" * 20
"""The address that the sandbox's own makers and takers show."""
