"""What a person puts at risk by starting a live fleet, and the words that confirm it. Pure.

The long words carry a digest of all of it, so they are valid for one wallet, one set of limits, one
release and one storage. A person at a terminal types the short ones below a table of the rest.
"""

import hashlib
from typing import Final

import msgspec

from actors.config import RiskLimits
from checkpoints.records import canonical_json
from signals.units import MICRO

LETTERS: Final = 6
"""Of the wallet's end, as the venue's page shows it."""
DIGEST_LETTERS: Final = 12


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """One storage on one machine: a copy of it elsewhere is another one."""

    path: str
    id: str
    machine: str


class Risked(msgspec.Struct, frozen=True, kw_only=True):
    venue: str
    """Its host, or ``rehearsal``."""
    wallet: str
    limits: RiskLimits
    release: str
    store: Store

    @property
    def short_text(self) -> str:
        return f"{self.wallet[-LETTERS:]} {usd(self.limits.fleet_exposure_micro_usd)}"

    @property
    def full_text(self) -> str:
        digest = hashlib.sha256(canonical_json(self)).hexdigest()
        return f"{self.short_text} USD {digest[:DIGEST_LETTERS]}"


def usd(micro: int) -> str:
    """Write an amount in USD without a needless fraction."""
    whole, part = divmod(micro, MICRO)
    return str(whole) if not part else f"{whole}.{part:06d}".rstrip("0")


def same_text(typed: str, wanted: str) -> bool:
    """Compare words as a person types them: case and spaces do not count."""
    return typed.casefold().split() == wanted.casefold().split()
