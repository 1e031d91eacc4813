"""The venue's per-signer limits: one bucket of tokens for orders, one for cancels. Pure.

Tokens come back at a steady rate of wire time up to the burst. A request that costs more than what
is left is refused whole and spends nothing. Off by default: the venue announced these limits, but
the date from which it enforces them is not known.
"""

from enum import StrEnum
from typing import Final

import msgspec

SIGNERS_MAX: Final = 1_000
"""As many as there can be API keys."""


class Tier(StrEnum):
    UNLIMITED = "unlimited"
    STANDARD = "standard"
    COPPER = "copper"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


class Kind(StrEnum):
    ORDER = "order"
    CANCEL = "cancel"


class Allowance(msgspec.Struct, frozen=True):
    per_second: int
    burst: int


ALLOWANCES: Final = {
    Tier.STANDARD: {Kind.ORDER: Allowance(40, 60), Kind.CANCEL: Allowance(80, 120)},
    Tier.COPPER: {Kind.ORDER: Allowance(60, 90), Kind.CANCEL: Allowance(120, 180)},
    Tier.BRONZE: {Kind.ORDER: Allowance(80, 120), Kind.CANCEL: Allowance(160, 240)},
    Tier.SILVER: {Kind.ORDER: Allowance(200, 300), Kind.CANCEL: Allowance(400, 600)},
    Tier.GOLD: {Kind.ORDER: Allowance(400, 600), Kind.CANCEL: Allowance(800, 1_200)},
}
"""Orders and cancels per second of each tier, as the venue publishes them."""


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens in thousandths, so that a millisecond at a whole rate adds a whole number."""

    milli_tokens: int
    at_wire_ms: int


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of one request at its bucket; told to the client in headers."""

    granted: bool
    remaining: int
    """Whole tokens left."""
    reset_wire_s: int
    """Unix seconds when the bucket can pay this request (now, if it was granted)."""
    wait_s: int
    """Whole seconds until then, at least 1 where it was refused."""


class Limits:
    """The buckets of all signers under one tier."""

    def __init__(self, tier: Tier) -> None:
        self.tier = tier
        self._buckets: dict[tuple[str, Kind], Bucket] = {}

    def spend(self, address: str, kind: Kind, cost: int, wire_ms: int) -> Spent | None:
        """Take `cost` tokens of a signer; None: this sandbox has no limits."""
        if self.tier is Tier.UNLIMITED:
            return None
        allowance = ALLOWANCES[self.tier][kind]
        bucket = refill(self._buckets.get((address, kind)), allowance, wire_ms)
        missing = cost * 1_000 - bucket.milli_tokens
        granted = missing <= 0
        left = bucket.milli_tokens - cost * 1_000 if granted else bucket.milli_tokens
        if (address, kind) in self._buckets or len(self._buckets) < 2 * SIGNERS_MAX:
            kept = Bucket(milli_tokens=left, at_wire_ms=bucket.at_wire_ms)
            self._buckets[(address, kind)] = kept
        wait_ms = 0 if granted else -(-missing // allowance.per_second)
        return Spent(
            granted=granted,
            remaining=left // 1_000,
            reset_wire_s=-(-(wire_ms + wait_ms) // 1_000),
            wait_s=-(-wait_ms // 1_000),
        )


def refill(bucket: Bucket | None, allowance: Allowance, wire_ms: int) -> Bucket:
    """Return the bucket as it stands at `wire_ms`; a new one is full."""
    full = allowance.burst * 1_000
    if bucket is None:
        return Bucket(milli_tokens=full, at_wire_ms=wire_ms)
    passed_ms = max(0, wire_ms - bucket.at_wire_ms)
    return Bucket(
        milli_tokens=min(full, bucket.milli_tokens + passed_ms * allowance.per_second),
        at_wire_ms=max(wire_ms, bucket.at_wire_ms),
    )
