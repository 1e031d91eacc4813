"""Where the redeemer's alarms go: into the fleet's storage, and said in the log at once."""

from pathlib import Path
from typing import Final

from actors.config import FleetConfig
from actors.detectors.registry import new_alarm
from actors.redemption.claim import Claim
from actors.redemption.events import EndAlarm, RaiseAlarm
from actors.redemption.state import usd
from actors.runtime import log_event, wire_ms
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage

NOT_REDEEMED: Final = "not_redeemed"
FAILED: Final = "redeemer_failed"
REDEEMER: Final = "redeemer"


class RedeemerAlarms:
    """Nothing here raises: an alarm that cannot be stored is said in the log."""

    def __init__(self, root: Path, config: FleetConfig) -> None:
        self._store = AlarmStore(LocalStorage(root))
        self._clock = config.clock

    def deliver(self, effect: RaiseAlarm | EndAlarm) -> None:
        if isinstance(effect, EndAlarm):
            self._end(NOT_REDEEMED, effect.condition_id, "the money came")
            return
        wire = wire_ms()
        self._raise(
            new_alarm(
                NOT_REDEEMED,
                effect.claim.condition_id,
                _evidence(effect.claim) | {"seen": effect.text},
                wire_ms=int(wire),
                market_ms=self._clock.market_ms(wire),
            )
        )

    def failed(self, reason: str) -> None:
        log_event("redeemer_failed", reason=reason)
        self._raise(new_alarm(FAILED, REDEEMER, {"seen": reason}, wire_ms=int(wire_ms())))

    def works(self) -> None:
        self._end(FAILED, REDEEMER, "it works again")

    def latched(self) -> frozenset[str]:
        """Return the markets that an earlier life raised an alarm for, which is not cleared."""
        try:
            states = self._store.latched()
        except (CheckpointsError, OSError):
            return frozenset()
        return frozenset(one.alarm.subject for one in states if one.alarm.kind == NOT_REDEEMED)

    def _raise(self, alarm: Alarm) -> None:
        log_event("alarm", kind=alarm.kind, subject=alarm.subject, evidence=str(alarm.evidence))
        try:
            self._store.raise_alarm(alarm)
        except (CheckpointsError, OSError) as error:
            log_event("alarm_not_stored", kind=alarm.kind, error=str(error))

    def _end(self, kind: str, subject: str, why: str) -> None:
        try:
            for state in self._store.latched():
                if state.alarm.kind == kind and state.alarm.subject == subject:
                    self._store.clear(state.alarm.id, why, REDEEMER, int(wire_ms()))
        except (CheckpointsError, OSError) as error:
            log_event("alarm_not_cleared", kind=kind, error=str(error))


def _evidence(claim: Claim) -> dict[str, str]:
    return {
        "market": claim.slug,
        "condition": claim.condition_id,
        "worth_usd": usd(claim.worth_micro_usd),
        "step": claim.phase.value,
        "tries": str(claim.tries),
        "last_answer": claim.trouble,
    }
