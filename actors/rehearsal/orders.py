"""Orders of a rehearsal: made as records, so that no risk rule stands between them and a fill."""

import zlib
from typing import Final

import msgspec

from actors.gateway.records import IntentKept, OrderWritten, Record
from actors.messages import Intent, OrderSigned, intent_id
from actors.venue.port import TradeStatus, VenueOrder, VenueTrade
from signals.decision import Style
from signals.market import CYCLE_MS, Outcome, Side, Timeframe
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd

PRICE: Final = PriceMicroUsd(500_000)
SHARES: Final = MicroShares(10 * MICRO)
PART: Final = MicroShares(4 * MICRO)
SLOT: Final = "btc-5m"
LEGS_FROM: Final = 1_000


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a rehearsal and the times it is made at."""

    name: str
    market_ms: int
    wire_ms: int
    side: Side = Side.BUY
    style: Style = Style.REST
    slot: str = SLOT
    sequence: int = 1
    """Of the slot's outbox."""

    @property
    def order_id(self) -> str:
        return f"0x{self.name.encode().hex():0<64}"[:66]

    @property
    def condition_id(self) -> str:
        return f"rehearsal-{self.name}"

    @property
    def token_id(self) -> str:
        return f"rehearsal-token-{self.name}"

    @property
    def leg(self) -> int:
        """Tell acts of one moment apart; beyond all legs that a strategy has."""
        return LEGS_FROM + zlib.crc32(self.name.encode())

    @property
    def intent(self) -> Intent:
        open_ms = self.market_ms - self.market_ms % CYCLE_MS
        return Intent(
            intent_id=intent_id(self.slot, open_ms, self.market_ms, self.leg),
            slot=self.slot,
            incarnation=0,
            fence=0,
            window_open_ms=open_ms,
            timeframe=Timeframe.M5,
            due_ms=self.market_ms,
            condition_id=self.condition_id,
            token_id=self.token_id,
            outcome=Outcome.UP,
            side=self.side,
            style=self.style,
            price=PRICE,
            shares=SHARES,
            close_ms=open_ms + 2 * CYCLE_MS,
            fee_rate="0.07",
            min_order_shares=MicroShares(5 * MICRO),
            book_mid=PRICE,
            snapshot="0" * 64,
            release="rehearsal",
            commit="rehearsal",
            params="rehearsal",
            sent_wire_ms=self.wire_ms,
        )

    def written(self) -> tuple[Record, ...]:
        """Return what the log says of an intent that was approved and signed."""
        intent = self.intent
        signed = OrderSigned(
            sequence=self.sequence,
            intent_id=intent.intent_id,
            order_id=self.order_id,
            condition_id=intent.condition_id,
            outcome=intent.outcome,
            side=intent.side,
            style=intent.style,
            price=intent.price,
            shares=intent.shares,
            close_ms=intent.close_ms,
            at_ms=self.market_ms,
            release=intent.release,
            commit=intent.commit,
            params=intent.params,
            snapshot=intent.snapshot,
        )
        return (
            IntentKept(intent=intent, wire_ms=self.wire_ms, market_ms=self.market_ms),
            OrderWritten(
                slot=self.slot,
                event=signed,
                token_id=self.token_id,
                body=b"rehearsal",
                signed_wire_ms=self.wire_ms,
            ),
        )

    def listed(self, filled: int = 0) -> VenueOrder:
        return VenueOrder(
            order_id=self.order_id,
            condition_id=self.condition_id,
            token_id=self.token_id,
            side=self.side,
            price=PRICE,
            shares=SHARES,
            filled_shares=MicroShares(filled),
            status="LIVE",
            created_wire_ms=self.wire_ms,
        )

    def trade(
        self, number: int, shares: int = PART, status: TradeStatus = TradeStatus.MATCHED
    ) -> VenueTrade:
        return VenueTrade(
            fill_id=f"rehearsal-{number}/{self.order_id}",
            order_id=self.order_id,
            condition_id=self.condition_id,
            token_id=self.token_id,
            side=self.side,
            price=PRICE,
            shares=MicroShares(shares),
            maker=self.style is Style.REST,
            fee_micro_usd=MicroUsd(0),
            status=status,
            matched_wire_ms=self.wire_ms,
        )
