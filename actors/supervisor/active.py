"""Which supervisor watches: ``supervisor/current`` names it, all others stand by.

Two that watch at once would do little harm, since whatever they do goes through the gateway's
compare-and-set and alarms latch by name. So a file is enough here, and no lock. What holds now is
passed on with the turn, so that a condition that was said is not said again after a person cleared
its alarm.
"""

from typing import Final

import msgspec

from actors.supervisor.state import SupervisorState
from checkpoints.errors import MissingFileError
from checkpoints.storage import Storage

CONDITIONS: Final = "supervisor/conditions"


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor leaves to its successor."""

    to: str
    bad_since_ms: dict[str, int]
    raised: dict[str, int]


def keep_conditions(storage: Storage, state: SupervisorState, to: str) -> None:
    """Store durably what the next supervisor must know."""
    left = Conditions(to=to, bad_since_ms=state.bad_since_ms, raised=state.raised)
    storage.write(CONDITIONS, msgspec.json.encode(left))


def with_conditions(storage: Storage, name: str, state: SupervisorState) -> SupervisorState:
    """Add what the one before left to this supervisor; a restart of its own begins without."""
    try:
        left = msgspec.json.decode(storage.read(CONDITIONS), type=Conditions)
    except (MissingFileError, msgspec.DecodeError):
        return state
    if left.to != name:
        return state
    storage.delete(CONDITIONS)
    return msgspec.structs.replace(state, bad_since_ms=left.bad_since_ms, raised=left.raised)
