"""Open an account at the venue: credentials are derived, and made only where that was asked for.

A start in live mode makes nothing at the venue: neither credentials nor a wallet.
"""

import asyncio
from enum import StrEnum
from http import HTTPStatus
from typing import Final

import httpx
from polymarket.errors import PolymarketError, RequestRejectedError, UserInputError

from actors.config import Venue
from actors.venue.account_report import Credentials, WalletType
from actors.venue.keys import load_private_key
from actors.venue.polymarket.environment import (
    chosen_wallet,
    derive_credentials,
    make_credentials,
    open_client,
    signer_address,
    wallet_type,
)
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Rejected, Unknown

CONNECT_TIMEOUT_S: Final = 20.0
"""Wire. Credentials, and for a deposit wallet a question to the relayer, 5 s each at most."""
NO_CREDENTIALS: Final = (
    "the venue has no API credentials for this key, and a start makes none: `midstride live keys` "
    "makes them"
)
OTHER_WALLET: Final = (
    "wallet {wallet} does not belong to the configured key: give the key of that wallet, or name "
    "the key's own wallet as venue.wallet"
)
PASSING: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Statuses that say nothing of the key: try again."""
FAILURES: Final = (PolymarketError, TimeoutError, RecursionError, httpx.HTTPError)


class Absent(StrEnum):
    """What to do where the venue has no credentials for the key."""

    REFUSE = "refuse"
    MAKE = "make"
    """The sandbox's own start: there every account begins without."""


async def connect(
    venue: Venue, timeout_s: float, absent: Absent = Absent.REFUSE
) -> PolymarketVenue | Rejected | Unknown:
    """Open the account of the configured key, once.

    `Unknown` where the venue cannot be reached: wait and try again. `Rejected` where it refuses
    the key or the wallet. Raises `PrivateKeyError` for a key that is missing or malformed.
    """
    private_key = load_private_key(venue)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            credentials = await derive_credentials(venue, private_key)
            if credentials is None and absent is Absent.MAKE:
                credentials = await make_credentials(venue, private_key)
            if credentials is None:
                return Rejected(code="refused", message=NO_CREDENTIALS)
            wallet = await chosen_wallet(venue, signer_address(private_key))
            kind = wallet_type(venue, signer_address(private_key), wallet)
            if kind is WalletType.FOREIGN and absent is Absent.REFUSE:
                return Rejected(code="refused", message=OTHER_WALLET.format(wallet=wallet))
            client = await open_client(venue, private_key, wallet, credentials)
    except FAILURES as error:
        return refusal(error)
    return PolymarketVenue(client, venue, timeout_s)


async def create_credentials(venue: Venue) -> Credentials | Rejected | Unknown:
    """Have the venue make credentials for the configured key, because a person asked for it.

    `DERIVED`: it had some already, nothing was made. `ABSENT` is never returned.
    Raises `PrivateKeyError`.
    """
    private_key = load_private_key(venue)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            if await derive_credentials(venue, private_key) is not None:
                return Credentials.DERIVED
            await make_credentials(venue, private_key)
    except FAILURES as error:
        return refusal(error)
    return Credentials.MADE


def refusal(error: Exception) -> Rejected | Unknown:
    """Say what an opening that failed means: refused by the venue, or not known."""
    match error:
        case UserInputError():
            return Rejected(code="refused", message=str(error))
        case RequestRejectedError() if (
            error.restriction is None
            and HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
            and error.status not in PASSING
        ):
            return Rejected(code="refused", message=str(error))
        case RequestRejectedError():
            return Unknown(reason=f"HTTP {error.status}: {error}")
        case _:
            return Unknown(reason=f"{type(error).__name__}: {error}")
