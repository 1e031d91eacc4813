"""The table of the gateway's authority, walked at random and along its lives."""

import random
from collections.abc import Callable
from typing import Any

import msgspec

from actors.gateway.authority import effects as does
from actors.gateway.authority import events as on
from actors.gateway.authority.events import HOLDS_LOCK, Authority, Holder, Phase
from actors.gateway.authority.machine import TABLE, begin, phase_text, step, why_not_act
from actors.gateway.authority.waiting import HEIR_WAITS_MS_MAX, LOCK_GRACE_MS
from actors.machine.vocabulary import Answer, Failed, Waited
from tests.actors.machine.walks import reached

ME = "gateway/1"
WALKS = 3_000


def holder(rng: random.Random) -> Holder | None:
    if rng.random() < 0.3:
        return None
    return Holder(
        name=rng.choice((ME, "gateway/2")),
        fleet=rng.choice(("ours", "other")),
        node="n",
        pid=1,
        process_start=1,
        wire_ms=0,
    )


def heir(rng: random.Random) -> dict[str, Any]:
    named = rng.choice((None, ME, ME, "gateway/2"))
    moved_to = "gateway/2" if named == "gateway/2" and rng.random() < 0.4 else None
    return {"heir": named, "moved_to": moved_to}


FIELDS: dict[type[msgspec.Struct], Callable[[random.Random], dict[str, Any]]] = {
    on.HeirRead: heir,
    on.HandOverAsked: lambda rng: {"to": rng.choice(("gateway/2", "gateway/2", "gateway/3"))},
    on.LockHeld: lambda rng: {"holder": holder(rng)},
    on.GenerationStored: lambda rng: {"generation": rng.randrange(1, 9)},
    on.HolderEnded: lambda rng: {"ended": rng.random() < 0.5},
    on.PostsSettled: lambda _: {"answered": True, "beat_wire_ms": 7},
}
ALWAYS = {"reply_to": 0, "reason": "why"}


def make(kind: type[msgspec.Struct], rng: random.Random, at_ms: float) -> Any:
    fields = {name: value for name, value in ALWAYS.items() if name in kind.__struct_fields__}
    more = FIELDS[kind](rng) if kind in FIELDS else {}
    return kind(at_ms=at_ms, **fields, **more)


def begun(rng: random.Random) -> Any:
    """Begin, or be in the middle of it: rare places are reached too."""
    state, effects = begin(ME, "ours", "/state", 0.0)
    if rng.random() < 0.3:
        return state, effects
    phase, connected = rng.choice(tuple(Phase)), rng.random() < 0.5
    asked_back = phase in {Phase.MOVED, Phase.REMEMBERED} and rng.random() < 0.5
    middle = {"phase": phase, "connected": connected, "wanted_back": asked_back}
    return msgspec.structs.replace(state, to="gateway/2", **middle), ()


def first() -> Authority:
    state, _ = begin(ME, "ours", "/state", 0.0)
    return state


def test_every_row_is_walked_and_every_caller_is_answered_once() -> None:
    taken = reached(TABLE, begun, make, range(WALKS))
    left = [each for place, each in enumerate(TABLE) if place not in taken]
    assert [f"{each.source} {each.event.__name__} {each.why}" for each in left] == []
    print(f"{len(TABLE.rows)} rows, all taken in {WALKS} walks")


def run(state: Authority, *events: Any) -> tuple[Authority, list[Any]]:
    effects: list[Any] = []
    for event in events:
        state, asked = step(state, event)
        effects += asked
    return state, effects


FORWARD = (
    on.HeirRead(at_ms=1, heir=ME, moved_to=None),
    on.LockTaken(at_ms=2),
    on.HeirRead(at_ms=3, heir=ME, moved_to=None),
    on.GenerationStored(at_ms=4, generation=3),
    on.LogRead(at_ms=5),
    on.VenueConnected(at_ms=6),
    on.Reconciled(at_ms=7),
    on.Published(at_ms=8),
)


def test_a_start_goes_by_lock_generation_log_venue_and_only_then_is_found() -> None:
    state, effects = run(first(), *FORWARD)
    assert [type(each).__name__ for each in effects] == [
        "TryLock",
        "ReadHeir",
        "StoreGeneration",
        "ReadLog",
        "ConnectVenue",
        "Reconcile",
        "Publish",
        "Serve",
    ]
    assert phase_text(state) == "serving"


def _waits_for(other: str, heir: str | None, ms: float) -> Phase:
    """Return where it is when another actor's process has kept the lock from it for so long."""
    holder = Holder(name=other, fleet="ours", node="n", pid=1, process_start=1, wire_ms=0)
    held, named = (
        on.LockHeld(at_ms=ms, holder=holder),
        on.HeirRead(at_ms=1, heir=heir, moved_to=None),
    )
    return run(first(), named, held)[0].phase


def test_an_heir_ends_whoever_keeps_the_lock_from_it_and_nobody_before_its_time() -> None:
    """Seed 105 of the simulation: Ray had given the holder up, and its process lived on."""
    assert _waits_for("gateway/0", ME, HEIR_WAITS_MS_MAX) is Phase.AWAITING_LOCK, (
        "it closes its log"
    )
    assert _waits_for("gateway/0", ME, HEIR_WAITS_MS_MAX + 2) is Phase.ENDING_HOLDER
    assert _waits_for("gateway/0", None, 9 * HEIR_WAITS_MS_MAX) is Phase.AWAITING_LOCK, "not named"
    assert _waits_for(ME, None, LOCK_GRACE_MS + 2) is Phase.ENDING_HOLDER, "its own earlier process"


def test_a_handover_releases_the_lock_only_after_the_heir_is_named() -> None:
    state, _ = run(first(), *FORWARD)
    state, effects = run(
        state,
        on.HandOverAsked(at_ms=9, reply_to=1, to="gateway/2"),
        on.HandOverAsked(at_ms=9, reply_to=2, to="gateway/2"),
        on.PostsSettled(at_ms=10, answered=True, beat_wire_ms=9),
        on.HeirNamed(at_ms=11),
        on.Closed(at_ms=12),
        on.HandOverAsked(at_ms=13, reply_to=3, to="gateway/2"),
        on.HandOverAsked(at_ms=13, reply_to=4, to="gateway/3"),
    )
    names = [type(each).__name__ for each in effects]
    assert names[:3] == ["SettlePosts", "NameHeir", "Close"]
    answers = {each.reply_to: each.done for each in effects if isinstance(each, Answer)}
    assert answers == {1: True, 2: True, 3: True, 4: False}, "an ask that is repeated is harmless"
    assert phase_text(state) == "moved to gateway/2"


def test_one_that_moved_serves_again_when_it_is_named_though_nobody_told_it() -> None:
    moved = Authority(name=ME, fleet="ours", phase=Phase.MOVED, to="gateway/2")
    state, _ = run(moved, Waited(at_ms=1), on.HeirRead(at_ms=2, heir=ME, moved_to=None))
    assert state.phase is Phase.LOOKING
    state, _ = run(moved, Waited(at_ms=1), on.HeirRead(at_ms=200_000, heir="x", moved_to="x"))
    assert state.phase is Phase.GONE


def test_a_take_back_that_a_full_disk_refused_is_tried_again_while_nobody_else_is_named() -> None:
    """Seed 3731 of the simulation: the successor was ended, and nobody served for three minutes."""
    moved = Authority(name=ME, fleet="ours", phase=Phase.MOVED, to="gateway/2")
    asked = on.TakeBackAsked(at_ms=1, reply_to=1)
    refused, effects = run(moved, asked, Failed(at_ms=2, reason="it is full"))
    assert [each.done for each in effects if isinstance(each, Answer)] == [False]
    assert refused.phase is Phase.MOVED

    same = on.HeirRead(at_ms=4, heir="gateway/2", moved_to="gateway/2")
    again, effects = run(refused, Waited(at_ms=3), same)
    assert again.phase is Phase.RETURNING
    assert [each.to for each in effects if isinstance(each, does.NameHeir)] == [ME]
    back, _ = run(again, on.HeirNamed(at_ms=5))
    assert (back.phase, back.wanted_back) == (Phase.LOOKING, False)

    third = on.HeirRead(at_ms=4, heir="gateway/3", moved_to="gateway/2")
    assert run(refused, Waited(at_ms=3), third)[0].phase is Phase.MOVED
    handed = on.HandOverAsked(at_ms=3, reply_to=2, to="gateway/2")
    assert run(refused, handed, Waited(at_ms=3), same)[0].phase is Phase.MOVED


def test_the_log_is_read_and_orders_are_posted_with_the_lock_only() -> None:
    before = {each.source for each in TABLE if each.leads_to in HOLDS_LOCK}
    ways_in = before - HOLDS_LOCK
    assert ways_in == {Phase.LOCKING}, "the lock is the only way in"
    (locked,) = [each for each in TABLE if each.source in ways_in and each.leads_to in HOLDS_LOCK]
    assert locked.event is on.LockTaken


def test_a_post_needs_the_lock_and_the_newest_generation() -> None:
    assert why_not_act(3, 3, lock_held=True) is None
    assert why_not_act(3, 4, lock_held=True) is not None
    assert why_not_act(3, 3, lock_held=False) is not None


def test_a_failure_anywhere_with_the_lock_closes_everything() -> None:
    for phase in HOLDS_LOCK:
        state = Authority(name=ME, fleet="ours", phase=phase, to="gateway/2")
        after, effects = step(state, Failed(at_ms=1, reason="disk full"))
        assert after.phase in {Phase.RECOVERING, Phase.REOPENING}, phase
        assert type(effects[-1]).__name__ == "Close"
