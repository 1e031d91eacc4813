"""What the chain says of a wallet, as the venue's data service tells it: approvals and positions.

Read row by row: a row of these that cannot be read makes the whole answer unreadable, because half
a picture would let a start pass that must not.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import httpx
import msgspec

from actors.config import Venue
from actors.venue.account_report import Approval, HeldPosition
from actors.venue.polymarket.account_reads import WITHOUT_LIMIT
from actors.venue.polymarket.environment import contracts
from signals.units import MicroShares, MicroUsd, to_micro

PAGES_MAX: Final = 50
"""Of positions, 100 rows each; a wallet that trades 16 slots holds a few dozen."""
PAGE_ROWS: Final = 100
AGENT: Final = {"User-Agent": "midstride"}
UNLIMITED: Final = "max"
DIGITS_MAX: Final = 78
"""Of a number of 256 bits."""


class _Needed(msgspec.Struct, frozen=True, kw_only=True):
    needed_for: str
    what: str
    token: str
    spender: str
    required: bool = True


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    spender: str
    approved: bool
    amount: str | None = None


class _Approvals(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    chain_id: int
    contracts: tuple[msgspec.Raw, ...]


class _ApprovalsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    data: _Approvals


def _needed(venue: Venue) -> tuple[_Needed, ...]:
    known = contracts(venue)
    return (
        _Needed(
            needed_for="buying",
            what="pUSD",
            token=known.collateral_token,
            spender=known.standard_exchange,
        ),
        _Needed(
            needed_for="selling",
            what="outcome tokens",
            token=known.conditional_tokens,
            spender=known.standard_exchange,
        ),
        _Needed(
            needed_for="redeeming",
            what="outcome tokens",
            token=known.conditional_tokens,
            spender=known.collateral_adapter,
        ),
        _Needed(
            needed_for="buying in markets of the second protocol",
            what="pUSD",
            token=known.collateral_token,
            spender=known.exchange_v3,
            required=False,
        ),
        _Needed(
            needed_for="selling in markets of the second protocol",
            what="positions",
            token=known.position_manager,
            spender=known.exchange_v3,
            required=False,
        ),
    )


async def read_approvals(venue: Venue, wallet: str, timeout_s: float) -> tuple[Approval, ...]:
    """Read what the wallet has approved; changes nothing. Raises what a lost answer raises."""
    async with _client(venue, timeout_s) as http:
        response = await http.get("/v2/approvals", params={"user": wallet})
    found = msgspec.json.decode(_body(response), type=_ApprovalsAnswer).data
    if found.address.lower() != wallet.lower() or found.chain_id != venue.chain_id:
        raise ValueError(f"approvals of {found.address[:42]} on chain {found.chain_id}")
    rows = _rows(found.contracts)
    return tuple(_approval(needed, rows) for needed in _needed(venue))


def _rows(raw: tuple[msgspec.Raw, ...]) -> Mapping[tuple[str, str], _Row]:
    """Return rows by token and spender; the list holds contracts that nobody here needs."""
    found: dict[tuple[str, str], _Row] = {}
    for one in raw:
        try:
            row = msgspec.json.decode(one, type=_Row)
        except msgspec.DecodeError:
            continue  # if it is one that is needed, that one is not granted
        found[row.token.lower(), row.spender.lower()] = row
    return found


def _approval(needed: _Needed, rows: Mapping[tuple[str, str], _Row]) -> Approval:
    row = rows.get((needed.token.lower(), needed.spender.lower()))
    amount = None if row is None else row.amount
    return Approval(
        needed_for=needed.needed_for,
        token=needed.what,
        spender=needed.spender,
        micro_usd=None if amount in (None, UNLIMITED) else _amount(str(amount)),
        granted=row is not None and row.approved,
        required=needed.required,
    )


def _amount(text: str) -> MicroUsd:
    if not (text.isascii() and text.isdecimal()) or len(text) > DIGITS_MAX:
        raise ValueError(f"an approval of {text[:40]!r}")
    return MicroUsd(min(int(text), WITHOUT_LIMIT))


# ---- positions --------------------------------------------------------------------------------


class _Position(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    condition_id: str
    current_size: Decimal
    status: str
    slug: str = ""


class _Pagination(msgspec.Struct, frozen=True, kw_only=True):
    has_more: bool = False
    next_cursor: str | None = None


class _PositionsPage(msgspec.Struct, frozen=True, kw_only=True):
    data: tuple[_Position, ...]
    pagination: _Pagination = _Pagination()


async def read_positions(venue: Venue, wallet: str, timeout_s: float) -> tuple[HeldPosition, ...]:
    """Read what the wallet holds of markets that are not resolved. Raises as above."""
    found: list[HeldPosition] = []
    cursor: str | None = None
    async with _client(venue, timeout_s) as http:
        for _ in range(PAGES_MAX):
            asked = {"user": wallet, "status": "OPEN", "limit": str(PAGE_ROWS)}
            if cursor is not None:
                asked["cursor"] = cursor
            response = await http.get("/v2/positions", params=asked)
            page = msgspec.json.decode(_body(response), type=_PositionsPage)
            found += [_held(row) for row in page.data if row.status == "OPEN"]
            if not page.pagination.has_more:
                return tuple(held for held in found if held.shares > 0)
            if page.pagination.next_cursor in (None, cursor):
                raise ValueError("the pages of positions go in a circle")
            cursor = page.pagination.next_cursor
    raise ValueError(f"more than {PAGES_MAX} pages of positions")


def _held(row: _Position) -> HeldPosition:
    return HeldPosition(
        token_id=row.token_id,
        condition_id=row.condition_id,
        shares=MicroShares(to_micro(row.current_size)),
        market=row.slug,
    )


def _body(response: httpx.Response) -> bytes:
    if not response.is_success:
        raise ValueError(f"{response.url.path}: HTTP {response.status_code}")
    return response.content


def _client(venue: Venue, timeout_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=venue.data_url, timeout=timeout_s, headers=AGENT)
