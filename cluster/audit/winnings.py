"""What a fleet has won and what of it became cash, by the redeemer's log."""

from pathlib import Path

import msgspec

from actors.redemption.log import Book, read_book
from cluster.audit.screens import MICRO


class Winnings(msgspec.Struct, frozen=True, kw_only=True):
    """Of a fleet that redeems: cash is what was redeemed, claims are what was not yet."""

    claims: int
    """Markets whose winnings are not cash yet."""
    claims_micro_usd: int
    redeemed_micro_usd: int
    problem: str = ""
    """Why the log cannot be read; then the sums are nothing."""


def winnings_of(storage: Path) -> Winnings | None:
    """Read the log of a fleet, alive or not; None: this fleet redeems nothing."""
    found = read_book(storage)
    match found:
        case None:
            return None
        case Book():
            return Winnings(
                claims=len(found.open_claims),
                claims_micro_usd=found.owed_micro_usd,
                redeemed_micro_usd=found.paid_micro_usd,
            )
        case _:
            return Winnings(claims=0, claims_micro_usd=0, redeemed_micro_usd=0, problem=found)


def winnings_line(found: Winnings) -> str:
    if found.problem:
        return f"winnings are not known: {found.problem}"
    claims = f"{found.claims} market{'' if found.claims == 1 else 's'}"
    return (
        f"redeemed {found.redeemed_micro_usd / MICRO:.2f} USD; to be redeemed "
        f"{found.claims_micro_usd / MICRO:.2f} USD of {claims}"
    )
