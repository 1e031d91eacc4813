"""A paper exchange beside a book, its orders and what happens in its market."""

from actors.venue.paper.exchange import PaperExchange
from actors.venue.paper.makers import PublicTrade
from actors.venue.paper.records import (
    EndReason,
    Opened,
    OrderKind,
    PaperMarket,
    PaperOrder,
)
from actors.venue.paper.state import PaperState
from signals.market import Outcome, Side
from signals.units import MICRO

NOW_MS = 1_800_000_000_000
CLOSE_MS = NOW_MS + 300_000
SHARE = MICRO
MARKET = PaperMarket(
    condition_id="0xc",
    up_token_id="1",
    down_token_id="2",
    tick_micro_usd=10_000,
    min_order_shares=5 * SHARE,
    fee_rate="0.07",
    fee_exponent="1",
    close_ms=CLOSE_MS,
)


def exchange(
    bids: dict[int, int] | None = None, asks: dict[int, int] | None = None
) -> PaperExchange:
    """Return an account of 1,000 USD beside a book, in cents and whole shares."""
    state = PaperState()
    state.apply(Opened(cash_micro_usd=1_000 * MICRO, wire_ms=NOW_MS))
    made = PaperExchange(state)
    made.add_market(MARKET)
    show(made, {40: 100} if bids is None else bids, {42: 100} if asks is None else asks)
    return made


def show(made: PaperExchange, bids: dict[int, int], asks: dict[int, int], at: int = 0) -> None:
    sides = [
        {cents * 10_000: shares * SHARE for cents, shares in levels.items()}
        for levels in (bids, asks)
    ]
    made.book_replaced("0xc", sides[0], sides[1], NOW_MS + at, NOW_MS + at)


def order(
    name: str = "a",
    *,
    kind: OrderKind = OrderKind.GTC,
    side: Side = Side.BUY,
    outcome: Outcome = Outcome.UP,
    cents: int = 40,
    shares: int = 10,
) -> PaperOrder:
    spends = kind.immediate and side is Side.BUY
    return PaperOrder(
        order_id=name,
        condition_id="0xc",
        token_id="1" if outcome is Outcome.UP else "2",
        outcome=outcome,
        side=side,
        kind=kind,
        post_only=not kind.immediate,
        price=cents * 10_000,
        shares=shares * SHARE,
        budget_micro_usd=cents * 10_000 * shares if spends else None,
    )


def place(made: PaperExchange, one: PaperOrder, at: int = 0) -> object:
    return made.place(one, NOW_MS + at, NOW_MS + at)


def level(made: PaperExchange, cents: int, shares: int, *, bid: bool = True, at: int = 0) -> None:
    made.level_changed("0xc", (bid, cents * 10_000, shares * SHARE), NOW_MS + at, NOW_MS + at)


def trade(
    made: PaperExchange, cents: int, shares: int, *, buys_up: bool = False, at: int = 0
) -> None:
    told = PublicTrade(
        up_price=cents * 10_000, shares=shares * SHARE, buys_up=buys_up, stamp_ms=NOW_MS + at
    )
    made.traded("0xc", told, NOW_MS + at)


def ended_as(made: PaperExchange, name: str) -> EndReason | None:
    entry = made.state.order(name)
    assert entry is not None
    return None if entry.ended is None else entry.ended.reason


def fills(made: PaperExchange) -> list[tuple[str, int, float]]:
    return [(fill.order_id, fill.price // 10_000, fill.shares / SHARE) for fill in made.state.fills]
