"""What a replay found."""

import msgspec

from cluster.audit.problem import Problem
from cluster.replay.compare import Difference


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that came out otherwise."""

    slot: str
    sequence: int
    due_ms: int
    release: str
    """Of the recorded decision."""
    difference: Difference
    recorded: str
    """Action, reason and legs."""
    made: str
    winner: str | None = None
    recorded_pnl_micro_usd: int | None = None
    """Of the recorded decision's legs, see `cluster.replay.paid`; None while unsettled."""
    made_pnl_micro_usd: int | None = None


class ReleaseReplay(msgspec.Struct, frozen=True, kw_only=True):
    """What one release decided now."""

    release: str
    commit: str
    decisions: int
    """Recorded."""
    made: int
    identical: int
    without_strategy: int
    """No snapshot or a blocked strategy: the slot itself said no trade, nothing to make again."""
    refused: int
    """Cannot be made again; `problems` says why."""
    start_seconds: float
    """Until its first process was ready: unpacked, started, imported, attested."""
    decide_seconds: float
    """Processor time of the release's own process: snapshots decoded, decided, encoded, hashed."""
    fingerprint: str | None
    archived_fingerprint: str | None

    @property
    def fingerprint_differs(self) -> bool:
        known = self.fingerprint is not None and self.archived_fingerprint is not None
        return known and self.fingerprint != self.archived_fingerprint


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    ran_in: str
    with_release: str | None
    """None: each decision in the release that made it."""
    decisions: int
    made: int
    identical: int
    without_strategy: int
    refused: int
    identical_share: float | None
    """Of what was made again; None if nothing was."""
    all_identical: bool
    """Every wanted decision was made again and is equal, nothing was refused, and no damaged file
    may have held one more."""
    seconds: float
    decisions_per_second: float
    """Everything in: reading, starting the releases' processes, comparing."""
    decisions_per_second_per_process: float
    """Within a release's process, by its own processor time: per core."""
    processes: int
    releases: tuple[ReleaseReplay, ...]
    differing_count: int
    differing: tuple[Differing, ...]
    """The first `DIFFERING_MAX`."""
    suspect: str | None
    problems: tuple[Problem, ...]
