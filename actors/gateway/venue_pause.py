"""Times in which the venue takes no new orders, or only some: nothing is bought meanwhile. Pure.

The venue says itself that it restarts (425), takes resting orders only, cancels only, or nothing.
From its first such word until the time that it named, no purchase is signed; the first one after
it asks again, by being posted. Sales and cancels go on being tried: they take risk away.
"""

from typing import Final

from actors.gateway.draft import Draft
from actors.gateway.flight import VenuePause
from actors.gateway.order_life import Order
from actors.venue.port import Unavailable, UnavailableKind
from signals.market import Side

PAUSES: Final = frozenset(
    {
        UnavailableKind.RESTARTING,
        UnavailableKind.POST_ONLY,
        UnavailableKind.CANCEL_ONLY,
        UnavailableKind.DISABLED,
    }
)
"""A rate limit is none of them: the next request may pass."""
PURCHASE_FRESH_MS: Final = 20_000
"""Wire, since its first post: a purchase that the venue did not take by then is not posted again.
A restart lasts about 90 s, and what was decided before it was decided on other prices."""
LONG_MS: Final = 600_000
"""Wire: a pause that lasts longer than any restart is an alarm."""
KIND: Final = "venue_paused"


def note_unavailable(draft: Draft, outcome: Unavailable) -> None:
    """Note that the venue said it takes no (or not all) orders now, and until when."""
    if outcome.kind not in PAUSES:
        return
    before = draft.flight.pause
    now_ms = draft.wire_ms
    lasting = before is not None and now_ms - before.until_wire_ms < outcome.retry_after_ms
    since_ms = before.since_wire_ms if before is not None and lasting else now_ms
    until_ms = now_ms + outcome.retry_after_ms
    draft.flight.pause = VenuePause(
        kind=outcome.kind, since_wire_ms=since_ms, until_wire_ms=until_ms
    )
    if now_ms - since_ms >= LONG_MS:
        minutes = (now_ms - since_ms) // 60_000
        draft.alarm(KIND, "venue", f"{outcome.kind} for {minutes} minutes")


def note_taken(draft: Draft, order: Order) -> None:
    """A purchase passed: whatever the venue said before is over."""
    if order.side is Side.BUY and draft.flight.pause is not None:
        draft.flight.pause = None
        draft.end_alarm(KIND, "venue", "the venue takes orders again")


def is_fresh(draft: Draft, order: Order) -> bool:
    """Tell whether an order that the venue did not take yet may still be posted."""
    if order.side is Side.SELL:
        return True
    attempt = draft.flight.posts.get(order.order_id)
    first_ms = draft.wire_ms if attempt is None else attempt.first_wire_ms or draft.wire_ms
    return draft.wire_ms - first_ms < PURCHASE_FRESH_MS


def why_paused(pause: VenuePause | None, wire_ms: int) -> str:
    """Say why nothing is bought now; empty where it may be."""
    if pause is None or wire_ms >= pause.until_wire_ms:
        return ""
    seconds = -(-(pause.until_wire_ms - wire_ms) // 1_000)
    return f"the venue says {pause.kind}: nothing is bought for {seconds} s, then asked again"
