"""How fast a source is asked: token buckets, corrected by what its answers say. Pure.

Limits count per address of ours, not per connection: one limiter serves every use of a source.
"""

from typing import Final

import msgspec

SHARE: Final = 0.9
"""Of a source's limit that is used: other programs of the user may share the address."""


BURST: Final = 0.5
"""Of that share: so much may leave at once, the rest within the period. A full bucket and what
flows in during one period together stay below the limit, however a source counts its periods."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What a source allows: so much weight in so long."""

    weight: int
    per_ms: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer's headers say of our use of a limit."""

    group: str
    used: int | None = None
    """Of the running period."""
    left: int | None = None
    """Until the period ends."""


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    rate: Rate
    tokens: float
    at_ms: int
    """Wire, when `tokens` was true."""


class Limiter(msgspec.Struct, frozen=True, kw_only=True):
    buckets: dict[str, Bucket]


def full_limiter(rates: dict[str, Rate], now_ms: int) -> Limiter:
    return Limiter(
        buckets={
            group: Bucket(rate=rate, tokens=_room(rate), at_ms=now_ms)
            for group, rate in rates.items()
        }
    )


def take(limiter: Limiter, group: str, weight: int, now_ms: int) -> tuple[Limiter, int]:
    """Take tokens, on credit if need be; return the wire ms to wait before the request goes out.

    Who comes later waits longer: requests leave in the order in which they were asked for.
    """
    bucket = _filled(limiter.buckets[group], now_ms)
    tokens = bucket.tokens - weight
    wait_ms = 0 if tokens >= 0 else int(-tokens / _per_ms(bucket)) + 1
    return _with(limiter, group, msgspec.structs.replace(bucket, tokens=tokens)), wait_ms


def learn(limiter: Limiter, usage: Usage, now_ms: int) -> Limiter:
    """Believe the source where it counts more than we do: our newest may not have reached it."""
    if usage.group not in limiter.buckets:
        return limiter
    bucket = _filled(limiter.buckets[usage.group], now_ms)
    limit = bucket.rate.weight
    left = usage.left if usage.used is None else limit - usage.used
    if left is None:
        return limiter
    allowed = left - limit * (1 - SHARE)
    tokens = min(bucket.tokens, allowed)
    return _with(limiter, usage.group, msgspec.structs.replace(bucket, tokens=tokens))


def _filled(bucket: Bucket, now_ms: int) -> Bucket:
    gone_ms = max(0, now_ms - bucket.at_ms)
    tokens = min(_room(bucket.rate), bucket.tokens + gone_ms * _per_ms(bucket))
    return msgspec.structs.replace(bucket, tokens=tokens, at_ms=now_ms)


def _room(rate: Rate) -> float:
    return rate.weight * SHARE * BURST


def _per_ms(bucket: Bucket) -> float:
    return bucket.rate.weight * SHARE * (1 - BURST) / bucket.rate.per_ms


def _with(limiter: Limiter, group: str, bucket: Bucket) -> Limiter:
    return msgspec.structs.replace(limiter, buckets=limiter.buckets | {group: bucket})
