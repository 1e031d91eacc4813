"""A handoff at any step of its good path, and the answers that lead there."""

from msgspec.structs import replace

from actors.messages import (
    Attestation,
    FenceRecord,
    Granted,
    Opened,
)
from actors.rollout import handoff_events as on
from actors.rollout import handoff_messages as said
from actors.rollout.handoff_state import (
    Handoff,
    Step,
)
from actors.rollout.handoff_step import step

ID = "roll-1/btc-5m"
NOW = on.Now(wire_ms=1_000.0, market_ms=0)
DUE_MS, DEADLINE_MS = 320_000, 600_000


def later(wire_ms: float = 0.0, market_ms: int = 0) -> on.Now:
    return on.Now(wire_ms=NOW.wire_ms + wire_ms, market_ms=market_ms)


def planned(**changes: object) -> Handoff:
    fresh = Handoff(
        slot="btc-5m",
        handoff=ID,
        old_incarnation=1,
        old_fence=4,
        old_release="old",
        new_release="new",
        shadow=0,
        identical=False,
        recorded=False,
        confirmations=1,
    )
    return replace(fresh, **changes)


def attestation(release: str = "new") -> Attestation:
    return Attestation(
        release=release,
        commit="c",
        message_version=1,
        schema_version=1,
        fingerprint="f",
        root="r",
        pid=1,
        process_start=1,
    )


def record(fence: int = 5, incarnation: int = 2, handoff: str | None = ID) -> FenceRecord:
    return FenceRecord(
        slot="btc-5m",
        fence=fence,
        incarnation=incarnation,
        life="l",
        release="new",
        commit="c",
        params="p",
        journal_sequence=9,
        outbox_sequence=3,
        handoff=handoff,
    )


PINNED = said.BasePinned(
    handoff=ID,
    digest="b",
    journal_sequence=8,
    fence=4,
    life="old",
    attestation=attestation("old"),
    params="p",
)
WARMED = said.Warmed(
    handoff=ID, attestation=attestation(), life="l", params="p", logical_hash="b", proof="ok"
)
QUIESCED = said.Quiesced(
    handoff=ID,
    fence=4,
    journal_sequence=9,
    outbox_sequence=3,
    checkpoint="d",
    logical_hash="h",
    delta=b"delta",
)
ADOPTED = said.Adopted(handoff=ID, fence=5, logical_hash="h", verified="no trade")
ALLOWED = on.SwitchAllowed(next_due_ms=DUE_MS, next_deadline_ms=DEADLINE_MS)


def answered(answer: object) -> on.Answered:
    return on.Answered(answer=answer)


def decided(
    fence: int = 5,
    release: str = "new",
    failure: str | None = None,
    sequence: int = 10,
    proves: bool = True,  # noqa: FBT001, FBT002 a field of the event
) -> on.DecisionSeen:
    return on.DecisionSeen(
        due_ms=DUE_MS,
        sequence=sequence,
        fence=fence,
        release=release,
        failure=failure,
        proves=proves,
        next_due_ms=DUE_MS + 300_000,
        next_deadline_ms=DEADLINE_MS + 300_000,
    )


GOOD_PATH: tuple[on.Event, ...] = (
    on.Begin(),
    answered(PINNED),
    answered(Opened(incarnation=2)),
    on.Created(failure=None),
    answered(WARMED),
    ALLOWED,
    answered(QUIESCED),
    answered(Granted(record=record())),
    answered(ADOPTED),
    decided(),
    on.Left(),
)
GOOD_STEPS = (
    Step.PLANNED,
    Step.PINNING,
    Step.OPENING,
    Step.CREATING,
    Step.WARMING,
    Step.READY,
    Step.QUIESCING,
    Step.FENCING,
    Step.ADOPTING,
    Step.CONFIRMING,
    Step.RETIRING,
    Step.DONE,
)


def walked(to: Step, **changes: object) -> Handoff:
    handoff = planned(**changes)
    for event in GOOD_PATH[: GOOD_STEPS.index(to)]:
        handoff, _ = step(handoff, event, NOW)
    assert handoff.step is to
    return handoff


def after(handoff: Handoff, *events: on.Event, now: on.Now = NOW) -> tuple[Handoff, list[object]]:
    effects: list[object] = []
    for event in events:
        handoff, more = step(handoff, event, now)
        effects.extend(more)
    return handoff, effects


def shadow(compared: int, differing: int = 0, failure: str | None = None) -> on.Answered:
    first = said.ShadowDifference(due_ms=1, field="action", owner="a", shadow="b")
    report = said.ShadowReport(
        handoff=ID,
        compared=compared,
        differences=(first,) * min(1, differing),
        differing=differing,
        failure=failure,
    )
    return answered(report)
