"""The staged climb before slots trade with real money, as a pure machine.

One post-only order far from the market is placed, seen, cancelled and proved gone; then about two
dollars are bought and sold again, proved by trades and balance. The record is written with each
move, before what the move asks for: whoever takes over cleans up first and pays no step twice.
"""

from typing import Final

from msgspec.structs import replace

from actors.live.climb_state import (
    CancelOrder,
    CancelTaken,
    Climb,
    Filled,
    Gone,
    Line,
    NotFilled,
    NotTaken,
    Phase,
    Posted,
    PostOrder,
    ProveFilled,
    ProveGone,
    Purpose,
    Seen,
    Signed,
    SignOrder,
    TooSmall,
    Watch,
    Work,
)
from actors.machine.rows import Table, row
from actors.machine.vocabulary import Answer, At, Failed
from signals.units import MicroShares, MicroUsd

TRIES: Final = 3
"""A book may move away from an order that takes at once: it is tried so often."""

Done = tuple[Climb, tuple[Work | Answer, ...]]
_P = Phase


# ---- conditions -------------------------------------------------------------------------------


def may_try_again(state: Climb, _event: At) -> bool:
    return state.tries < TRIES


# ---- acts -------------------------------------------------------------------------------------


def post(state: Climb, event: Signed) -> Done:
    kept = replace(state, orders=(*state.orders, event.placed), tries=state.tries + 1)
    return kept, (PostOrder(placed=event.placed),)


def watch(state: Climb, _event: At) -> Done:
    return state, (Watch(placed=state.order),)


def cancel(state: Climb, _event: At) -> Done:
    return state, (CancelOrder(placed=state.order),)


def prove_gone(state: Climb, _event: At) -> Done:
    return state, (ProveGone(placed=state.order),)


def buy(state: Climb, event: Gone) -> Done:
    return replace(_late(state, event), tries=0), (SignOrder(purpose=Purpose.BUY),)


def _late(state: Climb, event: Gone) -> Climb:
    return replace(state, late_shares=MicroShares(state.late_shares + event.late_shares))


def buy_again(state: Climb, _event: At) -> Done:
    return state, (SignOrder(purpose=Purpose.BUY),)


def prove_filled(state: Climb, _event: At) -> Done:
    return state, (ProveFilled(placed=state.order),)


def _sale(state: Climb) -> SignOrder:
    bought = next(one for one in reversed(state.orders) if one.purpose is Purpose.BUY)
    return SignOrder(purpose=Purpose.SELL, before=bought, shares=state.held_shares)


def sell(state: Climb, event: Filled) -> Done:
    held = replace(state, bought_shares=event.shares, bought_micro_usd=event.micro_usd, tries=0)
    return held, (_sale(held),)


def sell_again(state: Climb, _event: At) -> Done:
    return state, (_sale(state),)


def finish(state: Climb, event: Filled) -> Done:
    sold = replace(
        state,
        sold_shares=MicroShares(state.sold_shares + event.shares),
        sold_micro_usd=MicroUsd(state.sold_micro_usd + event.micro_usd),
        done_wire_ms=event.wire_ms,
        reason="",
    )
    return sold, ()


def hold(state: Climb, event: TooSmall | NotTaken | NotFilled) -> Done:
    reason = "" if isinstance(event, NotFilled) else event.reason
    bought = next(one for one in reversed(state.orders) if one.purpose is Purpose.BUY)
    said = reason or "nobody bought them"
    return replace(state, reason=said, done_wire_ms=bought.signed_wire_ms), ()


def fail(state: Climb, event: Failed | NotTaken) -> Done:
    return replace(state, reason=event.reason), ()


def fail_unfilled(state: Climb, _event: NotFilled) -> Done:
    return replace(state, reason="nobody sold at the best ask, three times in a row"), ()


def withdraw(state: Climb, event: Failed | NotTaken) -> Done:
    return replace(state, reason=event.reason), (CancelOrder(placed=state.order),)


def place_again(state: Climb, event: Gone) -> Done:
    return replace(_late(state, event), tries=0), (SignOrder(purpose=Purpose.FAR),)


def has_failed(state: Climb, _event: At) -> bool:
    return bool(state.reason)


def give_up(state: Climb, event: Gone) -> Done:
    return _late(state, event), ()


TABLE: Final[Table[Climb, Work | Answer]] = Table(
    row(_P.PLACING, Signed, _P.POSTING, "written before it leaves", post),
    row(_P.PLACING, Failed, _P.FAILED, "nothing has left", fail),
    row(_P.POSTING, Posted, _P.SEEING, "the venue has it, or nobody knows", watch),
    row((_P.POSTING, _P.SEEING), NotTaken, _P.WITHDRAWING, "it is cancelled anyway", withdraw),
    row(_P.SEEING, Seen, _P.CANCELLING, "listing and stream show it", cancel),
    row(_P.CANCELLING, CancelTaken, _P.PROVING_GONE, "the venue says so", prove_gone),
    row(_P.PROVING_GONE, Gone, _P.BUYING, "not listed, and quiet", buy),
    row(
        (_P.POSTING, _P.SEEING, _P.CANCELLING, _P.PROVING_GONE),
        Failed,
        _P.WITHDRAWING,
        "nothing may be left resting",
        withdraw,
    ),
    row(_P.WITHDRAWING, CancelTaken, None, "then it is proved", prove_gone),
    row(_P.WITHDRAWING, Gone, _P.FAILED, "nothing rests", give_up, when=has_failed),
    row(_P.WITHDRAWING, Gone, _P.PLACING, "an earlier start's order is gone", place_again),
    row(_P.WITHDRAWING, Failed, _P.FAILED, "the next start withdraws it again", fail),
    row(_P.BUYING, Signed, _P.POSTING_BUY, "written before it leaves", post),
    row(_P.BUYING, Failed, _P.FAILED, "nothing was bought", fail),
    row(_P.POSTING_BUY, Posted, _P.PROVING_BOUGHT, "trades and balance tell", prove_filled),
    row(_P.POSTING_BUY, NotTaken, _P.BUYING, "the book moved", buy_again, when=may_try_again),
    row(_P.POSTING_BUY, NotTaken, _P.FAILED, "the venue refuses", fail),
    row(_P.POSTING_BUY, Failed, _P.PROVING_BOUGHT, "what became of it is asked", prove_filled),
    row(_P.PROVING_BOUGHT, Filled, _P.SELLING, "confirmed, and the balance moved", sell),
    row(
        _P.PROVING_BOUGHT, NotFilled, _P.BUYING, "it found no seller", buy_again, when=may_try_again
    ),
    row(_P.PROVING_BOUGHT, NotFilled, _P.FAILED, "three times", fail_unfilled),
    row(_P.PROVING_BOUGHT, Failed, _P.FAILED, "the next start asks again", fail),
    row(_P.SELLING, Signed, _P.POSTING_SALE, "written before it leaves", post),
    row(_P.SELLING, TooSmall, _P.DONE, "held until its market settles", hold),
    row(_P.SELLING, Failed, _P.FAILED, "the next start sells it", fail),
    row(_P.POSTING_SALE, Posted, _P.PROVING_SOLD, "trades and balance tell", prove_filled),
    row(_P.POSTING_SALE, NotTaken, _P.SELLING, "again", sell_again, when=may_try_again),
    row(_P.POSTING_SALE, NotTaken, _P.DONE, "held until its market settles", hold),
    row(_P.POSTING_SALE, Failed, _P.PROVING_SOLD, "what became of it is asked", prove_filled),
    row(_P.PROVING_SOLD, Filled, _P.DONE, "slots may trade", finish),
    row(_P.PROVING_SOLD, NotFilled, _P.SELLING, "again", sell_again, when=may_try_again),
    row(_P.PROVING_SOLD, NotFilled, _P.DONE, "held until its market settles", hold),
    row(_P.PROVING_SOLD, Failed, _P.FAILED, "the next start asks again", fail),
)
ENDS: Final = (Phase.DONE, Phase.FAILED)


def begin(line: Line, wire_ms: int, before: Climb | None = None) -> Done:
    """Start a climb, or go on with one that a crash or a failure cut short.

    What was signed and may have reached the venue is asked for first; nothing is posted again.
    """
    fresh = Climb(line=line, begun_wire_ms=wire_ms)
    if before is None or not before.orders or before.phase is Phase.DONE:
        return fresh, (SignOrder(purpose=Purpose.FAR),)
    kept = replace(before, line=line, begun_wire_ms=wire_ms, reason="", tries=0)
    match before.order.purpose:
        case Purpose.FAR if before.phase is not Phase.BUYING:
            return replace(kept, phase=_P.WITHDRAWING), (CancelOrder(placed=before.order),)
        case Purpose.FAR:
            return replace(kept, phase=_P.BUYING), (SignOrder(purpose=Purpose.BUY),)
        case Purpose.BUY if before.bought_shares:
            return replace(kept, phase=_P.SELLING), (_sale(kept),)
        case Purpose.BUY:
            return replace(kept, phase=_P.PROVING_BOUGHT), (ProveFilled(placed=before.order),)
        case Purpose.SELL:
            return replace(kept, phase=_P.PROVING_SOLD), (ProveFilled(placed=before.order),)
