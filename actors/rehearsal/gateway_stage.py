"""The gateway's machine on recorded state, for a rehearsal, with a clock of its own."""

from collections.abc import Iterable
from typing import Final

from actors.config import FleetConfig
from actors.gateway.events import (
    Append,
    Event,
    PostDone,
    StreamUpdated,
    Ticked,
    VenuePolled,
    fresh_state,
)
from actors.gateway.fold import fold
from actors.gateway.ledger import Ledger
from actors.gateway.records import Outbox, Record
from actors.gateway.risk_case import Rules
from actors.gateway.step import step
from actors.rehearsal.orders import SLOT, Act
from actors.rehearsal.room import RehearsalError
from actors.venue.port import PostOutcome, VenueOrder, VenueTrade
from signals.decision import Style
from signals.market import Side

LATER_MS: Final = 10_000
"""Wire: longer than any grace that the step gives a lost answer."""


class Stage:
    """The gateway's machine on recorded state, with a clock of the rehearsal's own."""

    def __init__(self, config: FleetConfig, ledger: Ledger, wire_ms: int, market_ms: int) -> None:
        self.rules = Rules(limits=config.risk, timing=config.timing)
        self.state = fresh_state(ledger)
        self.wire_ms = wire_ms
        self.market_ms = market_ms
        self.acts = 0
        self._began = ledger
        self._records: list[Record] = []

    def at(self) -> dict[str, int]:
        return {"wire_ms": self.wire_ms, "market_ms": self.market_ms}

    def apply(self, event: Event) -> None:
        self.state, effects = step(self.state, event, self.rules)
        for effect in effects:
            if isinstance(effect, Append):
                self._records += effect.records

    def check_log(self) -> None:
        """Prove that the records alone give the same ledger: that is what a restart folds."""
        if fold(self._began, self._records) != self.state.ledger:
            raise RehearsalError("the log of it gives another state")
        self._began, self._records = self.state.ledger, []

    def pass_time(self, wire_ms: int = LATER_MS, market_ms: int = 0) -> None:
        self.wire_ms += wire_ms
        self.market_ms += market_ms
        self.apply(Ticked(**self.at()))

    def poll(self, orders: Iterable[VenueOrder] = (), trades: Iterable[VenueTrade] = ()) -> None:
        looked = VenuePolled(
            started_wire_ms=self.wire_ms,
            orders=tuple(orders),
            trades=tuple(trades),
            wire_ms=self.wire_ms,
            market_ms=self.market_ms,
        )
        self.apply(looked)

    def trade(self, trade: VenueTrade) -> None:
        self.apply(StreamUpdated(event=trade, **self.at()))

    def order(self, name: str, side: Side = Side.BUY, style: Style = Style.REST) -> Act:
        """Put one order of the rehearsal into the ledger, as if the log had it."""
        self.acts += 1
        box = self.state.ledger.outbox.get(SLOT) or Outbox()
        act = Act(
            name=f"{name}-{self.acts}",
            market_ms=self.market_ms,
            wire_ms=self.wire_ms,
            side=side,
            style=style,
            sequence=box.last_sequence + 1,
        )
        self._records += act.written()
        ledger = fold(self.state.ledger, act.written())
        self.state = type(self.state)(ledger=ledger, flight=self.state.flight)
        return act

    def posted(self, act: Act, outcome: PostOutcome) -> None:
        self.apply(PostDone(order_id=act.order_id, outcome=outcome, **self.at()))

    def reported(self, act: Act) -> list[str]:
        """Return what the slot was told of an order, by kind."""
        events = self.state.ledger.outbox[SLOT].events[-self.since(act) :]
        return [type(event).__name__ for event in events]

    def since(self, act: Act) -> int:
        return self.state.ledger.outbox[SLOT].last_sequence - act.sequence + 1

    def must_report(self, act: Act, *kinds: str) -> None:
        reported = self.reported(act)
        missing = [kind for kind in kinds if kind not in reported]
        if missing:
            raise RehearsalError(f"{act.name}: the slot is not told {missing[0]}, only {reported}")
