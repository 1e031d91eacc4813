"""What happens to orders, played to the gateway's step: every outcome that the venue has.

It begins from the recorded ledger, so that the release meets what it will meet; each order is the
rehearsal's own. Each act ends with what a slot must have been told of it.
"""

from collections.abc import Callable
from typing import Final

from actors.gateway.events import (
    BeatDone,
    CancelDone,
    HaltFileSeen,
    IntentArrived,
    Leaving,
    OpenAsked,
    PostHeld,
    ResolutionSeen,
    Started,
    Stopping,
    StreamUpdated,
    TimeSeen,
)
from actors.messages import OpenIncarnation
from actors.rehearsal.gateway_stage import Stage
from actors.rehearsal.orders import PART, SHARES, SLOT, Act
from actors.rehearsal.room import RehearsalError
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Beaten,
    Cancelled,
    Duplicated,
    HeartbeatMismatch,
    NotCancelled,
    OrderChange,
    OrderEvent,
    PostOutcome,
    Rejected,
    StreamLost,
    TradeStatus,
    Unavailable,
    UnavailableKind,
    Unknown,
    VenueOrder,
)
from actors.venue.reject_codes import REJECT_CODES
from signals.decision import Style
from signals.market import CYCLE_MS, Outcome, Side

CYCLES_TO_SETTLE: Final = 3
UNKNOWN: Final = Unknown(reason="rehearsed")


# ---- acts -------------------------------------------------------------------------------------


def _start(stage: Stage) -> None:
    started = Started(
        generation=1,
        name="gateway/rehearsal",
        life="1-1",
        wire_ms=stage.wire_ms,
        market_ms=stage.market_ms,
    )
    stage.apply(started)
    known = stage.state.ledger.orders.values()
    stage.poll(orders=(_listed(order.order_id, order.condition_id) for order in known))
    stage.pass_time(1)
    stage.apply(BeatDone(outcome=Beaten(heartbeat_id="one"), **stage.at()))
    stage.apply(BeatDone(outcome=HeartbeatMismatch(heartbeat_id="two"), **stage.at()))
    stage.apply(BeatDone(outcome=UNKNOWN, **stage.at()))
    stage.apply(TimeSeen(server_ms=stage.wire_ms, version="2", **stage.at()))
    stage.apply(TimeSeen(server_ms=UNKNOWN, version=UNKNOWN, **stage.at()))


def _listed(order_id: str, condition_id: str) -> VenueOrder:
    act = Act(name="listed", market_ms=0, wire_ms=0)
    listed = act.listed()
    return type(listed)(
        order_id=order_id,
        condition_id=condition_id,
        token_id=listed.token_id,
        side=listed.side,
        price=listed.price,
        shares=listed.shares,
        filled_shares=listed.filled_shares,
        status=listed.status,
        created_wire_ms=listed.created_wire_ms,
    )


def _fill_by_parts(stage: Stage) -> None:
    """A resting order: partly filled by stream, the rest found by looking, then confirmed."""
    act = stage.order("fill")
    stage.posted(act, Accepted(status=AcceptedStatus.LIVE, order_id=act.order_id))
    stage.must_report(act, "OrderOpened")
    first, rest = act.trade(1), act.trade(2, SHARES - PART)
    stage.trade(first)
    stage.trade(first)
    stage.must_report(act, "Filled")
    stage.poll(orders=[act.listed(PART)], trades=[first])
    stage.poll(trades=[first, rest])
    stage.must_report(act, "OrderEnded")
    for number, shares in ((1, PART), (2, SHARES - PART)):
        stage.trade(act.trade(number, shares, TradeStatus.MINED))
        stage.trade(act.trade(number, shares, TradeStatus.CONFIRMED))
    stage.must_report(act, "FillConfirmed")
    _settle(stage, act, Outcome.UP)


def _take(stage: Stage) -> None:
    """A taking order that matches at once, and one that is killed."""
    for status in AcceptedStatus:
        act = stage.order("take", style=Style.TAKE)
        stage.posted(act, Accepted(status=status, order_id=act.order_id))
        trade = act.trade(1, SHARES)
        stage.poll(trades=[trade])
        stage.trade(act.trade(1, SHARES, TradeStatus.CONFIRMED))
        stage.must_report(act, "Filled", "FillConfirmed", "OrderEnded")
    _settle(stage, act, Outcome.DOWN)


def _sell(stage: Stage) -> None:
    act = stage.order("sell", side=Side.SELL)
    stage.posted(act, Duplicated())
    stage.trade(act.trade(1, SHARES))
    stage.trade(act.trade(1, SHARES, TradeStatus.CONFIRMED))
    stage.must_report(act, "Filled", "FillConfirmed")


def _failed_trade(stage: Stage) -> None:
    act = stage.order("failed")
    stage.posted(act, Accepted(status=AcceptedStatus.LIVE, order_id=act.order_id))
    stage.trade(act.trade(1))
    stage.trade(act.trade(1, status=TradeStatus.RETRYING))
    stage.trade(act.trade(1, status=TradeStatus.FAILED))
    stage.must_report(act, "Filled", "FillFailed")
    _cancel(stage, act)


def _cancelled(stage: Stage) -> None:
    act = stage.order("cancel")
    stage.posted(act, Accepted(status=AcceptedStatus.LIVE, order_id=act.order_id))
    stage.apply(CancelDone(order_ids=(act.order_id,), outcome=UNKNOWN, **stage.at()))
    refused = NotCancelled(order_id=act.order_id, reason="matched")
    outcome = Cancelled(cancelled=(), not_cancelled=(refused,))
    stage.apply(CancelDone(order_ids=(act.order_id,), outcome=outcome, **stage.at()))
    _cancel(stage, act)


def _cancel(stage: Stage, act: Act) -> None:
    outcome = Cancelled(cancelled=(act.order_id,))
    stage.apply(CancelDone(order_ids=(act.order_id,), outcome=outcome, **stage.at()))
    change = OrderEvent(
        order_id=act.order_id,
        condition_id=act.condition_id,
        change=OrderChange.CANCELLATION,
        filled_shares=act.listed().filled_shares,
    )
    stage.apply(StreamUpdated(event=change, **stage.at()))
    stage.pass_time()
    stage.poll()
    stage.must_report(act, "OrderEnded")


def _rejected(stage: Stage) -> None:
    """Every refusal that the venue has words for, to a resting and to a taking order.

    Some end the order, some are tried again: which is the release's own affair.
    """
    ended = 0
    for code in sorted(REJECT_CODES):
        for style in Style:
            act = stage.order(f"rejected-{code}", style=style)
            stage.posted(act, Rejected(code=code, message="rehearsed"))
            ended += "OrderEnded" in stage.reported(act)
            stage.pass_time()
            stage.poll()
    if not ended:
        raise RehearsalError("no refusal of the venue ends an order")


def _unclear(stage: Stage) -> None:
    """Answers that are lost or come later, and a look that finds nothing."""
    outcomes: list[PostOutcome] = [UNKNOWN]
    outcomes += [Unavailable(kind=kind, retry_after_ms=100) for kind in UnavailableKind]
    for outcome in outcomes:
        act = stage.order("unclear")
        stage.posted(act, outcome)
        stage.apply(PostHeld(order_id=act.order_id, reason="rehearsed", **stage.at()))
        stage.poll()
        stage.pass_time()
        stage.posted(act, UNKNOWN)
        stage.apply(StreamUpdated(event=StreamLost(reason="rehearsed"), **stage.at()))
        stage.poll(orders=[act.listed()])
        stage.must_report(act, "OrderOpened")
        _cancel(stage, act)


def _settle(stage: Stage, act: Act, winner: Outcome) -> None:
    stage.pass_time(market_ms=CYCLES_TO_SETTLE * CYCLE_MS)
    for outcome in (UNKNOWN, None, winner):
        seen = ResolutionSeen(condition_id=act.condition_id, outcome=outcome, **stage.at())
        stage.apply(seen)
        stage.pass_time()
    stage.must_report(act, "Settled")


def _asked(stage: Stage) -> None:
    """A slot's intent and a vacancy: an answer of any kind will do."""
    act = Act(name="intent", market_ms=stage.market_ms, wire_ms=stage.wire_ms)
    stage.apply(IntentArrived(reply_to=1, intent=act.intent, **stage.at()))
    seat = stage.state.ledger.seats.get(SLOT)
    request = OpenIncarnation(
        slot=SLOT,
        expected_fence=0 if seat is None else seat.fence,
        release="rehearsal",
        vacant=True,
        reason="rehearsal",
    )
    stage.apply(OpenAsked(reply_to=2, request=request, **stage.at()))


def _end(stage: Stage) -> None:
    stage.order("left")
    stage.apply(Leaving(reason="rehearsed", **stage.at()))
    stage.pass_time()
    stage.apply(HaltFileSeen(reason="rehearsed", **stage.at()))
    stage.apply(Stopping(reason="rehearsed", **stage.at()))
    stage.pass_time()


ACTS: Final[tuple[tuple[str, Callable[[Stage], None]], ...]] = (
    ("start", _start),
    ("partial fill, fill and settlement", _fill_by_parts),
    ("taking orders", _take),
    ("sale", _sell),
    ("failed trade", _failed_trade),
    ("cancel", _cancelled),
    ("rejected orders of every kind", _rejected),
    ("lost and late answers", _unclear),
    ("an intent and a vacancy", _asked),
    ("halt, handover and stop", _end),
)


def play(stage: Stage) -> tuple[str, ...]:
    """Play all acts; raise `RehearsalError` naming the one that went wrong, with its cause."""
    for name, act in ACTS:
        try:
            act(stage)
            stage.check_log()
        except RehearsalError as error:
            raise RehearsalError(f"{name}: {error}") from error
        except Exception as error:
            raise RehearsalError(f"{name}: {type(error).__name__}: {error}") from error
    return tuple(name for name, _ in ACTS)
