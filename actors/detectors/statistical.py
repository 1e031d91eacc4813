"""All statistical detectors behind one door: journal rows and time in, findings out. Pure.

`hear` takes every valid row once, `tick` closes what can no longer change, `findings` says what
holds now; the supervisor's `report` says each once and the store latches it.
"""

from typing import Final, TypeVar

import msgspec

from actors.detectors import decision_mix, outcome
from actors.detectors.finding import Finding
from actors.detectors.from_journal import Purchases, category_of, decided_of
from actors.detectors.from_journal import apply as apply_fill
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


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
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


def apply(kept: Statistics, row: JournalRow) -> Statistics:
    """Take one row."""
    purchases, paid = apply_fill(kept.purchases, row)
    outcomes = dict(kept.outcomes)
    for one in paid:
        watch = outcomes.get(one.release) or outcome.ReleaseWatch(release=one.release)
        outcomes[one.release] = outcome.apply(watch, one.bet)
    kept = msgspec.structs.replace(kept, purchases=purchases, outcomes=_newest(outcomes))
    decided = decided_of(row)
    if decided is None:
        return kept
    cycles = dict(kept.open_cycles.get(row.release, {}))
    due = str(decided.due_ms)
    cycles[due] = (*cycles.get(due, ()), category_of(row))
    open_cycles = {**kept.open_cycles, row.release: cycles}
    return msgspec.structs.replace(kept, open_cycles=_newest(open_cycles))


def tick(kept: Statistics, market_ms: int) -> Statistics:
    """Score the settlement times and decision points that are long enough past."""
    settled_ms = market_ms - SETTLEMENT_WAIT_MS
    outcomes = {name: outcome.close(watch, settled_ms) for name, watch in kept.outcomes.items()}
    kept = msgspec.structs.replace(kept, outcomes=outcomes)
    for release in tuple(kept.open_cycles):
        kept = _close_cycles(kept, release, market_ms - DECISION_WAIT_MS)
    return kept


def _close_cycles(kept: Statistics, release: str, up_to_ms: int) -> Statistics:
    cycles = dict(kept.open_cycles[release])
    ready = sorted((due for due in cycles if int(due) <= up_to_ms), key=int)
    if not ready:
        return kept
    mix = kept.mixes.get(release) or decision_mix.watch(release, _reference(kept, release))
    counts = dict(kept.counts.get(release, {}))
    slots, before = kept.slots.get(release, 0), _before(kept, release)
    for due in ready:
        decided = cycles.pop(due)
        slots = max(slots, len(decided))
        if 100 * len(decided) >= QUORUM_PERCENT * kept.slots.get(before, 0):
            mix = decision_mix.advance(mix, decided)
        for name in decided:
            counts[name] = counts.get(name, 0) + 1
    return msgspec.structs.replace(
        kept,
        mixes=_newest({**kept.mixes, release: mix}),
        counts=_newest({**kept.counts, release: counts}),
        slots=_newest({**kept.slots, release: slots}),
        open_cycles={**kept.open_cycles, release: cycles},
    )


def _reference(kept: Statistics, release: str) -> decision_mix.Reference:
    before = _before(kept, release)
    return decision_mix.Reference(release=before, counts=kept.counts.get(before, {}))


def _before(kept: Statistics, release: str) -> str:
    """Return the latest other release that has decided at all, or an empty text."""
    others = [name for name in kept.counts if name != release]
    return others[-1] if others else ""


def _newest(kept: dict[str, _Kept]) -> dict[str, _Kept]:
    return dict(list(kept.items())[-RELEASES_MAX:])


def findings(kept: Statistics) -> tuple[Finding, ...]:
    """Return what every watched release gives reason to say."""
    return (
        *(f for watch in kept.outcomes.values() for f in outcome.findings(watch)),
        *(f for mix in kept.mixes.values() for f in decision_mix.findings(mix)),
    )
