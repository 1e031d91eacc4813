"""Listings of orders and trades, read row by row: one odd row never hides the others.

A row that is not as the venue's SDK knows it is kept as an `OddRow`. Where only fields are odd that
decide nothing here (a fee rate, a stamp of the last update), it counts all the same.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec
from polymarket.errors import RequestRejectedError, UnexpectedResponseError, UserInputError
from polymarket.models.clob.account import ClobTrade, OpenOrder
from pydantic import ValidationError

from actors.venue.answers import OddRow
from actors.venue.polymarket.fills import Account, FeeTerms, check_amounts, own_fills
from actors.venue.port import VenueOrder, VenueTrade
from signals.market import Side
from signals.units import MicroShares, PriceMicroUsd, to_micro

WHY_LENGTH_MAX: Final = 160
"""Of what an alarm shows of one row."""
EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
MS_PER_S: Final = 1_000
OF_NO_CONSEQUENCE: Final[Mapping[str, object]] = {
    "fee_rate_bps": "0",  # fees are computed from the market's own terms
    "bucket_index": 0,
    "outcome": "",
    "owner": "",
    "maker_address": "",
    "transaction_hash": None,
}
"""Fields of a trade that the SDK wants and nothing here reads."""

FeeTermsOf = Callable[[str], Awaitable[FeeTerms]]


class Rows(msgspec.Struct):
    """What came of a listing so far."""

    orders: list[VenueOrder] = []
    trades: list[VenueTrade] = []
    odd: list[OddRow] = []


def read_order(row: object, rows: Rows) -> None:
    """Read one open order."""
    try:
        rows.orders.append(_order(OpenOrder.model_validate(row)))
    except (ValidationError, ValueError, ArithmeticError) as error:
        rows.odd.append(_odd("orders", row, _why(error)))


async def read_trade(row: object, account: Account, fee_terms: FeeTermsOf, rows: Rows) -> None:
    """Read one trade as own fills. Raises what a lost answer about its market's fee raises."""
    try:
        trade, mended = _trade(row, account)
        terms = await fee_terms(str(trade.asset_id))
        fills = own_fills(trade, account, terms)
        _check_time(trade)
    except (
        ValidationError,
        ValueError,
        ArithmeticError,
        RequestRejectedError,
        UnexpectedResponseError,
        UserInputError,
    ) as error:
        if isinstance(error, RequestRejectedError) and error.status != HTTPStatus.NOT_FOUND:
            raise  # the venue is busy or away: that says nothing of this row
        rows.odd.append(_odd("trades", row, _why(error)))
        return
    rows.trades.extend(fills)
    if not terms.known and any(not fill.maker for fill in fills):
        mended = (*mended, "fee, which its market does not say")
    if mended:
        odd = _odd("trades", row, f"counted without its {', '.join(mended)}")
        rows.odd.append(msgspec.structs.replace(odd, counted=True))


def _trade(row: object, account: Account) -> tuple[ClobTrade, tuple[str, ...]]:
    """Read a row, at need without fields of no consequence, and name those."""
    try:
        return ClobTrade.model_validate(row), ()
    except ValidationError as error:
        fields = {str(one["loc"][0]) if one["loc"] else "" for one in error.errors()}
        plain = _plain(row, fields, account) if isinstance(row, dict) else None
        if plain is None:
            raise
        return ClobTrade.model_validate({**cast("dict[str, Any]", row), **plain}), tuple(plain)


def _plain(row: dict[str, Any], fields: set[str], account: Account) -> dict[str, object] | None:
    """Return plain values for the odd fields of a trade; None where one of them matters."""
    makers = row.get("maker_orders")
    known = dict(OF_NO_CONSEQUENCE)
    known["last_update"] = row.get("match_time")
    if makers is None and row.get("trader_side") == "TAKER":
        known["maker_orders"] = ()  # then the trade's own price and size are what there is
    if isinstance(makers, list):
        known["trader_side"] = "MAKER" if _is_maker(makers, account) else "TAKER"
    return {name: known[name] for name in sorted(fields)} if fields <= set(known) else None


def _is_maker(makers: Sequence[object], account: Account) -> bool:
    own = {account.owner, account.wallet.lower()}
    legs = [leg for leg in makers if isinstance(leg, dict)]
    names = ((leg.get("owner"), str(leg.get("maker_address")).lower()) for leg in legs)
    return any(owner in own or wallet in own for owner, wallet in names)


def _check_time(trade: ClobTrade) -> None:
    if not EARLIEST < trade.matched_at < LATEST:
        raise ValueError(f"matched at {trade.matched_at}")


def _order(row: OpenOrder) -> VenueOrder:
    price, shares = to_micro(row.price), to_micro(row.original_size)
    check_amounts(price, shares)
    return VenueOrder(
        order_id=row.id,
        condition_id=str(row.condition_id),
        token_id=str(row.asset_id),
        side=Side(row.side),
        price=PriceMicroUsd(price),
        shares=MicroShares(shares),
        filled_shares=MicroShares(to_micro(row.size_matched)),
        status=row.status,
        created_wire_ms=int(row.created_at.timestamp() * MS_PER_S),
    )


def _odd(listing: str, row: object, why: str) -> OddRow:
    found = row if isinstance(row, dict) else {}
    makers = found.get("maker_orders")
    legs = makers if isinstance(makers, list) else []
    named = [found.get("taker_order_id"), found.get("id") if listing == "orders" else None]
    named += [leg.get("order_id") for leg in legs if isinstance(leg, dict)]
    return OddRow(
        listing=listing,
        row_id=str(found.get("id") or row)[:WHY_LENGTH_MAX],
        why=why[:WHY_LENGTH_MAX],
        order_ids=tuple(name for name in named if isinstance(name, str) and name),
    )


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, one['loc']))} {one.get('input')!r}" for one in error.errors()
        )
    return f"{type(error).__name__}: {error}"
