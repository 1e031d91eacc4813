"""What an account may ask the CLOB about itself: keys, orders, trades, balance."""

import base64
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec
from starlette.responses import Response

from cluster.sandbox.auth import Account, Refusal, check_login
from cluster.sandbox.faults import FaultKind
from cluster.sandbox.model import Now, OrderState
from cluster.sandbox.numbers import whole_number
from cluster.sandbox.server.calls import Call, Door, Entry
from cluster.sandbox.server.order_bodies import (
    END_CURSOR,
    Page,
    open_order_body,
    trade_body,
)
from cluster.sandbox.server.posted_orders import checked_order_id
from cluster.sandbox.server.wire import answer, refuse
from cluster.sandbox.server.world import World
from cluster.sandbox.signing import EXCHANGE_V2, EXCHANGE_V2_NEG_RISK, EXCHANGE_V3

PAGE_ROWS: Final = 100
"""Rows on one page of orders or trades."""
ROWS_MAX: Final = 10**9
"""Rows that a cursor may point behind."""
BOUND_S_MAX: Final = 2**62
UNLIMITED: Final = str(2**256 - 1)
"""An approval without limit: what a wallet that is set up for trading shows."""

Row = TypeVar("Row")


class KeyBody(msgspec.Struct, frozen=True, kw_only=True):
    apiKey: str  # noqa: N815 the venue's field name
    secret: str
    passphrase: str


class KeysBody(msgspec.Struct, frozen=True, kw_only=True):
    apiKeys: tuple[str, ...]  # noqa: N815 the venue's field name


class ClosedOnlyBody(msgspec.Struct, frozen=True, kw_only=True):
    closed_only: bool = False


class BalanceBody(msgspec.Struct, frozen=True, kw_only=True):
    balance: str
    allowances: dict[str, str]


class TierBody(msgspec.Struct, frozen=True, kw_only=True):
    tier: str


def _key_body(account: Account) -> KeyBody:
    return KeyBody(apiKey=account.api_key, secret=account.secret, passphrase=account.passphrase)


def create_key(call: Call) -> Response:
    """Issue an API key for a signed login, and open the account with its starting balance."""
    login = check_login(call.headers, call.world.reported_wire_ms())
    if isinstance(login, Refusal):
        return refuse(login.status, login.error)
    account = call.world.accounts.create(*login)
    if isinstance(account, Refusal):
        return refuse(account.status, account.error)
    call.world.open_account(account)
    call.world.commit()
    return answer(_key_body(account))


def derive_key(call: Call) -> Response:
    login = check_login(call.headers, call.world.reported_wire_ms())
    if isinstance(login, Refusal):
        return refuse(login.status, login.error)
    account = call.world.accounts.find(*login)
    return (
        refuse(400, "Could not derive api key!") if account is None else answer(_key_body(account))
    )


def list_keys(call: Call) -> Response:
    accounts = call.world.accounts.of_address(call.owner.address)
    return answer(KeysBody(apiKeys=tuple(account.api_key for account in accounts)))


def delete_key(call: Call) -> Response:
    """Revoke the key that signs this request."""
    revoke_key(call.world, call.owner.api_key, call.now)
    return answer("OK")


def revoke_key(world: World, api_key: str, now: Now) -> None:
    """Take a key's orders back, then forget it: the account stays, and waits for a new key."""
    world.exchange.cancel_all(api_key, now)
    world.accounts.delete(api_key)
    world.account_file.write(world.accounts.all())


def closed_only(call: Call) -> Response:
    return answer(ClosedOnlyBody(closed_only=call.world.faults.has(FaultKind.CLOSED_ONLY)))


def rate_limit_tier(call: Call) -> Response:
    return answer(TierBody(tier=call.world.limits.tier))


def _offset(cursor: str) -> int | None:
    if not cursor:
        return 0
    try:
        text = base64.b64decode(cursor, validate=True).decode("ascii")
    except ValueError:  # not base64, or not ASCII on either side
        return None
    return whole_number(text, ROWS_MAX)


def page_of(rows: Sequence[Row], cursor: str, show: Callable[[Row], msgspec.Struct]) -> Response:
    """Answer one page; the cursor is the base64 of the next row's number, -1 at the end."""
    offset = _offset(cursor)
    if offset is None:
        return refuse(400, "invalid next_cursor")
    shown = [show(row) for row in rows[offset : offset + PAGE_ROWS]]
    following = offset + PAGE_ROWS
    more = following < len(rows)
    return answer(
        Page(
            data=shown,
            next_cursor=base64.b64encode(str(following).encode()).decode() if more else END_CURSOR,
            limit=PAGE_ROWS,
            count=len(shown),
        )
    )


def open_orders(call: Call) -> Response:
    orders = call.world.exchange.open_orders(
        call.owner.api_key,
        condition_id=call.query.get("market", ""),
        token_id=call.query.get("asset_id", ""),
    )
    wanted = call.query.get("id")
    rows = [order for order in orders if wanted in (None, order.order_id)]
    return page_of(rows, call.query.get("next_cursor", ""), open_order_body)


def one_order(call: Call) -> Response:
    """Only active orders, as at the venue: a filled one is found among the trades."""
    order = call.world.exchange.order(checked_order_id(call.path["order_id"]))
    active = (OrderState.LIVE, OrderState.DELAYED)
    if order is None or order.api_key != call.owner.api_key or order.state not in active:
        return refuse(404, "order not found")
    return answer(open_order_body(order))


def trades(call: Call) -> Response:
    """Newest first; `after` and `before` are Unix seconds of the match, both included."""
    query = call.query
    after_s = whole_number(query.get("after", "0"), BOUND_S_MAX)
    before_s = whole_number(query.get("before", str(BOUND_S_MAX)), BOUND_S_MAX)
    if after_s is None or before_s is None:
        return refuse(400, "invalid after or before")
    rows = [
        trade
        for trade in call.world.exchange.trades(
            call.owner.api_key,
            condition_id=query.get("market", ""),
            token_id=query.get("asset_id", ""),
        )
        if after_s <= trade.matched_wire_ms // 1_000 <= before_s
        and query.get("id") in (None, trade.trade_id)
    ]
    return page_of(
        rows,
        query.get("next_cursor", ""),
        lambda trade: trade_body(trade, call.owner.api_key),
    )


def balance(call: Call) -> Response:
    """Settled balance in base units: what the chain shows, behind unmined trades."""
    asset_type = call.query.get("asset_type", "")
    if asset_type == "COLLATERAL":
        held = call.world.exchange.cash(call.owner.api_key)
    elif asset_type in ("CONDITIONAL", "CONDITIONAL-V2") and call.query.get("token_id"):
        held = call.world.exchange.holding(call.owner.api_key, call.query["token_id"])
    else:
        return refuse(400, "invalid asset_type or token_id")
    spenders = (EXCHANGE_V2, EXCHANGE_V2_NEG_RISK, EXCHANGE_V3)
    faults = call.world.faults
    missing = faults.has(FaultKind.NO_APPROVAL) or faults.has(FaultKind.STALE_ALLOWANCE)
    allowed = "0" if missing else UNLIMITED
    return answer(
        BalanceBody(balance=str(held.settled), allowances=dict.fromkeys(spenders, allowed))
    )


def update_balance(call: Call) -> Response:
    """Look at the wallet's approvals anew: what was remembered wrongly is over."""
    call.world.faults.clear_kind(FaultKind.STALE_ALLOWANCE)
    return answer("")


ACCOUNT_TABLE: Final = (
    Entry("POST", "/auth/api-key", create_key),
    Entry("GET", "/auth/derive-api-key", derive_key),
    Entry("GET", "/auth/api-keys", list_keys, Door.KEY),
    Entry("DELETE", "/auth/api-key", delete_key, Door.KEY),
    Entry("GET", "/auth/ban-status/closed-only", closed_only, Door.KEY),
    Entry("GET", "/v1/user/rate-limit-tier", rate_limit_tier, Door.KEY),
    Entry("GET", "/data/orders", open_orders, Door.KEY),
    Entry("GET", "/data/order/{order_id}", one_order, Door.KEY),
    Entry("GET", "/data/trades", trades, Door.KEY),
    Entry("GET", "/balance-allowance", balance, Door.KEY),
    Entry("GET", "/balance-allowance/update", update_balance, Door.KEY),
)
