"""A gateway that keeps its word, for one slot: fences, first contents, an outbox, the ledger."""

from typing import Any

import msgspec

from actors.messages import (
    FenceRecord,
    FillConfirmed,
    Filled,
    FillFailed,
    Granted,
    Intent,
    IntentFenced,
    IntentReceived,
    OrderEnd,
    OrderEnded,
    OrderSigned,
    Settled,
)
from actors.slot.events import (
    SendClaim,
)
from actors.slot.seat import Seat
from signals.market import Outcome, Side
from signals.units import MicroUsd
from tests.actors.slot.builders import SLOT


class Gateway:
    """Fences, the first content of each intent, an outbox, and the venue's ledger behind it."""

    def __init__(self) -> None:
        self.record: FenceRecord | None = None
        self.intents: dict[str, Intent] = {}
        self.outbox: list[Any] = []
        self.fills: dict[str, Filled] = {}
        self.failed: set[str] = set()
        self.winners: dict[str, Outcome] = {}
        self.acknowledged = 0

    def emit(self, event: Any) -> None:
        self.outbox.append(msgspec.structs.replace(event, sequence=len(self.outbox) + 1))

    def claim(self, asker: Seat, ask: SendClaim) -> Granted:
        self.record = FenceRecord(
            slot=SLOT,
            fence=1 if self.record is None else self.record.fence + 1,
            incarnation=asker.who.incarnation,
            life=asker.who.life,
            release=asker.who.attestation.release,
            commit="",
            params=ask.params,
            journal_sequence=ask.journal_sequence,
            outbox_sequence=ask.outbox_sequence,
        )
        return Granted(record=self.record)

    def send(self, intent: Intent) -> IntentReceived | IntentFenced:
        if self.record is None or intent.fence != self.record.fence:
            return IntentFenced(intent_id=intent.intent_id, reason="fence")
        known = intent.intent_id in self.intents
        if not known:
            self.intents[intent.intent_id] = intent
            self.emit(self._signed(intent))
        return IntentReceived(intent_id=intent.intent_id, known=known)

    def _signed(self, intent: Intent) -> OrderSigned:
        names = set(OrderSigned.__struct_fields__) & set(Intent.__struct_fields__)
        fields = {name: getattr(intent, name) for name in names}
        return OrderSigned(sequence=0, order_id=f"o/{intent.intent_id}", at_ms=0, **fields)

    def fill(self, intent_id: str) -> None:
        intent = self.intents[intent_id]
        fill = Filled(
            sequence=0,
            fill_id=f"t{len(self.fills)}",
            order_id=f"o/{intent_id}",
            condition_id=intent.condition_id,
            outcome=intent.outcome,
            side=intent.side,
            price=intent.price,
            shares=intent.shares,
            fee_micro_usd=MicroUsd(10),
            maker=False,
            at_ms=0,
        )
        self.fills[fill.fill_id] = fill
        self.emit(fill)

    def finish_fill(self, fill_id: str, *, fails: bool) -> None:
        if fails:
            self.failed.add(fill_id)
            self.emit(FillFailed(sequence=0, fill_id=fill_id, at_ms=0))
        else:
            self.emit(FillConfirmed(sequence=0, fill_id=fill_id, at_ms=0))

    def end(self, intent_id: str) -> None:
        order_id = f"o/{intent_id}"
        self.emit(
            OrderEnded(sequence=0, order_id=order_id, end=OrderEnd.CANCELLED, reason="", at_ms=0)
        )

    def settle(self, condition_id: str, winner: Outcome) -> None:
        self.winners[condition_id] = winner
        self.emit(Settled(sequence=0, condition_id=condition_id, winner=winner, at_ms=0))

    def cash_micro_usd(self) -> int:
        total = 0
        for fill in self.fills.values():
            if fill.fill_id in self.failed:
                continue
            sign = 1 if fill.side is Side.BUY else -1
            total -= sign * fill.price * fill.shares // 1_000_000 + fill.fee_micro_usd
            if self.winners.get(fill.condition_id) is fill.outcome:
                total += sign * fill.shares
        return total
