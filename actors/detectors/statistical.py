"""All statistical detectors behind one door: journal rows and time in, findings out. Pure.

`hear` takes every valid row once, `tick` closes what can no longer change, `findings` says what
holds now; the supervisor's `report` says each once and the store latches it.
"""

from typing import Final, TypeVar

import msgspec

from actors.detectors import decision_mix, outcome
from actors.detectors.finding import Finding
from actors.detectors.from_journal import Purchases, category_of, decided_of
from actors.detectors.from_journal import hear as hear_fill
from checkpoints.journal_rows import JournalRow
from signals.market import CYCLE_MS

SETTLEMENT_WAIT_MS: Final = 1_800_000
"""Market ms after the close until a settlement time is scored: the venue takes minutes at times."""
DECISION_WAIT_MS: Final = CYCLE_MS
"""Market ms after a decision point until its cycle is scored."""
RELEASES_MAX: Final = 16
"""Watched at once; the one that was seen first is let go."""
QUORUM_PERCENT: Final = 75
"""Of the slots of the release before: with fewer, as in a canary, a mix of other slots is compared
with itself and not with the fleet's."""
_Kept = TypeVar("_Kept")


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    purchases: Purchases = Purchases()
    outcomes: dict[str, outcome.ReleaseWatch] = {}
    """By release, in the order in which they first decided or paid."""
    mixes: dict[str, decision_mix.MixWatch] = {}
    counts: dict[str, dict[str, int]] = {}
    """Release -> category -> decisions: the reference of the next release."""
    slots: dict[str, int] = {}
    """Release -> most slots that decided in one cycle."""
    open_cycles: dict[str, dict[str, tuple[str, ...]]] = {}
    """Release -> decision point (as text) -> categories."""


def hear(desk: Desk, row: JournalRow) -> Desk:
    """Take one row."""
    purchases, paid = hear_fill(desk.purchases, row)
    outcomes = dict(desk.outcomes)
    for one in paid:
        watch = outcomes.get(one.release) or outcome.ReleaseWatch(release=one.release)
        outcomes[one.release] = outcome.hear(watch, one.bet)
    desk = msgspec.structs.replace(desk, purchases=purchases, outcomes=_newest(outcomes))
    decided = decided_of(row)
    if decided is None:
        return desk
    cycles = dict(desk.open_cycles.get(row.release, {}))
    due = str(decided.due_ms)
    cycles[due] = (*cycles.get(due, ()), category_of(row))
    open_cycles = {**desk.open_cycles, row.release: cycles}
    return msgspec.structs.replace(desk, open_cycles=_newest(open_cycles))


def tick(desk: Desk, market_ms: int) -> Desk:
    """Score the settlement times and decision points that are long enough past."""
    settled_ms = market_ms - SETTLEMENT_WAIT_MS
    outcomes = {name: outcome.close(watch, settled_ms) for name, watch in desk.outcomes.items()}
    desk = msgspec.structs.replace(desk, outcomes=outcomes)
    for release in tuple(desk.open_cycles):
        desk = _close_cycles(desk, release, market_ms - DECISION_WAIT_MS)
    return desk


def _close_cycles(desk: Desk, release: str, up_to_ms: int) -> Desk:
    cycles = dict(desk.open_cycles[release])
    ready = sorted((due for due in cycles if int(due) <= up_to_ms), key=int)
    if not ready:
        return desk
    mix = desk.mixes.get(release) or decision_mix.watch(release, _reference(desk, release))
    counts = dict(desk.counts.get(release, {}))
    slots, before = desk.slots.get(release, 0), _before(desk, release)
    for due in ready:
        decided = cycles.pop(due)
        slots = max(slots, len(decided))
        if 100 * len(decided) >= QUORUM_PERCENT * desk.slots.get(before, 0):
            mix = decision_mix.advance(mix, decided)
        for name in decided:
            counts[name] = counts.get(name, 0) + 1
    return msgspec.structs.replace(
        desk,
        mixes=_newest({**desk.mixes, release: mix}),
        counts=_newest({**desk.counts, release: counts}),
        slots=_newest({**desk.slots, release: slots}),
        open_cycles={**desk.open_cycles, release: cycles},
    )


def _reference(desk: Desk, release: str) -> decision_mix.Reference:
    before = _before(desk, release)
    return decision_mix.Reference(release=before, counts=desk.counts.get(before, {}))


def _before(desk: Desk, release: str) -> str:
    """Return the latest other release that has decided at all, or an empty text."""
    others = [name for name in desk.counts if name != release]
    return others[-1] if others else ""


def _newest(kept: dict[str, _Kept]) -> dict[str, _Kept]:
    return dict(list(kept.items())[-RELEASES_MAX:])


def findings(desk: Desk) -> tuple[Finding, ...]:
    """Return what every watched release gives reason to say."""
    return (
        *(f for watch in desk.outcomes.values() for f in outcome.findings(watch)),
        *(f for mix in desk.mixes.values() for f in decision_mix.findings(mix)),
    )
