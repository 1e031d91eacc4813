"""One step in the making: the only place where the gateway's state is written.

A step works on its own copy, so it is pure from outside. Records are folded as they are made: what
a later rule of the same step reads is what recovery would read.
"""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from actors.detectors.alarm_names import AlarmName
from actors.gateway.events import Answer, Append, Effect, EndAlarm, Event, RaiseAlarm, Sign, State
from actors.gateway.flight import Flight
from actors.gateway.fold import apply
from actors.gateway.ledger import Ledger
from actors.gateway.records import Published, Record
from actors.gateway.risk_case import Rules
from actors.gateway.table import Table
from actors.messages import OutboxEvent

NEVER_MS: Final = 1 << 62
UNAPPROVED_AGAIN_MS: Final = 60_000
"""Wire. Who comes again after the alarm was cleared is told again, and costs one write a minute."""


class Draft:
    """Copies lazily: a tick that finds nothing to do copies nothing of the ledger."""

    def __init__(self, state: State, event: Event, rules: Rules) -> None:
        self.rules = rules
        self.wire_ms = event.wire_ms
        self.market_ms = event.market_ms
        self.flight = _copy_flight(state.flight)
        self.ledger: Ledger = state.ledger
        self._owned = False
        self._records: list[Record] = []
        self._first: list[Effect] = []
        self._after: list[Effect] = []

    def record(self, record: Record) -> None:
        if not self._owned:
            self.ledger = self.ledger.copy()
            self._owned = True
        self.ledger = apply(self.ledger, record)
        self._records.append(record)

    def publish(self, slot: str, event: OutboxEvent) -> None:
        said = replace(event, gateway_release=self.flight.release)
        self.record(Published(slot=slot, event=said, wire_ms=self.wire_ms))

    def next_sequence(self, slot: str) -> int:
        box = self.ledger.outbox.get(slot)
        return 1 if box is None else box.last_sequence + 1

    def ask(self, effect: Effect) -> None:
        """Ask for an effect; it is performed after the step's records are durable."""
        (self._first if isinstance(effect, Sign) else self._after).append(effect)

    def answer(self, reply_to: int, message: msgspec.Struct) -> None:
        self.ask(Answer(reply_to=reply_to, message=message))

    def alarm(
        self,
        kind: AlarmName,
        subject: str,
        evidence: str,
        again_ms: int = NEVER_MS,
        release: str | None = None,
        action: str = "",
    ) -> None:
        """Raise an alarm once per kind and subject in this process, or again after `again_ms`."""
        key = f"{kind}/{subject}"
        said_ms = self.flight.alarmed.get(key)
        if said_ms is None or self.wire_ms - said_ms >= again_ms:
            self.flight.alarmed[key] = self.wire_ms
            self.ask(
                RaiseAlarm(
                    kind=kind, subject=subject, action=action, evidence=evidence, release=release
                )
            )

    def end_alarm(self, kind: AlarmName, subject: str, why: str) -> None:
        """End an alarm whose cause is over; it may be raised anew later.

        Asked once a process also without one: a former process may have raised it. An empty
        subject stands for all of the kind.
        """
        key = f"{kind}/{subject}"
        alarmed = self.flight.alarmed
        mine = [k for k in alarmed if k == key or (not subject and k.startswith(key))]
        for raised in mine:
            del alarmed[raised]
        if mine or key not in self.flight.alarms_over:
            self.flight.alarms_over[key] = self.wire_ms
            self.ask(EndAlarm(kind=kind, subject=subject, why=why))

    def alarm_unapproved(self, slot: str, release: str, what: str) -> None:
        """Tell that code which nobody let in has asked for something, and was refused."""
        self.alarm(
            "unapproved_release",
            f"{slot}/{release[:12]}",
            f"{what} of release {release}",
            UNAPPROVED_AGAIN_MS,
        )

    def close(self) -> tuple[State, tuple[Effect, ...]]:
        records = (Append(records=tuple(self._records)),) if self._records else ()
        state = State(ledger=self.ledger, flight=self.flight)
        return state, (*self._first, *records, *self._after)


def _copy_flight(flight: Flight) -> Flight:
    fields = {name: getattr(flight, name) for name in flight.__struct_fields__}
    copies: dict[str, Any] = {n: t.copy() for n, t in fields.items() if isinstance(t, Table)}
    return replace(flight, **copies)
