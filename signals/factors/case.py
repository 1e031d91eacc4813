"""Two independent cases, bull and bear, put together from parts of a factor.

A part that has no data leaves its share of the maximum out; it never counts as zero. A factor with
no part left has no data.
"""

import msgspec

from signals.decision import FactorScore


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One argument of a factor. `bull` and `bear` are 0 .. 1, None together without data."""

    share: float
    """Of the factor's maximum; the shares of a factor add up to 1."""
    bull: float | None
    bear: float | None
    why: str


def no_data(share: float, missing: str) -> Part:
    return Part(share=share, bull=None, bear=None, why=f"no data: {missing}")


def lean(share: float, value: float, why: str) -> Part:
    """Give a signed strength, clipped to -1 .. 1, to the case it speaks for."""
    strength = clip(value)
    return Part(share=share, bull=max(0.0, strength), bear=max(0.0, -strength), why=why)


def clip(value: float, low: float = -1.0, high: float = 1.0) -> float:
    return min(max(value, low), high)


def compose(name: str, weight: float, parts: tuple[Part, ...], age_ms: int | None) -> FactorScore:
    """Add up the parts at hand; `maximum` is the weight of those parts alone."""
    why = "; ".join(part.why for part in parts)
    share = bull = bear = 0.0
    for part in parts:
        if part.bull is None or part.bear is None:
            continue
        share += part.share
        bull += part.share * clip(part.bull, 0.0)
        bear += part.share * clip(part.bear, 0.0)
    if share <= 0:
        return FactorScore(
            name=name, maximum=weight, bull=None, bear=None, reason=why, input_age_ms=age_ms
        )
    return FactorScore(
        name=name,
        maximum=weight * share,
        bull=weight * bull,
        bear=weight * bear,
        reason=why,
        input_age_ms=age_ms,
    )
