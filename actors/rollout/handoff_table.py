"""One row a step of a handoff: where it may lead, and what ends it when nothing goes well.

The rows run the machine: `handoff_step` lets nothing through that is not in `to`, `handoff_back`
takes the ways out that stand here, `perform` waits as long as a row says, the pace of a rollout
and its live table read the rest.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from actors.machine.moves import Moves
from actors.rollout import handoff_messages as messages
from actors.rollout import handoff_state as limits
from actors.rollout.handoff_state import Step


class Out(StrEnum):
    """What a refusal, a silence or an abort leads to."""

    STAY = "stay"
    """It changes nothing here: what is under way is finished, or asked again by its own rule."""
    FAIL = "fail"
    """Nothing was begun: the old release keeps the slot."""
    DISCARD = "discard"
    """The standby leaves; the old incarnation never stopped."""
    RESUME = "resume"
    """Before the fence: the old incarnation goes on."""
    TAKE_BACK = "take back"
    """After the fence: the old incarnation is fenced in again."""
    TAKE_BACK_AGAIN = "take back again"
    ASK_OWNER = "ask who owns"
    """The answer was lost, not refused: the gateway's table decides."""
    GONE = "count as gone"
    VACATE_AGAIN = "vacate again"
    UNFILLED = "stuck"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    to: tuple[Step, ...] = ()
    refused: Out = Out.STAY
    """Where the answer that the step waits for is a refusal."""
    deadline_ms: int | None = None
    """Wire, in the step; None: it has none, or one of its own in market time."""
    late: Out | None = None
    """After the deadline; None: as for a refusal."""
    back_deadline_ms: int | None = None
    """Of a way back, where the owner that is to go is not waited for as long."""
    aborted: Out = Out.STAY
    asks: type[msgspec.Struct] | None = None
    """Message that the step sends to an incarnation."""
    answer_ms: int = 0
    """Wire, for its answer."""
    serial: bool = False
    """One slot of a rollout at a time goes forward through it; several may go back at once."""
    weight: int = 0
    """How far a slot has come, in tenths: the bar of the live table."""


ROWS: Final = MappingProxyType(
    {
        Step.PLANNED: Row(to=(Step.PINNING, Step.VACATING, Step.FAILED), aborted=Out.FAIL),
        Step.PINNING: Row(
            to=(Step.OPENING, Step.VACATING, Step.FAILED),
            refused=Out.FAIL,
            deadline_ms=limits.WARM_DEADLINE_MS,
            back_deadline_ms=limits.BACK_ANSWER_MS,
            asks=messages.PinBase,
            answer_ms=limits.WARM_DEADLINE_MS,
            weight=1,
        ),
        Step.OPENING: Row(
            to=(Step.CREATING, Step.VACATING, Step.FAILED),
            refused=Out.FAIL,
            deadline_ms=limits.WARM_DEADLINE_MS,
            weight=1,
        ),
        Step.CREATING: Row(
            to=(Step.WARMING, Step.DISCARDING),
            refused=Out.DISCARD,
            deadline_ms=limits.CREATE_DEADLINE_MS,
            aborted=Out.DISCARD,
            weight=2,
        ),
        Step.WARMING: Row(
            to=(Step.SHADOWING, Step.READY, Step.VACATING, Step.DISCARDING),
            refused=Out.DISCARD,
            deadline_ms=limits.WARM_DEADLINE_MS,
            aborted=Out.DISCARD,
            asks=messages.Warm,
            answer_ms=limits.WARM_DEADLINE_MS,
            weight=4,
        ),
        Step.SHADOWING: Row(  # without a deadline: it waits for decisions, asked at each tick
            to=(Step.READY, Step.VACATING, Step.DISCARDING),
            refused=Out.DISCARD,
            aborted=Out.DISCARD,
            asks=messages.ShadowAsk,
            answer_ms=limits.SHADOW_ANSWER_MS,
            weight=5,
        ),
        Step.READY: Row(to=(Step.QUIESCING, Step.DISCARDING), aborted=Out.DISCARD, weight=6),
        Step.QUIESCING: Row(
            to=(Step.FENCING, Step.READY, Step.VACATING, Step.RESUMING),
            refused=Out.RESUME,
            deadline_ms=limits.QUIESCE_DEADLINE_MS,
            asks=messages.Quiesce,
            answer_ms=limits.QUIESCE_DEADLINE_MS,
            serial=True,
            weight=6,
        ),
        Step.FENCING: Row(
            to=(Step.ADOPTING, Step.VACATING, Step.RESUMING, Step.DISCARDING),
            refused=Out.RESUME,
            deadline_ms=limits.FENCE_DEADLINE_MS,
            late=Out.ASK_OWNER,
            serial=True,
            weight=7,
        ),
        Step.ADOPTING: Row(
            to=(Step.CONFIRMING, Step.RETIRING, Step.VACATING, Step.TAKING_BACK),
            refused=Out.TAKE_BACK,
            deadline_ms=limits.ADOPT_DEADLINE_MS,
            asks=messages.Adopt,
            answer_ms=limits.ADOPT_DEADLINE_MS,
            serial=True,
            weight=7,
        ),
        Step.CONFIRMING: Row(  # its deadline is the decision's: a share of market time
            to=(Step.RETIRING, Step.TAKING_BACK),
            aborted=Out.TAKE_BACK,
            weight=8,
        ),
        Step.RETIRING: Row(
            to=(Step.DONE,),
            deadline_ms=limits.LEAVE_DEADLINE_MS,
            late=Out.GONE,
            weight=9,
        ),
        Step.DONE: Row(weight=10),
        Step.RESUMING: Row(
            to=(Step.DISCARDING, Step.ADOPTING, Step.STUCK),
            refused=Out.ASK_OWNER,
            deadline_ms=limits.TAKE_BACK_DEADLINE_MS,
            asks=messages.Resume,
            answer_ms=limits.TAKE_BACK_DEADLINE_MS,
            serial=True,
        ),
        Step.TAKING_BACK: Row(
            to=(Step.DISCARDING, Step.VACATING),
            refused=Out.TAKE_BACK_AGAIN,
            deadline_ms=limits.TAKE_BACK_DEADLINE_MS,
            serial=True,
        ),
        Step.DISCARDING: Row(
            to=(Step.FAILED,), deadline_ms=limits.LEAVE_DEADLINE_MS, late=Out.GONE
        ),
        Step.VACATING: Row(
            to=(Step.FILLING, Step.DONE, Step.FAILED, Step.STUCK),
            refused=Out.VACATE_AGAIN,
            deadline_ms=limits.VACATE_DEADLINE_MS,
            weight=2,
        ),
        Step.FILLING: Row(
            to=(Step.DONE, Step.FAILED, Step.STUCK),
            refused=Out.UNFILLED,
            deadline_ms=limits.FILL_DEADLINE_MS,
            weight=5,
        ),
        Step.FAILED: Row(),
        Step.STUCK: Row(),
    }
)
STEPS: Final = Moves.of_targets(
    "Handoff of one slot",
    "The rollout's view of one slot (`actors/rollout/handoff_table.py`).",
    {step: row.to for step, row in ROWS.items()},
)
SERIAL: Final = frozenset(step for step, row in ROWS.items() if row.serial)
ENDED: Final = STEPS.ends(Step)
ANSWER_MS: Final = MappingProxyType(
    {row.asks: row.answer_ms for row in ROWS.values() if row.asks is not None}
)


def is_late(handoff: limits.Handoff, wire_ms: float) -> bool:
    """Tell whether a step's deadline has passed."""
    row = ROWS[handoff.step]
    deadline_ms = row.back_deadline_ms if handoff.back else None
    deadline_ms = row.deadline_ms if deadline_ms is None else deadline_ms
    return deadline_ms is not None and wire_ms - handoff.entered_wire_ms > deadline_ms
