"""Rules of the gateway, and of attestation, that a mutation takes away."""

from typing import Any

from msgspec.structs import replace

from actors.gateway import (
    orders,
    posts,
    risk,
    seats,
    timers,
    trades,
    venue_updates,
)
from actors.gateway.events import Sign, SignDone
from actors.gateway.loop import GatewayLoop
from actors.machine.pump import Caused
from actors.rollout import handoff_forward, perform
from actors.venue.port import SignedOrder, Unknown
from tests.simulation.patches import Patch


def no_fence_check() -> list[Patch]:
    return [(orders, "_fenced", lambda _draft, _intent: None)]


def fence_for_anyone() -> list[Patch]:
    return [(seats, "_unfit_successor", lambda _draft, _seat, _request: None)]


def claim_for_anyone() -> list[Patch]:
    def claim(draft: Any, seat: Any, asked: Any) -> Any:
        return seats._grant_claim(draft, seat, asked, "")

    def not_owner(_seat: Any, _claim: Any) -> Any:
        return None

    original = seats._claim

    def mutated(draft: Any, asked: Any) -> Any:
        answer = original(draft, asked)
        seat = draft.ledger.seats.get(asked.slot)
        return claim(draft, seat, asked) if answer is None and seat is not None else answer

    return [(seats, "_not_owner", not_owner), (seats, "_claim", mutated)]


def any_life_is_known() -> list[Patch]:
    return [(seats, "_already_granted", lambda _owner, _claim: True)]


def nothing_attested() -> list[Patch]:
    original = handoff_forward.warmed

    def warmed(handoff: Any, answer: Any, now: Any) -> Any:
        honest = replace(answer.attestation, release=handoff.new_release)
        moved, effects = original(handoff, replace(answer, attestation=honest), now)
        return replace(moved, warmed=answer) if moved.warmed is not None else moved, effects

    return [
        (seats, "_unfit", lambda _draft, _attestation, _release: None),
        (handoff_forward, "warmed", warmed),
        *no_outside_hash(),
    ]


def no_outside_hash() -> list[Patch]:
    async def warm(calls: Any, handoff: Any, effect: Any) -> Any:
        ask = perform.said.Warm(
            handoff=handoff.handoff, base=effect.base, base_sequence=effect.base_sequence
        )
        return await perform._new(calls, handoff, effect.incarnation, ask, perform.said.WarmAnswer)

    return [(perform, "_warm", warm)]


def answers_before_fsync() -> list[Patch]:
    original = GatewayLoop.step

    def step(serving: Any, event: Any, now: Any) -> Any:
        ready = original(serving, event, now)
        serving._pump._perform_all([Caused(effect, "") for effect in ready.effects])
        return replace(ready, effects=())

    return [(GatewayLoop, "step", step)]


def signed_again_on_unknown() -> list[Patch]:
    original = posts._posted
    write = orders._write_ahead

    def posted(draft: Any, order_id: str, outcome: Any) -> None:
        order = draft.ledger.orders.get(order_id)
        if not isinstance(outcome, Unknown) or order is None:
            original(draft, order_id, outcome)
            return
        intent = draft.ledger.intents[order.intent_id].intent
        draft.ask(Sign(approved=risk.Approved(intent, risk._SEAL)))

    def signed(draft: Any, event: SignDone) -> None:
        kept = draft.ledger.intents.get(event.intent_id)
        if kept is not None and isinstance(event.outcome, SignedOrder):
            draft.ledger.undecided.setdefault(event.intent_id, kept.intent)
            write(draft, kept.intent, event.outcome)

    return [(posts, "_posted", posted), (orders, "_signed", signed)]


def left_over_intents_forgotten() -> list[Patch]:
    return [(venue_updates, "_judge_left_over", lambda _draft: None)]


def absence_believed_at_once() -> list[Patch]:
    return [
        (venue_updates, "ABSENCE_GRACE_MS", 0),
        (venue_updates, "LOST_POST_GRACE_MS", 0),
        (venue_updates, "may_post", lambda _draft, _order: False),
    ]


def a_former_post_is_not_doubted() -> list[Patch]:
    """After a restart nothing is marked unknown, and nothing is looked for after the first look."""
    original = timers._poll

    def poll(draft: Any) -> None:
        if not draft.flight.reconciled:
            original(draft)

    return [
        (timers, "mark_unknown", lambda _draft, _order, _reason: None),
        (timers, "_poll", poll),
    ]


def a_trade_heard_twice_counts_twice() -> list[Patch]:
    original = trades.take_trade

    def take(draft: Any, trade: Any) -> None:
        draft.ledger.fills.pop(trade.fill_id, None)
        original(draft, trade)

    return [(venue_updates, "take_trade", take)]
