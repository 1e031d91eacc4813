"""Facts: what a slot's journal rows say. The state is the fold of them, live and in recovery."""

from typing import assert_never

import msgspec
from msgspec.structs import replace

from actors.messages import FenceRecord, Intent, OutboxEvent
from actors.slot.accounts import account_event, drop_settled
from actors.slot.state import LastDecision, SlotState
from signals.decision import Action, Decision, Position
from signals.market import Timeframe


class RecordChange(msgspec.Struct, frozen=True, kw_only=True):
    """One changed record of the strategy's memory; no value: it was removed."""

    segment: str
    key: str
    value: bytes | None


class ClaimFact(msgspec.Struct, frozen=True, kw_only=True, tag="claim_granted"):
    """The slot is owned from here; rows of lower fences beyond the record's sequence are void."""

    record: FenceRecord
    cause: str
    """``start``, ``resume``, ``adopt`` or ``take_back``."""


class DecisionFact(msgspec.Struct, frozen=True, kw_only=True, tag="decision"):
    """A decision with all that is needed to make it again."""

    due_ms: int
    window_open_ms: int
    timeframe: Timeframe
    snapshot: str | None
    complete: bool
    position: Position
    decision: Decision
    intents: tuple[Intent, ...] = ()
    release: str
    commit: str
    params: str
    strategy: str
    memory_version: int
    memory_changes: tuple[RecordChange, ...] = ()
    pre_state_hash: str | None = None
    """Logical hash of the state and memory that the decision was made from."""
    memory_hash: str | None = None
    """Of the memory after it."""
    strategy_failed: bool = False


class OrderFact(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    event: OutboxEvent


class MissedFact(msgspec.Struct, frozen=True, kw_only=True, tag="missed"):
    """Decision points that passed undecided; they are never dated back."""

    first_due_ms: int
    last_due_ms: int
    count: int
    cause: str
    declared: bool
    """True inside an ordered stop."""


class StoppedFact(msgspec.Struct, frozen=True, kw_only=True, tag="stopped"):
    reason: str


class ParamsFact(msgspec.Struct, frozen=True, kw_only=True, tag="params"):
    params: str
    """Id of the parameters in force from here."""
    params_set: dict[str, float | int | str]


class HandoffFact(msgspec.Struct, frozen=True, kw_only=True, tag="handoff"):
    handoff: str
    step: str
    detail: str = ""


class NoteFact(msgspec.Struct, frozen=True, kw_only=True, tag="note"):
    """Something a person may want to know: damage found, a gap refused."""

    code: str
    detail: str


Fact = (
    ClaimFact
    | DecisionFact
    | OrderFact
    | MissedFact
    | StoppedFact
    | ParamsFact
    | HandoffFact
    | NoteFact
)


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag="entry"):
    """A fact with its place in the journal: the payload of one row."""

    sequence: int
    fence: int
    market_ms: int
    wire_ms: int
    fact: Fact


def apply_entry(state: SlotState, entry: Entry) -> SlotState:
    """Fold one entry into the state; entries come in sequence, without a gap."""
    assert entry.sequence == state.journal_sequence + 1, (state.journal_sequence, entry.sequence)
    state = replace(state, journal_sequence=entry.sequence, fence=max(state.fence, entry.fence))
    match entry.fact:
        case ClaimFact():
            started_ms = state.started_ms or entry.market_ms
            return replace(state, stopped=False, started_ms=started_ms)
        case DecisionFact() as fact:
            return _apply_decision(state, fact, entry)
        case OrderFact(event=event):
            return account_event(state, event)
        case MissedFact() as fact:
            return _apply_missed(state, fact)
        case StoppedFact():
            return replace(state, stopped=True)
        case ParamsFact(params_set=params_set):
            return replace(state, params_set=params_set)
        case HandoffFact() | NoteFact():
            return state
        case _ as never:
            assert_never(never)


def _apply_decision(state: SlotState, fact: DecisionFact, entry: Entry) -> SlotState:
    counts = state.counts
    counts = replace(
        counts,
        decisions=counts.decisions + 1,
        complete=counts.complete + fact.complete,
        strategy_errors=counts.strategy_errors + fact.strategy_failed,
        intents=counts.intents + len(fact.intents),
    )
    last = LastDecision(
        due_ms=fact.due_ms,
        journaled_ms=entry.market_ms,
        action=str(fact.decision.action),
        reason=fact.decision.reason,
        snapshot=fact.snapshot,
        release=fact.release,
    )
    intents = _without_order(state, fact.intents)
    decided = replace(
        state,
        decided_due_ms=max(state.decided_due_ms, fact.due_ms),
        counts=counts,
        regime=fact.decision.regime or state.regime,
        allocation_micro_usd=fact.position.allocation_micro_usd,
        last_decision=last,
        memory_hash=fact.memory_hash or state.memory_hash,
        intents={**state.intents, **intents} if intents else state.intents,
    )
    return drop_settled(decided, fact.due_ms)


def _without_order(state: SlotState, intents: tuple[Intent, ...]) -> dict[str, Intent]:
    """Return those that wait for an answer.

    A former owner's row may have become void after its intent had left: the order's events then
    come before this decision on the same point, and nothing answers it a second time.
    """
    if not intents:
        return {}
    signed = {order.intent_id for order in state.orders.values()}
    return {intent.intent_id: intent for intent in intents if intent.intent_id not in signed}


def _apply_missed(state: SlotState, fact: MissedFact) -> SlotState:
    counts = state.counts
    if fact.declared:
        counts = replace(counts, skipped=counts.skipped + fact.count)
    else:
        counts = replace(counts, missed=counts.missed + fact.count)
    due_ms = max(state.decided_due_ms, fact.last_due_ms)
    return replace(state, counts=counts, decided_due_ms=due_ms)


def trades(fact: DecisionFact) -> bool:
    return fact.decision.action is Action.TRADE
