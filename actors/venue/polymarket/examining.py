"""Look at an account before any order: all that the venue says of it, read only."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final, TypeVar

import httpx
import msgspec
from polymarket import AsyncSecureClient
from polymarket.errors import (
    OrderHeartbeatMismatchError,
    RequestRejectedError,
    UserInputError,
)
from polymarket.models.clob import ApiKeyCreds

from actors.clock import wall_ms
from actors.config import Venue
from actors.venue.account_report import (
    AccountReport,
    Chain,
    Clock,
    Credentials,
    Region,
    WalletType,
)
from actors.venue.keys import PrivateKeyError, load_private_key
from actors.venue.polymarket.account_reads import WITHOUT_LIMIT, least_allowance
from actors.venue.polymarket.environment import (
    CHECKED_SDK_VERSION,
    chosen_wallet,
    contracts,
    derive_credentials,
    is_deployed,
    is_production,
    open_client,
    signer_address,
    update_allowance,
    wallet_type,
)
from actors.venue.polymarket.opening import FAILURES, refusal
from actors.venue.polymarket.public import PublicReads
from actors.venue.polymarket.unauthorized import repeat_if_unauthorized
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.polymarket.wallet_reads import AGENT, read_approvals, read_positions
from actors.venue.port import VERSION_KNOWN, Rejected, Unknown
from signals.units import MicroUsd

PACKAGE: Final = "polymarket-client"
REGION_URL: Final = "https://polymarket.com/api/geoblock"
NO_HEARTBEAT: Final = "00000000-0000-0000-0000-000000000000"
"""An id that no chain has: the venue refuses it, moves no deadline, and names the right one."""
WATCH_S: Final = 11.0
"""Wire: a chain that lives moves within ten seconds, or the venue cancels its orders."""
WATCH_STEP_S: Final = 1.0
MS_PER_S: Final = 1_000

_Found = TypeVar("_Found")


async def examine(venue: Venue, timeout_s: float, watch_s: float = WATCH_S) -> AccountReport:
    """Read what the venue says of the configured account; see `Adapter.examine`."""
    report = AccountReport(
        library=_installed(), library_known=CHECKED_SDK_VERSION, version_known=VERSION_KNOWN
    )
    try:
        private_key = load_private_key(venue)
    except PrivateKeyError as error:
        return msgspec.structs.replace(report, key_problem=str(error))
    asking = _Examination(venue, private_key, timeout_s, watch_s)
    for part in (asking.public, asking.wallet, asking.account):
        report = await part(report)
    return report


def _installed() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "not installed"


class _Examination:
    """Asks all that the venue says of one account."""

    def __init__(self, venue: Venue, private_key: str, timeout_s: float, watch_s: float) -> None:
        self._venue = venue
        self._private_key = private_key
        self._timeout_s = timeout_s
        self._watch_s = watch_s

    async def _ask(self, ask: Callable[[], Awaitable[_Found]]) -> _Found | Unknown:
        """Await an answer; whatever goes wrong means that nothing is known."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await ask()
        except (*FAILURES, msgspec.MsgspecError, ValueError, ArithmeticError) as error:
            return Unknown(reason=f"{type(error).__name__}: {error}")

    # ---- what the venue says to anybody -------------------------------------------------------

    async def public(self, report: AccountReport) -> AccountReport:
        reads = PublicReads(self._venue, self._timeout_s)
        try:
            version, clock, region = await asyncio.gather(
                reads.version(), self._clock(reads), self._region()
            )
        finally:
            await reads.close()
        return msgspec.structs.replace(report, version=version, clock=clock, region=region)

    async def _clock(self, reads: PublicReads) -> Clock | Unknown:
        asked_ms, began_s = wall_ms(), time.monotonic()
        server_ms = await reads.server_time_ms()
        if isinstance(server_ms, Unknown):
            return server_ms
        trip_ms = (time.monotonic() - began_s) * MS_PER_S
        return Clock(
            ahead_ms=round(server_ms - asked_ms - trip_ms / 2), round_trip_ms=round(trip_ms)
        )

    async def _region(self) -> Region | Unknown | None:
        url = self._venue.region_url
        if url is None:
            if not is_production(self._venue):
                return None
            url = REGION_URL
        return await self._ask(lambda: read_region(url, self._timeout_s))

    # ---- the wallet ---------------------------------------------------------------------------

    async def wallet(self, report: AccountReport) -> AccountReport:
        signer = signer_address(self._private_key)
        report = msgspec.structs.replace(report, signer=signer)
        wallet = await self._ask(lambda: chosen_wallet(self._venue, signer))
        if isinstance(wallet, Unknown):
            return msgspec.structs.replace(report, deployed=wallet)
        report = msgspec.structs.replace(report, wallet=wallet)
        try:
            kind = wallet_type(self._venue, signer, wallet)
        except UserInputError as error:
            return msgspec.structs.replace(report, wallet_problem=str(error))
        report = msgspec.structs.replace(report, wallet_type=kind)
        if kind is WalletType.FOREIGN:
            return report
        deployed = await self._ask(lambda: is_deployed(self._venue, wallet, kind))
        return msgspec.structs.replace(report, deployed=deployed)

    # ---- the account --------------------------------------------------------------------------

    async def account(self, report: AccountReport) -> AccountReport:
        """Ask as the account; not where the wallet is none of the key's."""
        if report.wallet_type in (None, WalletType.FOREIGN):
            return report
        found = await self._ask(lambda: derive_credentials(self._venue, self._private_key))
        if found is None:
            return msgspec.structs.replace(report, credentials=Credentials.ABSENT)
        if isinstance(found, Unknown):
            return msgspec.structs.replace(report, credentials=found)
        client = await open_client(self._venue, self._private_key, report.wallet, found)
        account = PolymarketVenue(client, self._venue, self._timeout_s)
        try:
            return await self._as_account(report, client, account, found)
        finally:
            await account.close()

    async def _as_account(
        self,
        report: AccountReport,
        client: AsyncSecureClient,
        account: PolymarketVenue,
        credentials: ApiKeyCreds,
    ) -> AccountReport:
        known = await self._ask(lambda: _credentials(client, credentials))
        report = msgspec.structs.replace(report, credentials=known)
        if known is not Credentials.DERIVED:
            return report
        closed, money, approvals, orders, positions, chain = await asyncio.gather(
            self._ask(lambda: repeat_if_unauthorized(client.get_closed_only_mode)),
            self._money(client),
            self._ask(lambda: read_approvals(self._venue, report.wallet, self._timeout_s)),
            account.open_orders(),
            self._ask(lambda: read_positions(self._venue, report.wallet, self._timeout_s)),
            self._chain(client),
        )
        odd = account.odd_rows()
        if odd and not isinstance(orders, Unknown):
            orders = Unknown(reason=f"order {odd[0].row_id} cannot be read: {odd[0].why}")
        return msgspec.structs.replace(
            report,
            closed_only=closed,
            cash_micro_usd=money[0],
            allowance_micro_usd=money[1],
            approvals=approvals,
            open_orders=orders,
            positions=positions,
            heartbeats=chain,
        )

    async def _money(
        self, client: AsyncSecureClient
    ) -> tuple[MicroUsd | Unknown, MicroUsd | Unknown | None]:
        found = await self._ask(
            lambda: repeat_if_unauthorized(
                lambda: client.get_balance_allowance(asset_type="COLLATERAL")
            )
        )
        if isinstance(found, Unknown):
            return found, None
        least = least_allowance(found.allowances, contracts(self._venue).standard_exchange)
        cash = MicroUsd(min(found.balance, WITHOUT_LIMIT))
        return cash, None if least is None else MicroUsd(min(least, WITHOUT_LIMIT))

    async def _chain(self, client: AsyncSecureClient) -> Chain | Unknown:
        """Look for a while whether the chain of heartbeats moves: then somebody else sends them."""
        first = await self._ask(lambda: _expected_id(client))
        left_s = self._watch_s
        while left_s > 0 and not isinstance(first, Unknown):
            await asyncio.sleep(min(WATCH_STEP_S, left_s))
            left_s -= WATCH_STEP_S
            found = await self._ask(lambda: _expected_id(client))
            if isinstance(found, Unknown):
                return found
            if found != first:
                return Chain.FRESH
        return first if isinstance(first, Unknown) else Chain.QUIET


async def _expected_id(client: AsyncSecureClient) -> str:
    """Return the id that the venue expects next; a wrong one is refused and changes nothing."""
    try:
        beat = await repeat_if_unauthorized(
            lambda: client.send_order_heartbeat(heartbeat_id=NO_HEARTBEAT)
        )
    except OrderHeartbeatMismatchError as error:
        return error.heartbeat_id
    return str(beat.heartbeat_id)


async def _credentials(client: AsyncSecureClient, credentials: ApiKeyCreds) -> Credentials:
    """Say whether requests signed with the credentials are let in."""
    try:
        await repeat_if_unauthorized(client.fetch_api_keys)
    except RequestRejectedError as error:
        if error.status != httpx.codes.UNAUTHORIZED:
            raise
        return Credentials.REFUSED
    assert credentials.key
    return Credentials.DERIVED


async def read_region(url: str, timeout_s: float) -> Region:
    """Ask where the venue believes this machine to be."""
    async with httpx.AsyncClient(timeout=timeout_s, headers=AGENT) as http:
        response = await http.get(url)
    return msgspec.json.decode(response.content, type=Region)


async def refresh_allowances(venue: Venue, timeout_s: float) -> Rejected | Unknown | None:
    """Have the exchange read the wallet's approvals anew; see `Adapter.refresh_allowances`."""
    private_key = load_private_key(venue)
    try:
        async with asyncio.timeout(timeout_s):
            found = await derive_credentials(venue, private_key)
            if found is None:
                return Rejected(code="refused", message="the key has no credentials")
            wallet = await chosen_wallet(venue, signer_address(private_key))
            client = await open_client(venue, private_key, wallet, found)
            try:
                await update_allowance(client)
            finally:
                await client.close()
    except FAILURES as error:
        return refusal(error)
    return None
