"""What the supervisor calls wrong, pure: conditions on what was seen, each with its grace.

A condition is raised once when it has held for its grace, and again only after it has ended. The
store latches: the same kind and subject stays one alarm until a person clears it.
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from actors.detectors.finding import Finding
from actors.detectors.policy import Reaction, reaction_of
from actors.gateway.status import GatewayStatus
from actors.market_data.inputs import Name
from actors.market_data.status import MarketDataStatus, RefusedInput
from actors.slot.status import SlotStatus
from actors.supervisor.events import Event, RaiseAlarm
from actors.supervisor.state import Rules, Step, SupervisorState
from signals.market import CYCLE_MS, Slot, deadline_ms, decision_points

NO_DECISION: Final = "no_decision"
DECISION_GRACE_MS: Final = 2_000
"""Wire: a status is up to a second old and its row may be on its way to disk."""
FEED_GRACE_MS: Final = 15_000
"""Wire: three reconnects of a socket."""
INTENT_GRACE_MS: Final = 15_000
"""Wire without a terminal answer: the gateway's own limit for a post is 5 s."""
ORDER_GRACE_MS: Final = 30_000
"""Wire after the close by which each order has an end: six heartbeats."""
SETTLEMENT_GRACE_MS: Final = 300_000
"""Wire beyond the expected resolution; the venue takes minutes at times."""
HEARTBEAT_LIMIT_MS: Final = 8_000
"""The venue cancels everything after 10 s of silence."""
STORAGE_GRACE_MS: Final = 2_000
REFUSED_LATELY_MS: Final = 60_000
"""Wire: a datum that was refused longer ago is no condition of now."""


def report(state: SupervisorState, event: Event, findings: tuple[Finding, ...]) -> Step:
    """Raise what has held for its grace and was not said yet; forget what has ended."""
    bad, raised = dict(state.bad_since_ms), dict(state.raised)
    alarms: list[RaiseAlarm] = []
    for finding in findings:
        if not finding.holds or _is_off(state, finding):
            bad.pop(finding.key, None)
            raised.pop(finding.key, None)
            continue
        since_ms = bad.setdefault(finding.key, event.wire_ms)
        if event.wire_ms - since_ms >= finding.grace_ms and finding.key not in raised:
            raised[finding.key] = event.wire_ms
            alarms.append(_alarm(finding))
    return replace(state, bad_since_ms=bad, raised=raised), tuple(alarms)


def _is_off(state: SupervisorState, finding: Finding) -> bool:
    return reaction_of(finding.kind, state.rules.policy) is Reaction.OFF


def _alarm(finding: Finding) -> RaiseAlarm:
    return RaiseAlarm(
        kind=finding.kind,
        subject=finding.subject,
        action=finding.advice,
        evidence=finding.evidence,
    )


def overdue_due_ms(rules: Rules, slot: str, market_ms: int) -> int:
    """Return the latest decision point that must be journaled by now, grace included."""
    now_ms = market_ms - DECISION_GRACE_MS * rules.clock.speed
    points = decision_points(
        Slot.parse(slot).timeframe, rules.timing.decision_offsets_ms, now_ms - 2 * CYCLE_MS
    )
    overdue_ms = 0
    point = next(points)
    while point.due_ms <= now_ms:
        following = next(points)
        if deadline_ms(point, following) <= now_ms:
            overdue_ms = point.due_ms
        point = following
    return overdue_ms


def judge_slot(
    rules: Rules,
    event: Event,
    status: SlotStatus,
    before: SlotStatus | None,
    owes_from_ms: int | None,
) -> tuple[Finding, ...]:
    """Look at one slot's progress: decisions, intents, settlements, storage.

    `owes_from_ms`: points up to then are no fault of it; None: it may still be starting.
    """
    due_ms = overdue_due_ms(rules, status.slot, event.market_ms)
    owes = owes_from_ms is not None
    late = owes and max(owes_from_ms or 0, status.started_ms) < due_ms > status.decided_due_ms
    missed = status.counts.missed - (before.counts.missed if before is not None else 0)
    missed = missed if owes and status.decided_due_ms > (owes_from_ms or 0) else 0
    tags = {"incarnation": str(status.incarnation), "release": status.release[:12]}
    intent_age_ms = 0
    if status.oldest_intent_due_ms is not None:
        intent_age_ms = (event.market_ms - status.oldest_intent_due_ms) // rules.clock.speed
    return (
        Finding(
            kind=NO_DECISION,
            subject=status.slot,
            holds=bool(late),
            evidence={**tags, "due_ms": str(due_ms), "decided_ms": str(status.decided_due_ms)},
        ),
        Finding(
            kind="missed_decision",
            subject=status.slot,
            holds=before is not None and before.life == status.life and missed > 0,
            evidence={**tags, "missed": str(status.counts.missed)},
        ),
        Finding(
            kind="intent_unanswered",
            subject=status.slot,
            holds=status.unanswered_intents > 0 and intent_age_ms > INTENT_GRACE_MS,
            evidence={**tags, "unanswered": str(status.unanswered_intents)},
        ),
        Finding(
            kind="settlement_overdue",
            subject=status.slot,
            holds=status.overdue_settlements > 0,
            grace_ms=SETTLEMENT_GRACE_MS,
            evidence={**tags, "markets": str(status.overdue_settlements)},
        ),
        *_judge_storage(status, tags),
    )


def _judge_storage(status: SlotStatus, tags: dict[str, str]) -> tuple[Finding, ...]:
    return (
        Finding(
            kind="journal_failure",
            subject=status.slot,
            holds=status.journal_failure is not None,
            grace_ms=STORAGE_GRACE_MS,
            evidence={**tags, "reason": status.journal_failure or ""},
        ),
        Finding(
            kind="recovery_damage",
            subject=status.slot,
            holds=bool(status.recovery_damage),
            evidence={**tags, "files": "; ".join(status.recovery_damage)[:1000]},
        ),
        Finding(
            kind="outbox_gap",
            subject=status.slot,
            holds=status.outbox_gaps >= 3,  # noqa: PLR2004 slot_seat.OUTBOX_GAPS_MAX
            evidence={**tags, "pages": str(status.outbox_gaps)},
        ),
    )


def judge_gateway(rules: Rules, event: Event, status: GatewayStatus) -> tuple[Finding, ...]:
    grace_ms = ORDER_GRACE_MS * rules.clock.speed
    endless: dict[str, list[str]] = {}
    for order in status.open_orders:
        if event.market_ms > order.close_ms + grace_ms:
            endless.setdefault(order.slot, []).append(order.order_id)
    gap_ms = status.heartbeat_gap_ms_max
    return (
        Finding(
            kind="heartbeat_gap",
            subject="gateway",
            holds=gap_ms > HEARTBEAT_LIMIT_MS,
            evidence={"gap_ms": str(gap_ms), "generation": str(status.generation)},
        ),
        Finding(
            kind="order_without_end",
            subject="gateway",
            holds=bool(endless),
            evidence={slot: ", ".join(orders)[:500] for slot, orders in endless.items()},
        ),
    )


def judge_feeds(status: MarketDataStatus) -> tuple[Finding, ...]:
    tape = Finding(
        kind="tape_stopped",
        subject="tape",
        holds=bool(status.tape_trouble),
        evidence={"reason": status.tape_trouble},
    )
    return (*_judge_ages(status), *_judge_refused(status), tape)


def _judge_refused(status: MarketDataStatus) -> Iterator[Finding]:
    """One alarm for each input, whichever assets it was refused for."""
    by_name: dict[str, list[RefusedInput]] = {str(name): [] for name in Name}
    for one in status.refused:
        if one.ago_ms <= REFUSED_LATELY_MS and one.name != Name.BOOK_DOUBT:  # it mends itself
            by_name.setdefault(one.name, []).append(one)
    for name, found in by_name.items():
        evidence = {one.whose: f"{one.count} times, last: {one.cause}" for one in found}
        if name == Name.MARKET_RULE:
            yield Finding(
                kind="market_refused", subject="markets", holds=bool(found), evidence=evidence
            )
            continue
        yield Finding(kind="input_refused", subject=name, holds=bool(found), evidence=evidence)


def _judge_ages(status: MarketDataStatus) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            kind="feed_stale",
            subject=str(feed.feed),
            holds=not feed.fresh,
            grace_ms=FEED_GRACE_MS,
            evidence={"worst": feed.worst, "age_ms": str(feed.age_ms), "limit": str(feed.limit_ms)},
        )
        for feed in status.feeds
    )
