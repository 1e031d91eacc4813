"""Alarms as people read and clear them: grouped by cause, with short ids. Pure.

Sixteen slots that stopped of one cause are one line: alarms of one kind, release and advice stand
together. The short id of an alarm is the beginning of a digest of its id, as long as it must be to
name one alarm among those shown.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from checkpoints.alarms import AlarmState
from checkpoints.severity import Severity

SHORT_MIN: Final = 5
"""Letters of a short id; a million alarms would be needed for two equal ones among twenty."""
ORDER: Final = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.NOTICE: 2}


class AlarmGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms of one cause."""

    kind: str
    severity: Severity
    """The worst of them."""
    action: str
    release: str | None
    alarms: tuple[AlarmState, ...]
    """Oldest first."""

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(state.alarm.subject for state in self.alarms))


def group_alarms(states: Iterable[AlarmState]) -> tuple[AlarmGroup, ...]:
    """Put alarms of one kind, advice and release together; the worst and oldest groups first."""
    groups: dict[tuple[str, str, str | None], list[AlarmState]] = {}
    for state in states:
        alarm = state.alarm
        groups.setdefault((alarm.kind, alarm.action, alarm.release), []).append(state)
    made = [
        AlarmGroup(
            kind=kind,
            severity=min((one.alarm.severity for one in members), key=ORDER.__getitem__),
            action=action,
            release=release,
            alarms=tuple(sorted(members, key=lambda one: one.alarm.raised_wire_ms)),
        )
        for (kind, action, release), members in groups.items()
    ]
    return tuple(
        sorted(made, key=lambda one: (ORDER[one.severity], one.alarms[0].alarm.raised_wire_ms))
    )


def short_ids(identities: Sequence[str]) -> dict[str, str]:
    """Return id to short id: the shortest beginning of its digest that names it alone."""
    digests = {one: hashlib.sha256(one.encode()).hexdigest() for one in identities}
    length = SHORT_MIN
    while len({digest[:length] for digest in digests.values()}) < len(digests):
        length += 1
    return {identity: digest[:length] for identity, digest in digests.items()}


def find_alarms(word: str, identities: Sequence[str]) -> tuple[str, ...]:
    """Return the ids that a person's word names: a whole id, else a short one or its beginning."""
    if word in identities:
        return (word,)
    shorts = short_ids(identities)
    word = word.lower()
    return tuple(one for one in identities if shorts[one].startswith(word) and len(word) > 1)
