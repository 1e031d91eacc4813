"""How long ago a stored stamp is: pure, for steps as for shells."""

from typing import Final

FUTURE_MS: Final = 2_000
"""A stamp so far ahead is of another machine; one further ahead is of a clock that was set back."""


def elapsed_ms(now_ms: float, then_ms: float) -> float:
    """Return how long ago a stored stamp is.

    One from the future is of a clock that was set back before the fleet started again: how long
    ago it is, nobody knows. It counts as over, so that it holds no lease, limit or retention.
    """
    ago_ms = now_ms - then_ms
    if ago_ms < -FUTURE_MS:
        return float("inf")
    return max(0.0, ago_ms)
