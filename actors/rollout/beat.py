"""The rollout under way, as its record in the storage shows it to whoever must not import Ray."""

from typing import Final

import msgspec

from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

ACTIVE_ROLLOUT: Final = "rollouts/active.json"
ROLLOUT_BEAT: Final = "beat"
"""File beside a rollout's plan: wire ms of its driver's last sign of life."""


class ActiveRollout(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed of the rollout's own record."""

    rollout: str
    begun_wire_ms: float = 0.0


def active_rollout(storage: Storage) -> ActiveRollout | None:
    try:
        return msgspec.json.decode(storage.read(ACTIVE_ROLLOUT), type=ActiveRollout)
    except (CheckpointsError, msgspec.MsgspecError):
        return None


def last_beat_ms(storage: Storage, rollout: str) -> float:
    """Return when a rollout's driver last gave a sign (wire ms); 0 before the first."""
    try:
        return float(storage.read(f"rollouts/{rollout}/{ROLLOUT_BEAT}"))
    except (CheckpointsError, ValueError):
        return 0.0
