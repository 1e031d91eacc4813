"""Which messages of alarms wait for a sink, and when each is tried again. Pure.

An alarm is told when it is raised and once more when it is over. A message is told again until the
sink takes it, with longer and longer pauses; the key names it, so that a receiver knows a repeat.
"""

from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.machine.backoff import Backoff
from checkpoints.alarms import Alarm, AlarmState, Cleared

PAUSES: Final = Backoff(first_ms=1_000, most_ms=60_000)
"""Wire, between tries of one message: a service that comes back is reached within a minute."""
TRIES_MAX: Final = 1_500
"""Of one message and life: a day at one a minute. The alarm stays latched in status whatever a sink
does."""
WAITING_MAX: Final = 1_000
"""Messages of one sink; more are left to `alarms list`. A fleet has some dozen kinds of alarm."""
RESOLVED_WITHIN_MS: Final = 86_400_000
"""Wire. What was over longer ago than a day is news to nobody: no message after an update."""
REPEAT_MS: Final = 300_000
"""Wire. The same kind and subject is told as raised at most so often; what comes sooner waits, and
is told with the number of those in between."""


class Status(StrEnum):
    RAISED = "raised"
    RESOLVED = "resolved"


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What a sink gets as JSON: the alarm's own fields, then what happened to it."""

    id: str
    kind: str
    subject: str
    severity: str
    action: str
    evidence: dict[str, str] = {}
    raised_wire_ms: int
    market_ms: int | None = None
    release: str | None = None
    status: Status = Status.RAISED
    key: str = ""
    """Of this message: the same at each try, so that a repeat is known."""
    tries: int = 1
    reason: str = ""
    """Of a resolved one: why it is over."""
    who: str = ""
    """Of a resolved one: who cleared it."""
    before: int = 0
    """Alarms of this kind and subject since the last one that was told: it comes and goes."""


def raised(alarm: Alarm) -> Message:
    fields = msgspec.structs.asdict(alarm)
    return Message(**{**fields, "severity": str(alarm.severity)}, key=f"{alarm.id}/raised")


def resolved(state: AlarmState, cleared: Cleared) -> Message:
    return replace(
        raised(state.alarm),
        status=Status.RESOLVED,
        key=f"{state.alarm.id}/resolved",
        reason=cleared.reason,
        who=cleared.who,
    )


def is_recent(cleared: Cleared, wire_ms: float) -> bool:
    at_ms = cleared.cleared_wire_ms
    return at_ms is not None and wire_ms - at_ms <= RESOLVED_WITHIN_MS


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    message: Message
    tries: int = 0
    """That were begun: the last one may be under way."""
    next_ms: float = 0
    since_ms: float = 0


class Outbox:
    """The messages that one sink has not taken, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._taken_ms: dict[str, float] = {}
        """When the last raised message of a kind and subject was told."""
        self._before: dict[str, int] = {}

    @property
    def keys(self) -> list[str]:
        return list(self._waiting)

    def put(self, message: Message, now_ms: float) -> None:
        """Take a message in; a raised one that comes soon after another of its kind waits."""
        if message.key in self._waiting or len(self._waiting) >= WAITING_MAX:
            return
        at_ms = now_ms
        if message.status is Status.RAISED:
            taken_ms = self._taken_ms.get(_about(message))
            at_ms = now_ms if taken_ms is None else max(now_ms, taken_ms + REPEAT_MS)
        elif self._drop_repeat(message):
            return
        self._waiting[message.key] = Waiting(message=message, next_ms=at_ms, since_ms=now_ms)

    def _drop_repeat(self, message: Message) -> bool:
        """Drop a repeat that ended before it was due, and count it for the next."""
        key = f"{message.id}/{Status.RAISED}"
        first = self._waiting.get(key)
        if first is None or first.tries > 0 or _about(message) not in self._taken_ms:
            return False
        del self._waiting[key]
        about = _about(message)
        self._before[about] = self._before.get(about, 0) + 1
        return True

    def due(self, now_ms: float) -> Message | None:
        """Begin a try and return its message: one at a time, the raised before its resolved."""
        for key, entry in self._waiting.items():
            if entry.next_ms <= now_ms and not self._has_elder(key):
                before = self._before.get(_about(entry.message), 0)
                if entry.message.status is Status.RESOLVED:
                    before = 0
                tries = entry.tries + 1
                self._waiting[key] = replace(entry, tries=tries)
                return replace(entry.message, tries=tries, before=before)
        return None

    def _has_elder(self, key: str) -> bool:
        identity, _, status = key.rpartition("/")
        return status == Status.RESOLVED and f"{identity}/{Status.RAISED}" in self._waiting

    def wait_ms(self, now_ms: float) -> float | None:
        """Return how long until a message is due; None: nothing waits."""
        times = [entry.next_ms for key, entry in self._waiting.items() if not self._has_elder(key)]
        return max(0.0, min(times) - now_ms) if times else None

    def taken(self, message: Message, now_ms: float) -> None:
        self._waiting.pop(message.key, None)
        if message.status is Status.RAISED:
            self._taken_ms[_about(message)] = now_ms
            self._before.pop(_about(message), None)
            self._forget_old(now_ms)

    def failed(self, message: Message, now_ms: float) -> bool:
        """Note a failed try; True: it was the last one, and the message is given up."""
        entry = self._waiting.get(message.key)
        if entry is None:
            return False
        if entry.tries >= TRIES_MAX:
            del self._waiting[message.key]
            return True
        next_ms = now_ms + PAUSES.wait_ms(entry.tries)
        self._waiting[message.key] = replace(entry, next_ms=next_ms)
        return False

    def failing(self) -> int:
        """Return how many messages were tried and not taken."""
        return sum(1 for entry in self._waiting.values() if entry.tries > 0)

    def _forget_old(self, now_ms: float) -> None:
        for about, taken_ms in list(self._taken_ms.items()):
            if now_ms - taken_ms > REPEAT_MS:
                del self._taken_ms[about]


def _about(message: Message) -> str:
    return f"{message.kind}/{message.subject}"
