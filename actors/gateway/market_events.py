"""What the gateway asks and hears about markets and the account: its own look, not a slot's."""

import msgspec

from actors.venue.answers import AccountBalance, ListedMarket, TokenBook
from actors.venue.port import Unknown


class Instant(msgspec.Struct, frozen=True, kw_only=True):
    wire_ms: int
    market_ms: int


class IntentUnreadable(Instant, frozen=True, kw_only=True):
    """A slot sent what is no intent: an outcome of another name, text where a number belongs."""

    slot: str
    release: str
    """Both as the message has them; empty where it has none."""
    reason: str


class MarketSeen(Instant, frozen=True, kw_only=True):
    """Answer to `AskMarket`; None: the venue lists nothing under this slug (yet)."""

    slug: str
    market: ListedMarket | Unknown | None


class BookSeen(Instant, frozen=True, kw_only=True):
    """Answer to `AskBook`."""

    intent_id: str
    book: TokenBook | Unknown


class AccountSeen(Instant, frozen=True, kw_only=True):
    """Answer to `AskAccount`."""

    account: AccountBalance | Unknown


class AskMarket(msgspec.Struct, frozen=True, kw_only=True):
    slug: str


class AskBook(msgspec.Struct, frozen=True, kw_only=True):
    """For one intent: its collar is judged by the book as it is now."""

    intent_id: str
    token_id: str


class AskAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Read cash, approvals and what is held of these tokens."""

    token_ids: tuple[str, ...]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the gateway's market table."""

    market: ListedMarket
    wire_ms: int
    """When the venue said so."""


class FactsWait(msgspec.Struct, frozen=True, kw_only=True):
    """An intent that waits for what the venue says of its market."""

    since_wire_ms: int
    due_wire_ms: int = 0
    asking: bool = False
    """Its book is being read."""
    why: str = "the venue has not answered yet"


NAME_LENGTH_MAX = 64
"""A release's id; of a longer name an alarm shows the beginning."""


def named_in(data: bytes) -> tuple[str, str]:
    """Read slot and release of a message that is no intent, as far as they are there."""
    try:
        found = msgspec.msgpack.decode(data)
    except msgspec.MsgspecError:
        return "", ""
    fields = found if isinstance(found, dict) else {}
    slot, release = fields.get("slot"), fields.get("release")
    return (
        slot[:NAME_LENGTH_MAX] if isinstance(slot, str) else "",
        release[:NAME_LENGTH_MAX] if isinstance(release, str) else "",
    )
