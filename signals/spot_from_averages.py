"""Spot prices from a feed that carries moving averages only.

The average over the last L seconds moves by (S(t) - S(t - L)) / L each second, so its changes give
the spot but for one unknown per second of the cycle of L. Those L unknowns are set so that the sum
of squared one-second changes is least, the likeliest path of a Brownian motion; the level follows
from the last average, which is known. What remains is a centred Brownian bridge over the cycle with
a K-th of the variance for K cycles of data: sigma^2 L / 12 K at any second.
"""

from math import fsum

import msgspec

from signals.snapshot import Ticks

HELD_SECONDS_MAX = 3
"""Averages missing for at most this long are interpolated: they are smooth, spot is not."""
CYCLES_MIN = 2


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """Ticks whose spot was rebuilt, one a second."""

    ticks: Ticks
    variance_share: float
    """Variance of each spot price in units of sigma^2 x one second."""


def rebuild_spot(ticks: Ticks, look_back: int) -> Rebuilt | None:
    """Rebuild the spot of the gap-free newest part; None if that is under two look-backs."""
    averages = _by_second(ticks)
    cycles = len(averages) // look_back
    if cycles < CYCLES_MIN:
        return None
    lifts = _lifts(averages, look_back)
    base = _likeliest_base(lifts, look_back)
    spot = [base[second % look_back] + lift for second, lift in enumerate(lifts)]
    level = averages[-1] - fsum(spot[-look_back:]) / look_back
    last_ms = ticks.observed_ms[-1]
    count = len(averages)
    return Rebuilt(
        ticks=Ticks(
            observed_ms=tuple(last_ms - 1000 * (count - 1 - place) for place in range(count)),
            twap=tuple(averages),
            spot=tuple(price + level for price in spot),
        ),
        variance_share=look_back / (12 * cycles),
    )


def _by_second(ticks: Ticks) -> list[float]:
    """Return the newest averages on whole seconds, oldest first, back to the first real gap."""
    if not ticks.twap:
        return []
    newest_first = [ticks.twap[-1]]
    for place in range(len(ticks.twap) - 1, 0, -1):
        seconds, rest = divmod(ticks.observed_ms[place] - ticks.observed_ms[place - 1], 1000)
        if rest or not 1 <= seconds <= HELD_SECONDS_MAX:
            break
        after, before = ticks.twap[place], ticks.twap[place - 1]
        newest_first += [
            after + (before - after) * second / seconds for second in range(1, seconds + 1)
        ]
    return newest_first[::-1]


def _lifts(averages: list[float], look_back: int) -> list[float]:
    """Return how far each second's spot lies above that of the first cycle at the same place."""
    lifts = [0.0]
    for second in range(1, len(averages)):
        change = look_back * (averages[second] - averages[second - 1])
        lifts.append(change + (lifts[second - look_back] if second >= look_back else 0.0))
    return lifts


def _likeliest_base(lifts: list[float], look_back: int) -> list[float]:
    """Choose the first cycle, up to its level, that makes the squared changes least.

    Its steps are minus the mean change of the lifts at each place of the cycle, corrected so that
    they add up to zero over the cycle (one Lagrange multiplier).
    """
    sums, counts = [0.0] * look_back, [1] * look_back  # each place also has its unlifted change
    for second in range(1, len(lifts)):
        sums[second % look_back] += lifts[second] - lifts[second - 1]
        counts[second % look_back] += 1
    means = [total / count for total, count in zip(sums, counts, strict=True)]
    multiplier = fsum(means) / fsum(1 / count for count in counts)
    base = [0.0]
    for place in range(1, look_back):
        base.append(base[-1] - means[place] + multiplier / counts[place])
    return base
