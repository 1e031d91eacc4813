"""Where what happens to the sources goes: a record for good, an alarm, the log."""

from typing import Final

from actors.config import FleetConfig
from actors.detectors.alarm_names import AlarmName
from actors.detectors.registry import new_alarm
from actors.market_data.sources.own_clock import Judged
from actors.market_data.sources.port import Refusal, SourceName
from actors.market_data.sources.selection import SourceSwitch
from actors.messages import encode
from actors.runtime import log_event, wire_ms
from checkpoints.alarms import AlarmStore
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage
from signals.market import Asset

SWITCHES: Final = "market-data/switches"
"""One file for each switch, ``<wire ms>.<asset>.msgpack``: a `SourceSwitch`."""
OWN_CLOCK: Final = "exchanges"
"""Subject of the alarms about our clock: who told it."""
ENDS: Final[dict[AlarmName, str]] = {
    "no_source": "a source serves it",
    "source_switched": "the first serves again",
    "clock_off": "our clock agrees with the exchanges' again",
}


class SourceRecords:
    """Makes each switch durable, and tells a person what needs one. Never raises."""

    def __init__(self, config: FleetConfig, storage: LocalStorage) -> None:
        self._clock = config.clock
        self._first = config.sources[0].name
        self._storage = storage
        self._alarms = AlarmStore(storage)
        self._clock_right: bool | None = None
        """What was told of our clock; None: nothing by this life."""

    def switched(self, switch: SourceSwitch) -> None:
        log_event(
            "source_switched",
            asset=switch.asset,
            source=switch.source,
            before=switch.before,
            reason=switch.reason,
        )
        name = f"{SWITCHES}/{switch.wire_ms}.{switch.asset}.msgpack"
        try:
            self._storage.create(name, encode(switch))
        except StorageError as error:
            log_event("source_switch_not_stored", asset=switch.asset, error=str(error))
        self._end("no_source", switch.asset)
        if switch.source == self._first:
            self._end("source_switched", switch.asset)
        elif switch.before is not None:
            evidence = {"from": switch.before, "to": switch.source, "because": switch.reason}
            self._raise("source_switched", switch.asset, evidence)

    def source_odd(self, source: SourceName, asset: Asset | None, cause: str) -> None:
        self._raise("source_odd", source, {"asset": asset or "all", "seen": cause})

    def source_refused(self, refusal: Refusal) -> None:
        self._raise("source_refused", refusal.source, {"answered": refusal.reason})

    def none_serves(self, asset: Asset, reason: str) -> None:
        self._raise("no_source", asset, {"answered": reason})

    def serves_again(self, asset: Asset) -> None:
        self._end("no_source", asset)

    def own_clock(self, judged: Judged) -> None:
        if judged.jumped:
            self._raise("clock_jumped", OWN_CLOCK, {"seen": judged.jumped})
        right = not judged.away
        if right is self._clock_right:
            return
        self._clock_right = right
        if right:
            self._end("clock_off", OWN_CLOCK)
        else:
            self._raise("clock_off", OWN_CLOCK, {"seen": judged.away})

    def _raise(self, kind: AlarmName, subject: str, evidence: dict[str, str]) -> None:
        wire = wire_ms()
        log_event("alarm", kind=kind, subject=subject, **evidence)
        alarm = new_alarm(
            kind, subject, evidence, wire_ms=int(wire), market_ms=self._clock.market_ms(wire)
        )
        try:
            self._alarms.raise_alarm(alarm)
        except StorageError as error:
            log_event("alarm_not_stored", kind=kind, error=str(error))

    def _end(self, kind: AlarmName, subject: str) -> None:
        try:
            for state in self._alarms.latched():
                if (state.alarm.kind, state.alarm.subject) == (kind, subject):
                    self._alarms.clear(state.alarm.id, ENDS[kind], "market data", int(wire_ms()))
        except StorageError as error:
            log_event("alarm_not_cleared", kind=kind, error=str(error))
