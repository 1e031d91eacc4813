"""Clearing alarms: which ones a person means, and the words about each."""

from collections.abc import Sequence

from checkpoints.alarms import AlarmStore
from cluster.errors import FleetError
from cluster.status.alarm_groups import find_alarms
from cluster.terminal.counting import counted


def chosen_alarms(store: AlarmStore, words: Sequence[str], kind: str | None) -> tuple[str, ...]:
    """Return the ids to clear; raise `FleetError` for a word that names none or several."""
    if words:
        known = [one.alarm.id for one in store.history()]
        return tuple(dict.fromkeys(_one(word, known) for word in words))
    latched = store.latched()
    chosen = tuple(one.alarm.id for one in latched if kind in {None, one.alarm.kind})
    if kind is not None and not chosen:
        kinds = ", ".join(sorted({one.alarm.kind for one in latched})) or "none"
        raise FleetError(f"there is no alarm of kind {kind}; there are: {kinds}")
    return chosen


def clear_alarms(
    store: AlarmStore, chosen: Sequence[str], reason: str, who: str, wire_ms: int
) -> tuple[str, ...]:
    """Clear them; return a line for each, also for one that somebody else has cleared."""
    return tuple(
        f"cleared {identity}"
        if store.clear(identity, reason, who, wire_ms)
        else f"{identity} was cleared before"
        for identity in chosen
    )


def _one(word: str, known: Sequence[str]) -> str:
    found = find_alarms(word, known)
    if not found:
        raise FleetError(f"there is no alarm {word}; `midstride alarms list` shows their ids")
    if len(found) > 1:
        raise FleetError(
            f"{word} names {counted(len(found), 'alarm')}; write more letters of the id"
        )
    return found[0]
