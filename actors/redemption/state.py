"""All claims of one wallet: which is seen, whose turn it is, what is an alarm. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.machine.ready import Ready
from actors.machine.rows import Table
from actors.redemption.acts import DUST_MICRO_SHARES
from actors.redemption.claim import Claim, Step
from actors.redemption.events import (
    ClaimEffect,
    ClaimEvent,
    Due,
    Effect,
    EndAlarm,
    Event,
    Found,
    Listed,
    RaiseAlarm,
    Submit,
    Sweep,
    Ticked,
    Turn,
    Woken,
)
from actors.redemption.table import TABLE
from signals.units import MICRO

SUBMITS_PER_MINUTE: Final = 20
"""Of the venue's 25: five are left to a person who moves money by hand."""
BURST: Final = 5
"""That may be spent at once; a new life begins with none, whatever the life before spent."""
ONE_SUBMIT: Final = 1_000
"""In thousandths of a token."""
SWEEP_MS: Final = 30_000
"""Between two looks at the venue's listing."""
TRIES_MAX: Final = 5
OVERDUE_MS: Final = 6 * 3_600_000
"""Winnings that are not cash by then are an alarm, whatever holds them up."""
KEPT_MS: Final = 14 * 86_400_000
"""Paid claims are remembered so long: nothing lists them as redeemable any more by then."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a redeemer knows. `claims` is durable, the rest begins anew with each life."""

    claims: dict[str, Claim] = {}
    forgotten_micro_usd: int = 0
    """What was paid for claims that are not kept any more."""
    asking: frozenset[str] = frozenset()
    """Claims that wait for an answer."""
    alarmed: frozenset[str] = frozenset()
    milli_tokens: int = 0
    filled_wire_ms: int | None = None
    sweep_due_wire_ms: int = 0
    sweeping: bool = False
    listing_trouble: str = ""


def step(
    state: State, event: Event, table: Table[Claim, ClaimEffect] = TABLE
) -> tuple[State, Ready[Claim, Effect]]:
    """Return the next state, the claims to write, and what leaves once they are written."""
    match event:
        case Ticked():
            return _ticked(state, event.wire_ms, table)
        case Listed():
            return _listed(state, event, table)
        case _:
            return _one(replace(state, asking=state.asking - {event.condition_id}), event, table)


def wake(state: State, wire_ms: int) -> tuple[Event, ...]:
    """Return the first events of a life that has read these claims."""
    return tuple(Woken(condition_id=name, wire_ms=wire_ms) for name in state.claims)


def _one(
    state: State, event: ClaimEvent, table: Table[Claim, ClaimEffect]
) -> tuple[State, Ready[Claim, Effect]]:
    before = state.claims.get(event.condition_id)
    if before is None:
        assert isinstance(event, Found), f"{event} of a claim that nobody found"
        before = Claim(condition_id=event.condition_id, seen_wire_ms=event.wire_ms)
    after, effects = table.step(before, event)
    if after == state.claims.get(event.condition_id) and not effects:
        return state, Ready()
    state = replace(
        state,
        claims={**state.claims, after.condition_id: after},
        asking=state.asking | {after.condition_id} if effects else state.asking,
        milli_tokens=state.milli_tokens - ONE_SUBMIT * sum(isinstance(e, Submit) for e in effects),
    )
    state, alarms = _alarms(state, after, event.wire_ms)
    return state, Ready(writes=(after,), effects=(*effects, *alarms))


# ---- alarms -----------------------------------------------------------------------------------


def problem(claim: Claim, wire_ms: int) -> str | None:
    """Say what is wrong with a claim; None: it goes its way."""
    if not claim.open:
        came = claim.paid_micro_usd - claim.paid_before_micro_usd
        if claim.worth_micro_usd - came > DUST_MICRO_SHARES:
            return f"{usd(came)} USD came of {usd(claim.worth_micro_usd)}"
        return None
    late = wire_ms - claim.seen_wire_ms >= OVERDUE_MS
    if not late and claim.tries + claim.repeats < TRIES_MAX:
        return None
    hours = (wire_ms - claim.seen_wire_ms) / 3_600_000
    return (
        f"{usd(claim.worth_micro_usd)} USD are not redeemed after {hours:.1f} h and "
        f"{claim.tries + claim.repeats} tries ({claim.phase}): {claim.trouble or 'no answer yet'}"
    )


def _alarms(state: State, claim: Claim, wire_ms: int) -> tuple[State, tuple[Effect, ...]]:
    found = problem(claim, wire_ms)
    known = claim.condition_id in state.alarmed
    if found is not None and not known:
        alarmed = state.alarmed | {claim.condition_id}
        return replace(state, alarmed=alarmed), (RaiseAlarm(claim=claim, text=found),)
    if found is None and known:
        alarmed = state.alarmed - {claim.condition_id}
        return replace(state, alarmed=alarmed), (EndAlarm(condition_id=claim.condition_id),)
    return state, ()


def usd(micro: int) -> str:
    return f"{micro // MICRO}.{micro % MICRO:06d}"


# ---- time -------------------------------------------------------------------------------------


def _ticked(
    state: State, wire_ms: int, table: Table[Claim, ClaimEffect]
) -> tuple[State, Ready[Claim, Effect]]:
    state = _refilled(state, wire_ms)
    asked: list[Effect] = []
    if wire_ms >= state.sweep_due_wire_ms and not state.sweeping:
        state = replace(state, sweeping=True, sweep_due_wire_ms=wire_ms + SWEEP_MS)
        asked.append(Sweep())
    writes: list[Claim] = []
    for event in (*_due(state, wire_ms), *_turn(state, wire_ms)):
        state, ready = _one(state, event, table)
        writes += ready.writes
        asked += ready.effects
    for claim in state.claims.values():
        state, alarms = _alarms(state, claim, wire_ms)
        asked += alarms
    return state, Ready(writes=tuple(writes), effects=tuple(asked))


def _due(state: State, wire_ms: int) -> Iterator[ClaimEvent]:
    for name, claim in state.claims.items():
        asks = claim.phase in {Step.IN_DOUBT, Step.POLLING, Step.MINED, Step.CHECKING}
        if asks and name not in state.asking and wire_ms >= claim.due_wire_ms:
            yield Due(condition_id=name, wire_ms=wire_ms)


def _turn(state: State, wire_ms: int) -> Iterable[ClaimEvent]:
    """Choose the claim whose turn it is: one transaction of a wallet at a time, oldest first."""
    if state.milli_tokens < ONE_SUBMIT or any(c.occupies_wallet for c in state.claims.values()):
        return ()
    ready = [
        claim
        for name, claim in state.claims.items()
        if claim.phase is Step.WAITING and name not in state.asking and wire_ms >= claim.due_wire_ms
    ]
    first = min(ready, key=lambda claim: (claim.tries, claim.seen_wire_ms), default=None)
    return () if first is None else (Turn(condition_id=first.condition_id, wire_ms=wire_ms),)


def _refilled(state: State, wire_ms: int) -> State:
    since = wire_ms if state.filled_wire_ms is None else state.filled_wire_ms
    gained = max(0, wire_ms - since) * SUBMITS_PER_MINUTE // 60
    if not gained and state.filled_wire_ms is not None:
        return state
    tokens = min(ONE_SUBMIT * BURST, state.milli_tokens + gained)
    return replace(state, milli_tokens=tokens, filled_wire_ms=wire_ms)


# ---- the listing ------------------------------------------------------------------------------


def _listed(
    state: State, event: Listed, table: Table[Claim, ClaimEffect]
) -> tuple[State, Ready[Claim, Effect]]:
    state = replace(state, sweeping=False, listing_trouble=event.reason)
    writes: list[Claim] = []
    effects: list[Effect] = []
    for found in event.found or ():
        asking = state.asking
        state, ready = _one(state, found, table)
        state = replace(state, asking=state.asking | asking)
        writes += ready.writes
        effects += ready.effects
    return state, Ready(writes=tuple(writes), effects=tuple(effects))


def pruned(state: State, wire_ms: int) -> State:
    """Return the state without claims that were paid long ago; their sum stays."""
    old = {
        name: claim
        for name, claim in state.claims.items()
        if not claim.open and wire_ms - claim.due_wire_ms >= KEPT_MS
    }
    return replace(
        state,
        claims={name: claim for name, claim in state.claims.items() if name not in old},
        forgotten_micro_usd=state.forgotten_micro_usd
        + sum(claim.paid_micro_usd for claim in old.values()),
    )
