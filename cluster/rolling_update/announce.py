"""Make a roll's plan document, keep it under its digest, and say what has to happen next."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from actors.clock import wall_ms
from actors.rollout.plan import Plan, changes_nothing
from actors.runtime import load_config
from checkpoints.approvals import ReplayFindings
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.gate.document import PlanDocument
from cluster.gate.entry import announce, next_step
from cluster.gate.replayed import replay_findings
from cluster.replay.errors import ReplayError
from cluster.replay.recorded import Wanted
from cluster.replay.run import ReplayOptions, replay
from cluster.rolling_update.gated import document_of
from cluster.rolling_update.planning import Request, plan_for

REPLAY_LAST: Final = 288
"""Decisions made again for a plan: a day of one 5-minute slot, an hour and a half of sixteen."""


REPLAY_PROBE: Final = 16
"""Decisions made again to learn the pace."""
REPLAY_SECONDS_MAX: Final = 10.0
"""A person waits so long for a question without being told."""


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    plan: str
    """Digest of the stored document."""
    next: str
    refusals: tuple[str, ...]
    """Of this moment: `apply` would not start now."""
    waits: str | None
    """What a closed gate still asks for; None: `apply` may be said."""
    document: PlanDocument


def announce_roll(
    storage_root: str, request: Request, replay_last: int | None, notify: Callable[[str], None]
) -> Announced:
    """Plan a roll.

    `replay_last`: decisions made again [default: `REPLAY_LAST`; where the gate is open only if that
    is estimated to take less than `REPLAY_SECONDS_MAX`].
    """
    storage, config = LocalStorage(Path(storage_root)), load_config(storage_root)
    plan, _ = asyncio.run(plan_for(storage_root, request))
    if replay_last is None:
        replay_last = REPLAY_LAST
        if config.gate_is_open:
            replay_last = _affordable(storage_root, plan, notify)
    found = _replayed(storage_root, request, plan.to_release, replay_last, notify)
    document = document_of(storage, config, plan, request, found)
    waits = next_step(storage, config, document, int(wall_ms()))
    digest, following = announce(storage, config, document)
    return Announced(
        plan=digest, next=following, refusals=plan.refusals, waits=waits, document=document
    )


def _affordable(storage_root: str, plan: Plan, notify: Callable[[str], None]) -> int:
    """Return how many decisions to make again: all by default, none where it would take long."""
    if changes_nothing(plan):
        return 0
    began = time.monotonic()
    asked = ReplayOptions(wanted=Wanted(last=REPLAY_PROBE), with_release=plan.to_release)
    try:
        found = replay(Path(storage_root), asked)
    except (ReplayError, CheckpointsError):
        return REPLAY_LAST  # made in earnest it says why it cannot be
    pace = found.made / max(found.seconds, 0.001)
    seconds = time.monotonic() - began + REPLAY_LAST / max(pace, 0.001)
    if seconds <= REPLAY_SECONDS_MAX:
        return REPLAY_LAST
    notify(f"replay left out: {REPLAY_LAST} decisions would take about {seconds:.0f} s here")
    return 0


def _replayed(
    storage_root: str, request: Request, release: str, last: int, notify: Callable[[str], None]
) -> ReplayFindings | None:
    """Decide the last recorded decisions under the new release; None, said, if none can be.

    `--expect identical` declares that none changes; without it any number may.
    """
    if last <= 0:
        return None
    asked = ReplayOptions(wanted=Wanted(last=last), with_release=release)
    try:
        found = replay(Path(storage_root), asked)
    except (ReplayError, CheckpointsError) as error:
        notify(f"replay was not made: {error}")
        return None
    return replay_findings(found, 0 if request.options.identical else found.made)
