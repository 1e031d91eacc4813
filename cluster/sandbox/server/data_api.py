"""The Data API: positions, trades and activity of a wallet, settled trades only."""

from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.accounts import Leg, legs_of
from cluster.sandbox.model import MICRO, Market, Outcome, Side, Trade, TradeStatus
from cluster.sandbox.server.calls import Call, Entry
from cluster.sandbox.server.wire import answer, decimal_number, refuse
from cluster.sandbox.wallets import wallets_of

ROWS_MAX: Final = 500


class Pagination(msgspec.Struct, frozen=True, kw_only=True):
    has_more: bool = False
    next_cursor: str | None = None


class DataPage(msgspec.Struct, frozen=True, kw_only=True):
    data: list[msgspec.Struct]
    pagination: Pagination = Pagination()


class TradeRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    proxy_wallet: str
    token_id: str
    condition_id: str
    side: Side
    size: float
    price: float
    timestamp: int
    transaction_hash: str
    slug: str
    outcome: Outcome
    outcome_index: int
    type: str | None = None
    usdc_size: float | None = None


class RedeemRow(msgspec.Struct, frozen=True, kw_only=True):
    """Winnings that were paid out, in the list of activity."""

    proxy_wallet: str
    condition_id: str
    timestamp: int
    transaction_hash: str
    type: str = "REDEEM"
    usdc_size: float
    size: float
    slug: str


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    proxy_wallet: str
    token_id: str
    condition_id: str
    current_size: float
    total_size: float
    avg_price: float
    entry_cost_usdc: float
    entry_fees_usdc: float
    total_cost_usdc: float
    current_price: float
    current_value: float
    realized_pnl: float
    unrealized_pnl: float
    total_pnl: float
    percent_pnl: float
    percent_realized_pnl: float
    status: str
    redeemable: bool
    mergeable: bool
    negative_risk: bool = False
    archived: bool = False
    verified: bool = False
    slug: str
    outcome: Outcome
    outcome_index: int
    opposite_token_id: str


def _account(call: Call) -> str | None:
    """Return the API key behind a wallet's address."""
    user = call.query.get("user", "").lower()
    for account in call.world.accounts.all():
        if user in wallets_of(account.address):
            return account.api_key
    return None


def _settled(call: Call, api_key: str | None) -> list[tuple[Trade, Leg]]:
    if api_key is None:
        return []
    chosen = call.query.get("condition_id", call.query.get("market", ""))
    return [
        (trade, leg)
        for trade in call.world.exchange.trades(api_key, condition_id=chosen)
        if trade.status in {TradeStatus.MINED, TradeStatus.CONFIRMED}
        for leg in legs_of(trade)
        if leg.api_key == api_key
    ]


def _row(call: Call, trade: Trade, leg: Leg, *, activity: bool) -> TradeRow:
    market = call.world.exchange.market(trade.condition_id, call.now)
    value = decimal_number(leg.notional_micro_usd)
    return TradeRow(
        proxy_wallet=call.query.get("user", "").lower(),
        token_id=leg.token_id,
        condition_id=trade.condition_id,
        side=leg.side,
        size=decimal_number(leg.shares),
        price=decimal_number(leg.price),
        timestamp=trade.matched_wire_ms // 1_000,
        transaction_hash=trade.transaction_hash,
        slug="" if market is None else market.slug,
        outcome=leg.outcome,
        outcome_index=_index(leg.outcome),
        type="TRADE" if activity else None,
        usdc_size=value if activity else None,
    )


def _index(outcome: Outcome) -> int:
    return 0 if outcome is Outcome.UP else 1


def _rows(call: Call, *, activity: bool) -> Response:
    if not call.query.get("user"):
        return refuse(400, "required query param 'user' not provided")
    found = _settled(call, _account(call))[:ROWS_MAX]
    return answer(DataPage(data=[_row(call, t, leg, activity=activity) for t, leg in found]))


def trades(call: Call) -> Response:
    return _rows(call, activity=False)


def activity(call: Call) -> Response:
    """Answer trades and redemptions, or those of the types asked for."""
    kinds = set(call.query.get("type", "TRADE,REDEEM").split(","))
    if "REDEEM" not in kinds or not call.query.get("user"):
        return _rows(call, activity=True)
    rows: list[msgspec.Struct] = [*_redeem_rows(call)]
    if "TRADE" in kinds:
        found = _settled(call, _account(call))
        rows += [_row(call, trade, leg, activity=True) for trade, leg in found]
    return answer(DataPage(data=rows[:ROWS_MAX]))


def _redeem_rows(call: Call) -> list[RedeemRow]:
    chosen = call.query.get("condition_id", "")
    chain = call.world.exchange.chain
    rows = []
    for one in chain.redeemed_by(_account(call) or ""):
        market = call.world.exchange.market(one.condition_id, call.now)
        if chosen in ("", one.condition_id):
            rows.append(
                RedeemRow(
                    proxy_wallet=call.query.get("user", "").lower(),
                    condition_id=one.condition_id,
                    timestamp=call.now.wire_ms // 1_000,
                    transaction_hash=one.transaction_hash,
                    usdc_size=decimal_number(one.paid_micro_usd),
                    size=decimal_number(one.paid_micro_usd),
                    slug="" if market is None else market.slug,
                )
            )
    return rows


def positions(call: Call) -> Response:
    if not call.query.get("user"):
        return refuse(400, "required query param 'user' not provided")
    api_key = _account(call)
    by_token: dict[tuple[str, str], list[Leg]] = {}
    for trade, leg in _settled(call, api_key):
        by_token.setdefault((trade.condition_id, leg.token_id), []).append(leg)
    rows: list[msgspec.Struct] = []
    for (condition_id, token_id), legs in by_token.items():
        market = call.world.exchange.market(condition_id, call.now)
        held = call.world.exchange.holding(api_key or "", token_id).settled
        if market is not None and held > 0 and _listed(call, market, legs[0]):
            rows.append(_position(call, market, legs, held))
    return answer(DataPage(data=rows[:ROWS_MAX]))


def _listed(call: Call, market: Market, leg: Leg) -> bool:
    """Tell whether the asked status takes this position; a lost one is REDEEMABLE too."""
    match call.query.get("status"):
        case "OPEN":
            return not market.closed
        case "REDEEMABLE":
            return market.closed
        case "REDEEMABLE_LOST":
            return market.closed and market.winner is not leg.outcome
        case "CLOSED" | "MERGEABLE":
            return False
        case _:
            return True


def _position(call: Call, market: Market, legs: list[Leg], held: int) -> PositionRow:
    bought = [leg for leg in legs if leg.side is Side.BUY]
    shares = sum(leg.shares for leg in bought)
    cost = sum(leg.notional_micro_usd for leg in bought)
    average = cost * MICRO // shares if shares else 0
    entry, value = average * held // MICRO, _price_now(call, market, legs[0]) * held // MICRO
    return PositionRow(
        proxy_wallet=call.query.get("user", "").lower(),
        token_id=legs[0].token_id,
        condition_id=market.condition_id,
        current_size=decimal_number(held),
        total_size=decimal_number(shares),
        avg_price=decimal_number(average),
        entry_cost_usdc=decimal_number(entry),
        entry_fees_usdc=decimal_number(sum(leg.fee_micro_usd for leg in bought)),
        total_cost_usdc=decimal_number(cost),
        current_price=decimal_number(_price_now(call, market, legs[0])),
        current_value=decimal_number(value),
        realized_pnl=0.0,
        unrealized_pnl=decimal_number(value - entry),
        total_pnl=decimal_number(value - entry),
        percent_pnl=round(100 * (value - entry) / entry, 4) if entry else 0.0,
        percent_realized_pnl=0.0,
        status="REDEEMABLE" if market.closed else "OPEN",
        redeemable=market.closed,
        mergeable=False,
        slug=market.slug,
        outcome=legs[0].outcome,
        outcome_index=_index(legs[0].outcome),
        opposite_token_id=market.token_id(legs[0].outcome.opposite),
    )


def _price_now(call: Call, market: Market, leg: Leg) -> int:
    if market.winner is not None:
        return MICRO if market.winner is leg.outcome else 0
    view = call.world.exchange.book(leg.token_id, call.now)
    return view.bids[0].price if view is not None and view.bids else 0


DATA_TABLE: Final = tuple(
    Entry("GET", prefix + path, handler)
    for prefix in ("", "/v2")
    for path, handler in (
        ("/positions", positions),
        ("/trades", trades),
        ("/activity", activity),
    )
)
