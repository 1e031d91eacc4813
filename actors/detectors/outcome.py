"""Does a release get back what it pays? Outcome minus price, watched continuously. Pure.

One bet is one market of one slot: what a share cost, fee included, and whether it paid. While the
release is worth its prices (each outcome at least as likely as it cost) every statistic here is an
e-process. Bets that settle at one time are one observation: eight coins are nearly one bet.

A bet bought before an earlier settlement of its release (a 15m market's, while 5m ones settle)
knows less than that settlement tells; with such overlap the bounds are approximate.
"""

from typing import Final

import msgspec

from actors.detectors.e_values import Wealth, bernoulli, pooled, rise
from actors.detectors.finding import Finding

FALL_TILT: Final = -1.2
"""In log odds: from 0.90 to 0.73, from 0.50 to 0.23. Chosen with `FALL_LEVEL` by Monte Carlo."""
FALL_LEVEL: Final = 5.3
"""Of the CUSUM. At most one false alarm per 3,600 cycles for prices of 0.50 .. 0.95 with an edge of
0.013 and latent correlations of 0 .. 0.8: `python -m tests.bench.detectors` prints it."""
EDGE_TILTS: Final = (-0.8, -2.2)
"""From 0.90 to 0.80 and to 0.50."""
EDGE_LOG_WEALTH: Final = 6.91
"""Log of 1,000: a release worth its prices is ever called worthless with at most 0.1 %."""
OPEN_MAX: Final = 64
"""Settlement times that may be open at once; more means that nobody closes them."""
BETS_MAX: Final = 256
"""Of one settlement time."""


class Bet(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    close_ms: int
    """Settlement time of the market: bets with the same one are one observation."""
    cost: float
    """Per share, fee included, inside (0, 1)."""
    won: bool


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """What a release's settled bets amount to."""

    fall: float = 0.0
    """CUSUM; an alarm from `FALL_LEVEL` on."""
    edge: Wealth = Wealth.of(len(EDGE_TILTS))
    cycles: int = 0
    bets: int = 0
    wins: int = 0
    gain: float = 0.0
    """Sum of outcome minus cost, shares of equal size."""


class ReleaseWatch(msgspec.Struct, frozen=True, kw_only=True):
    """One release's bets, closed in the order of their settlement times."""

    release: str
    scores: Scores = Scores()
    open: dict[str, tuple[Bet, ...]] = {}
    """Settlement time (as text) -> bets whose outcome is known while others may come."""
    closed_ms: int = 0
    late: int = 0
    """Bets that came after their settlement time was closed: counted, never scored."""


def advance(scores: Scores, settled: tuple[tuple[float, bool], ...]) -> Scores:
    """Add one settlement time: (cost, won) of each bet."""
    if not settled:
        return scores
    fall = pooled([bernoulli(cost, FALL_TILT, happened=won) for cost, won in settled])
    edge = [
        pooled([bernoulli(cost, tilt, happened=won) for cost, won in settled])
        for tilt in EDGE_TILTS
    ]
    return Scores(
        fall=rise(scores.fall, fall),
        edge=scores.edge.after(edge),
        cycles=scores.cycles + 1,
        bets=scores.bets + len(settled),
        wins=scores.wins + sum(won for _, won in settled),
        gain=scores.gain + sum(won - cost for cost, won in settled),
    )


def apply(watch: ReleaseWatch, bet: Bet) -> ReleaseWatch:
    """Keep a bet whose market was settled until its settlement time is closed."""
    key = str(bet.close_ms)
    kept = watch.open.get(key, ())
    full = len(kept) >= BETS_MAX or (not kept and len(watch.open) >= OPEN_MAX)
    if bet.close_ms <= watch.closed_ms or full:
        return msgspec.structs.replace(watch, late=watch.late + 1)
    return msgspec.structs.replace(watch, open={**watch.open, key: (*kept, bet)})


def close(watch: ReleaseWatch, up_to_ms: int) -> ReleaseWatch:
    """Score every settlement time up to this one, oldest first; later news of them come late."""
    scores, left = watch.scores, dict(watch.open)
    for key in sorted((key for key in left if int(key) <= up_to_ms), key=int):
        scores = advance(scores, tuple((bet.cost, bet.won) for bet in left.pop(key)))
    closed_ms = max(watch.closed_ms, up_to_ms)
    return msgspec.structs.replace(watch, scores=scores, open=left, closed_ms=closed_ms)


def findings(watch: ReleaseWatch) -> tuple[Finding, ...]:
    scores = watch.scores
    evidence = {
        "release": watch.release[:12],
        "settlement_times": str(scores.cycles),
        "bets": str(scores.bets),
        "wins": str(scores.wins),
        "outcome_minus_price": f"{scores.gain / max(1, scores.bets):+.4f}",
        "late": str(watch.late),
    }
    return (
        Finding(
            kind="outcome_fell",
            subject=watch.release[:12],
            holds=scores.fall >= FALL_LEVEL,
            evidence={**evidence, "cusum": f"{scores.fall:.2f} of {FALL_LEVEL}"},
        ),
        Finding(
            kind="release_without_edge",
            subject=watch.release[:12],
            holds=scores.edge.log >= EDGE_LOG_WEALTH,
            evidence={**evidence, "log_e_value": f"{scores.edge.log:.2f} of {EDGE_LOG_WEALTH}"},
        ),
    )
