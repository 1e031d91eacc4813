"""A problem of an account: what is wrong, and what a person does about it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from signals.units import MICRO, MicroShares, MicroUsd

REASON_MAX: Final = 200
"""Characters of a venue's own words that one sentence quotes."""
NAMED_MAX: Final = 3
"""Orders, positions or approvals that one sentence names."""


class Code(StrEnum):
    KEY = "key"
    LIBRARY = "library"
    WALLET_ADDRESS = "wallet_address"
    WALLET_OF_ANOTHER_KEY = "wallet_of_another_key"
    WALLET_NOT_DEPLOYED = "wallet_not_deployed"
    WALLET_OLDER_TYPE = "wallet_older_type"
    VERSION = "version"
    CLOCK = "clock"
    REGION = "region"
    NO_CREDENTIALS = "no_credentials"
    CREDENTIALS_REFUSED = "credentials_refused"
    CLOSED_ONLY = "closed_only"
    WALLET_EMPTY = "wallet_empty"
    BALANCE_LOW = "balance_low"
    APPROVAL_MISSING = "approval_missing"
    ALLOWANCE_STALE = "allowance_stale"
    FOREIGN_ORDERS = "foreign_orders"
    FOREIGN_POSITIONS = "foreign_positions"
    FOREIGN_HEARTBEATS = "foreign_heartbeats"
    NOT_READ = "not_read"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    code: Code
    says: str
    """One sentence: what is wrong."""
    remedy: str
    """One sentence: what a person does."""
    refusing: bool = True
    """False: said, but no reason to refuse the start."""


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """What the fleet knows as its own; empty for a fleet that never traded."""

    order_ids: frozenset[str] = frozenset()
    shares: Mapping[str, MicroShares] = {}
    """By token."""
    beats: bool = False
    """True: this fleet's own gateway runs and sends heartbeats."""


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What the fleet's configuration asks of an account."""

    cash_micro_usd: MicroUsd
    """What the slots may use together."""
    clock_skew_limit_ms: int


def refused(found: Sequence[Problem]) -> bool:
    """Say whether a start must be refused."""
    return any(problem.refusing for problem in found)


def usd(micro: int) -> str:
    return f"{micro // MICRO}.{micro % MICRO // 10_000:02d} USD"


def some(named: Sequence[str]) -> str:
    more = len(named) - NAMED_MAX
    return "; ".join(in_one_line(name) for name in named[:NAMED_MAX]) + (
        f"; and {more} more" if more > 0 else ""
    )


def counted(found: Sequence[object], what: str) -> str:
    return f"1 {what} is" if len(found) == 1 else f"{len(found)} {what}s are"


def in_one_line(text: str) -> str:
    return " ".join(text.split())[:REASON_MAX].rstrip(".")
