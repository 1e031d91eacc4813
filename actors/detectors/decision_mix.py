"""Does a release decide as often for each thing as the one before? Watched continuously. Pure.

Per category (up, down, each reason of no trade) and direction an e-value bets against "the share is
within a margin of what it was". All slots of one cycle are one observation. The thresholds come
from the proven bound, so that a false alarm is at most once in `PERIOD_CYCLES` for as long as the
margin covers what the market itself changes; a market that changes more is reported, rightly or
not, as a change: the alarm says which share moved and asks a person to look.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from actors.detectors.e_values import bernoulli, pooled, rise, tilted
from actors.detectors.finding import Finding

PERIOD_CYCLES: Final = 3_600
"""12.5 days."""
MARGIN: Final = 0.7
"""Log odds that a share may move by itself: 0.30 to 0.18 .. 0.46."""
BET: Final = 1.5
"""Log odds beyond the margin that the e-values bet on."""
SHARE_FLOOR: Final = 0.02
"""What never happened in the reference may still happen this often."""
FEWER_MIN: Final = 0.05
"""What was rarer is not missed: its share is a guess."""
REFERENCE_MIN: Final = 320
"""Decisions of the release before: twenty cycles of sixteen slots."""
OTHER: Final = "other"
TRADE: Final = "trade"
"""Either side: a signal that stops trading is found by it, one that turns by the sides."""
CATEGORIES_MAX: Final = 10


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """How the release before decided."""

    release: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def shares(self) -> dict[str, float]:
        """Return the share of each kept category; rare ones are one, called `OTHER`."""
        ranked = sorted(self.counts, key=lambda name: (-self.counts[name], name))
        kept = {name: self.counts[name] for name in ranked[: CATEGORIES_MAX - 1] if name != OTHER}
        rest = self.total - sum(kept.values())
        trades = sum(n for name, n in self.counts.items() if matches(TRADE, name))
        counts = {**kept, OTHER: rest, TRADE: trades}
        return {
            name: max(SHARE_FLOOR, (count + 1) / (self.total + 2)) for name, count in counts.items()
        }


class MixWatch(msgspec.Struct, frozen=True, kw_only=True):
    release: str
    shares: dict[str, float]
    """Of the reference; empty: too little to compare with."""
    fewer: dict[str, float] = {}
    more: dict[str, float] = {}
    """CUSUM of log e-values per category."""
    counts: dict[str, int] = {}
    cycles: int = 0
    decisions: int = 0

    @property
    def threshold(self) -> float:
        return math.log(PERIOD_CYCLES * 2 * max(1, len(self.shares)))


def matches(watched: str, decided: str) -> bool:
    return decided == watched or (watched == TRADE and decided.startswith(f"{TRADE} "))


def category(action: str, reason: str, outcome: str | None) -> str:
    """Name what was decided: the side of a trade, or the reason's code."""
    if action == "trade":
        return f"trade {outcome}"
    return reason.partition(":")[0].partition(" ")[0] or "none"


def watch(release: str, reference: Reference) -> MixWatch:
    """Begin to watch a release; with too few decisions of the one before nothing is judged."""
    enough = reference.total >= REFERENCE_MIN
    return MixWatch(release=release, shares=reference.shares() if enough else {})


def advance(state: MixWatch, cycle: Iterable[str]) -> MixWatch:
    """Add the categories that the slots of one cycle decided."""
    decided = tuple(name if name in state.shares else OTHER for name in cycle)
    if not decided or not state.shares:
        return state
    return msgspec.structs.replace(
        state,
        fewer=_advance(state.fewer, state.shares, -1, decided),
        more=_advance(state.more, state.shares, 1, decided),
        counts={
            name: state.counts.get(name, 0) + sum(matches(name, one) for one in decided)
            for name in state.shares
        },
        cycles=state.cycles + 1,
        decisions=state.decisions + len(decided),
    )


def _advance(
    levels: Mapping[str, float], shares: Mapping[str, float], sign: int, decided: tuple[str, ...]
) -> dict[str, float]:
    advanced = {}
    for name, share in shares.items():
        if sign < 0 and share < FEWER_MIN:
            continue
        bound = tilted(share, sign * MARGIN)
        e_value = pooled(
            [bernoulli(bound, sign * BET, happened=matches(name, one)) for one in decided]
        )
        advanced[name] = rise(levels.get(name, 0.0), e_value)
    return advanced


def findings(state: MixWatch) -> tuple[Finding, ...]:
    moved = [
        (name, word)
        for word, levels in (("fewer", state.fewer), ("more", state.more))
        for name, level in levels.items()
        if level >= state.threshold
    ]
    evidence = {
        name: f"{word}: was {state.shares[name]:.3f}, "
        f"{state.counts.get(name, 0) / max(1, state.decisions):.3f} in {state.cycles} cycles"
        for name, word in moved
    }
    return (
        Finding(
            kind="decisions_changed",
            subject=state.release[:12],
            holds=bool(moved),
            evidence=evidence,
        ),
    )
