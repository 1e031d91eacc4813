"""All that this project takes from the private side of the venue's SDK, in one place.

The SDK (polymarket-client) has no public way to name other hosts than production's, to warm the
metadata that signing needs, to open an account without making credentials or a wallet by the way,
or to see whether its user stream is connected. Each use is one function here;
tests/actors/venue/test_environment.py checks them against `CHECKED_SDK_VERSION`.
"""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from http import HTTPStatus
from typing import Final, cast

import msgspec
from eth_account import Account as Key
from eth_account.signers.local import LocalAccount
from polymarket import AsyncSecureClient
from polymarket._internal.actions._cursor import next_cursor_or_none
from polymarket._internal.actions.auth import create_api_key, derive_api_key
from polymarket._internal.actions.relayer.deployed import fetch_deployed
from polymarket._internal.environment import (
    PRODUCTION_CONFIG,
    EnvironmentConfig,
    create_environment,
    get_environment_config,
)
from polymarket._internal.l1_auth import ApiKeyAuthSignature, sign_api_key_auth
from polymarket._internal.wallet import (
    derive_beacon_deposit_wallet_address,
    derive_uups_deposit_wallet_address,
    signature_type_for,
    try_classify_wallet_type,
)
from polymarket.clients._transport import AsyncTransport
from polymarket.environments import Environment
from polymarket.errors import RequestRejectedError, UnexpectedResponseError
from polymarket.models.clob import ApiKeyCreds
from polymarket.models.clob.relayer import RelayerTransactionType
from polymarket.models.types import ClobAssetId

from actors.clock import wall_ms
from actors.config import Venue
from actors.venue.account_report import WalletType
from actors.venue.polymarket.fills import FeeTerms, fee_terms
from actors.venue.polymarket.unauthorized import repeat_if_unauthorized

CHECKED_SDK_VERSION: Final = "0.14.0"
"""The version of polymarket-client that these private names were checked with."""


def venue_environment(venue: Venue) -> Environment:
    """Make the SDK's environment for the configured hosts.

    Away from production every service that the configuration does not name (RPC, RFQ, perpetuals,
    builder gateway) points at the configured CLOB host, so that nothing can leave by accident.
    """
    config = dataclasses.replace(
        PRODUCTION_CONFIG,
        chain_id=venue.chain_id,
        clob_url=venue.clob_url,
        gamma_url=venue.gamma_url,
        data_url=venue.data_url,
        relayer_url=venue.relayer_url,
        clob_market_ws_url=venue.market_ws_url,
        clob_user_ws_url=venue.user_ws_url,
        realtime_ws_url=venue.prices_ws_url,
        rpc_url=venue.rpc_url or PRODUCTION_CONFIG.rpc_url,
    )
    if is_production(venue):
        return create_environment(name="production", config=config)
    config = dataclasses.replace(
        config,
        rpc_url=venue.rpc_url or venue.clob_url,
        rfq_url=venue.clob_url,
        perps_url=venue.clob_url,
        builder_gateway_url=venue.clob_url,
        collateral_return_url=venue.clob_url,
        rtds_ws_url=venue.prices_ws_url,
        sports_ws_url=venue.prices_ws_url,
        perps_ws_url=venue.prices_ws_url,
        rfq_quoter_ws_url=venue.prices_ws_url,
    )
    return create_environment(name="loopback", config=config)


def is_production(venue: Venue) -> bool:
    return venue.clob_url.rstrip("/") == PRODUCTION_CONFIG.clob_url


def deposit_wallet(private_key: str) -> str:
    """Return the deposit wallet of a rehearsal's key: the simulated relayer knows every wallet."""
    signer = Key.from_key(private_key).address
    return derive_uups_deposit_wallet_address(signer, PRODUCTION_CONFIG.wallet_derivation)


class TokenTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What signing and accounting need of a token's market."""

    exchange: str
    """Contract that the order's signature names."""
    protocol_version: str
    tick: Decimal
    fee: FeeTerms
    """Takers only."""


async def token_terms(client: AsyncSecureClient, token_id: str, *, fresh: bool) -> TokenTerms:
    """Read a token's terms through the SDK's own cache, which its signing uses too."""
    context = client._ctx  # noqa: SLF001 no public way to warm the cache
    cache = context.order_metadata
    read = cache.fetch_current_market if fresh else cache.resolve_market
    market = await read(context, token_id=cast("ClobAssetId", token_id))
    config = context.environment_config
    if is_protocol_v2(token_id):
        exchange, version = config.exchange_v3, "3"
    else:
        exchange = config.neg_risk_exchange if market.neg_risk else config.standard_exchange
        version = "2"
    return TokenTerms(
        exchange=exchange,
        protocol_version=version,
        tick=market.tick_size,
        fee=fee_terms(market.fee_info.rate, market.fee_info.exponent),
    )


PROTOCOL_V2_RESERVED_BITS: Final = ((1 << 64) - 1) << 40
"""Zero in a protocol-v2 position id; in an older token id (a hash) practically never."""


def is_protocol_v2(token_id: str) -> bool:
    return int(token_id) & PROTOCOL_V2_RESERVED_BITS == 0


def user_stream_open(client: AsyncSecureClient) -> bool:
    """Tell whether the SDK's user stream is connected now: it reconnects without saying so."""
    manager = client._user_manager  # noqa: SLF001 the SDK has no reconnect event
    return manager is not None and manager.is_open


class AccountPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a listing as the venue sent it: its rows may be anything."""

    rows: tuple[object, ...]
    next_cursor: str | None


async def account_page(
    client: AsyncSecureClient, path: str, params: Mapping[str, str]
) -> AccountPage:
    """Read one page of the account's listings; the SDK's own reading drops all for one odd row."""
    data = await client._ctx.secure_clob.get_json(path, params=params)  # noqa: SLF001 see above
    if not isinstance(data, dict) or not isinstance(data.get("data"), list):
        raise UnexpectedResponseError(f"{path}: no list of rows in the answer")
    rows = cast("list[object]", data["data"])
    return AccountPage(rows=tuple(rows), next_cursor=next_cursor_or_none(data.get("next_cursor")))


def api_key(client: AsyncSecureClient) -> str:
    """Return the account's public API key id (not its secret): the venue calls it `owner`."""
    return client.credentials.key


# ---- opening an account -----------------------------------------------------------------------

MS_PER_S: Final = 1_000
NO_CREDENTIALS: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
"""The venue's answers to who asks for credentials that were never made, or are revoked."""
WALLET_TYPES: Final = {
    "EOA": WalletType.BARE_KEY,
    "POLY_PROXY": WalletType.PROXY,
    "GNOSIS_SAFE": WalletType.SAFE,
    "DEPOSIT_WALLET": WalletType.DEPOSIT,
    None: WalletType.FOREIGN,
}
RELAYER_TYPES: Final = {
    WalletType.PROXY: RelayerTransactionType.PROXY,
    WalletType.SAFE: RelayerTransactionType.SAFE,
    WalletType.DEPOSIT: RelayerTransactionType.WALLET,
}


def contracts(venue: Venue) -> EnvironmentConfig:
    """Return the venue's contracts on its chain, with the configured addresses."""
    return get_environment_config(venue_environment(venue))


def signer_address(private_key: str) -> str:
    return str(Key.from_key(private_key).address)


def wallet_type(venue: Venue, signer: str, wallet: str) -> WalletType:
    """Say how a wallet belongs to a key; raise `UserInputError` for what is no address."""
    derivation = contracts(venue).wallet_derivation
    found = try_classify_wallet_type(signer=signer, wallet=wallet, config=derivation)
    return WALLET_TYPES[found]


async def chosen_wallet(venue: Venue, signer: str) -> str:
    """Return the configured wallet, or the key's deposit wallet: the older factory's if it is."""
    if venue.wallet is not None:
        return venue.wallet
    derivation = contracts(venue).wallet_derivation
    older = derive_uups_deposit_wallet_address(signer, derivation)
    if await is_deployed(venue, older, WalletType.DEPOSIT):
        return older
    return derive_beacon_deposit_wallet_address(signer, derivation)


async def is_deployed(venue: Venue, wallet: str, kind: WalletType) -> bool:
    """Ask the relayer whether a wallet exists on the chain; a bare key always does."""
    if kind not in RELAYER_TYPES:
        return True
    async with _transport(venue.relayer_url) as relayer:
        return await fetch_deployed(relayer, address=wallet, type=RELAYER_TYPES[kind])


async def derive_credentials(venue: Venue, private_key: str) -> ApiKeyCreds | None:
    """Read the credentials that the venue has for this key; None: it has none. Makes none."""
    async with _transport(venue.clob_url) as clob:
        try:
            return await repeat_if_unauthorized(
                lambda: derive_api_key(clob, _login(venue, private_key))
            )
        except RequestRejectedError as error:
            if error.status not in NO_CREDENTIALS:
                raise
            return None


async def make_credentials(venue: Venue, private_key: str) -> ApiKeyCreds:
    """Have the venue make credentials for this key: a person, or the sandbox's start, wants it."""
    async with _transport(venue.clob_url) as clob:
        return await create_api_key(clob, _login(venue, private_key))


def _login(venue: Venue, private_key: str) -> ApiKeyAuthSignature:
    signer = cast("LocalAccount", Key.from_key(private_key))
    return sign_api_key_auth(
        signer, chain_id=venue.chain_id, timestamp=int(wall_ms() / MS_PER_S), nonce=0
    )


async def open_client(
    venue: Venue, private_key: str, wallet: str, credentials: ApiKeyCreds
) -> AsyncSecureClient:
    """Make a client of an account; nothing is asked, and nothing is made at the venue.

    The SDK's own `create` makes credentials and deploys a wallet where there is none.
    """
    return await AsyncSecureClient._create(  # noqa: SLF001 see above
        private_key=private_key,
        wallet=wallet,
        environment=venue_environment(venue),
        credentials=credentials,
        validate_credentials=False,
    )


async def update_allowance(client: AsyncSecureClient) -> None:
    """Have the exchange read the wallet's approvals anew; the SDK has no call for it."""
    params: dict[str, str | int] = {
        "asset_type": "COLLATERAL",
        "signature_type": signature_type_for(client._ctx.wallet_type),  # noqa: SLF001 see above
    }
    await client._ctx.secure_clob.get_bytes("/balance-allowance/update", params=params)  # noqa: SLF001


@asynccontextmanager
async def _transport(url: str) -> AsyncIterator[AsyncTransport]:
    transport = AsyncTransport(base_url=url)
    try:
        yield transport
    finally:
        await transport.close()
