"""All that this project takes from the private side of the venue's SDK, in one place.

The SDK (polymarket-client) has no public way to name other hosts than production's, to warm the
metadata that signing needs, or to see whether its user stream is connected. Each use is one
function here; tests/actors/venue/test_environment.py checks them against `CHECKED_SDK_VERSION`.
"""

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, cast

import msgspec
from polymarket import AsyncSecureClient
from polymarket._internal.actions._cursor import next_cursor_or_none
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
from polymarket.environments import Environment
from polymarket.errors import UnexpectedResponseError
from polymarket.models.types import ClobAssetId

from actors.config import Venue
from actors.venue.polymarket.fills import FeeTerms, fee_terms

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
    )
    if is_production(venue):
        return create_environment(name="production", config=config)
    config = dataclasses.replace(
        config,
        rpc_url=venue.clob_url,
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
