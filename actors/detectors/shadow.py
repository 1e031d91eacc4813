"""Does a shadow differ more often than its plan declares? Pure.

Where the plan declares that nothing changes, one differing decision is enough. Otherwise e-values
bet against "at most the declared share differs"; a release that keeps to it is ever stopped with at
most `1 / exp(LOG_WEALTH)`. Shadow decisions of one cycle are one observation.
"""

from typing import Final

import msgspec

from actors.detectors.e_values import Wealth, bernoulli, pooled
from actors.detectors.finding import Finding

TILTS: Final = (0.8, 2.2)
LOG_WEALTH: Final = 4.61
"""Log of 100: a stopped roll costs little, a bad release much."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan says of recorded decisions (`ReplayFindings`)."""

    decisions: int
    changed_max: int

    @property
    def share(self) -> float:
        return min(1.0, self.changed_max / max(1, self.decisions))


class ShadowWatch(msgspec.Struct, frozen=True, kw_only=True):
    release: str
    declared: Declared
    wealth: Wealth = Wealth.of(len(TILTS))
    compared: int = 0
    differing: int = 0


def advance(state: ShadowWatch, differed: tuple[bool, ...]) -> ShadowWatch:
    """Add the shadow decisions of one cycle: whether each differed."""
    if not differed:
        return state
    share = state.declared.share
    e_values = [
        pooled([bernoulli(share, tilt, happened=one) for one in differed]) for tilt in TILTS
    ]
    return msgspec.structs.replace(
        state,
        wealth=state.wealth.after(e_values),
        compared=state.compared + len(differed),
        differing=state.differing + sum(differed),
    )


def findings(state: ShadowWatch) -> tuple[Finding, ...]:
    none_declared = state.declared.changed_max == 0
    broken = state.differing > 0 if none_declared else state.wealth.log >= LOG_WEALTH
    return (
        Finding(
            kind="shadow_disagrees",
            subject=state.release[:12],
            holds=broken,
            evidence={
                "differing": f"{state.differing} of {state.compared}",
                "declared": f"{state.declared.changed_max} of {state.declared.decisions}",
            },
        ),
    )
