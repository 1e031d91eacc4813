"""What one process of the gateway knows of the account at the venue."""

import msgspec

from actors.venue.answers import AccountBalance
from signals.units import MicroUsd


class CashBase(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides' cash at one quiet moment: from here on they must move alike."""

    venue_micro_usd: MicroUsd
    books_micro_usd: MicroUsd


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """What this process knows of the account."""

    due_wire_ms: int = 0
    rest_market_ms: int | None = None
    """When what was confirmed last has come to rest: then it is compared."""
    asked_wire_ms: int = 0
    asking_since_wire_ms: int | None = None
    seen: AccountBalance | None = None
    seen_wire_ms: int = 0
    trouble: str = ""
    """Why the newest look gave nothing."""
    base: CashBase | None = None
    doubts: dict[str, tuple[str, int]] = {}
    """Subject to its difference in words, and how many looks in a row have shown it."""
    differs: tuple[str, ...] = ()
    """Differences that lasted."""
