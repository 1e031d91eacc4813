"""What a venue says of an account before any order, as values. Reading it changes nothing there."""

from enum import StrEnum

import msgspec

from actors.venue.port import Unknown, VenueOrder
from signals.units import MicroShares, MicroUsd


class WalletType(StrEnum):
    """How a wallet belongs to the key that signs for it."""

    BARE_KEY = "bare key"
    """Signature type 0: the key's own address."""
    PROXY = "proxy"
    """Type 1."""
    SAFE = "safe"
    """Type 2."""
    DEPOSIT = "deposit wallet"
    """Type 3: what accounts since May 2026 trade from."""
    FOREIGN = "not derived from the key"


class Credentials(StrEnum):
    DERIVED = "derived"
    MADE = "made"
    """Just now, because a person asked for it."""
    ABSENT = "absent"
    """The venue has none for this key: nobody has made them yet, or they were revoked."""
    REFUSED = "refused"
    """They could be derived, but a request signed with them was answered 401, again and again."""


class Chain(StrEnum):
    """What is seen of the chain of heartbeats of this account."""

    QUIET = "quiet"
    FRESH = "fresh"
    """It moved while it was looked at: somebody sends heartbeats for this account now."""


class Region(msgspec.Struct, frozen=True, kw_only=True):
    blocked: bool
    country: str = "?"


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One on-chain approval that trading needs."""

    needed_for: str
    """What cannot be done without it, e.g. ``buying``."""
    token: str
    """Name of what may be moved, e.g. ``pUSD``."""
    spender: str
    """Address of the contract that may move it."""
    micro_usd: MicroUsd | None
    """How much of it; None: without limit, or not counted in dollars."""
    granted: bool
    required: bool = True
    """False: only some markets need it."""


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Shares that the wallet holds of a market that is not resolved yet."""

    token_id: str
    condition_id: str
    shares: MicroShares
    market: str = ""
    """Its slug."""


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's clock beside this machine's."""

    ahead_ms: int
    """By how much the venue's is ahead."""
    round_trip_ms: int


class AccountReport(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the account. `None`: not asked, because of what another field says.

    `Unknown`: asked, but no answer that can be read came.
    """

    key_problem: str = ""
    """Why the configured key cannot be used; then nothing was asked."""
    library: str
    """Version of the venue's library that is installed."""
    library_known: str
    """The one that this code was checked with."""
    signer: str = ""
    """Address of the key."""
    wallet: str = ""
    wallet_problem: str = ""
    """Why the configured wallet cannot be an address."""
    wallet_type: WalletType | None = None
    deployed: bool | Unknown | None = None
    version: str | Unknown | None = None
    version_known: str = ""
    clock: Clock | Unknown | None = None
    region: Region | Unknown | None = None
    """None also where the venue tells no region."""
    credentials: Credentials | Unknown | None = None
    closed_only: bool | Unknown | None = None
    cash_micro_usd: MicroUsd | Unknown | None = None
    allowance_micro_usd: MicroUsd | Unknown | None = None
    """The least that the exchange itself believes it may spend of the cash (it remembers it)."""
    approvals: tuple[Approval, ...] | Unknown | None = None
    """As the chain has them."""
    open_orders: tuple[VenueOrder, ...] | Unknown | None = None
    positions: tuple[HeldPosition, ...] | Unknown | None = None
    heartbeats: Chain | Unknown | None = None
