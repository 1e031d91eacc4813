"""Rules of the succession that a mutation takes away: most of them are rows of a table."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from actors.gateway import log_file, session
from actors.gateway.authority import effects as gateway_effects
from actors.gateway.authority import events as gateway_events
from actors.gateway.authority import files, machine
from actors.gateway.authority.events import POINTS_ON, LockTaken, Phase
from actors.machine.rows import Row, Table
from actors.machine.vocabulary import Answer
from actors.market_data import turn
from actors.market_data.turn import Phase as MarketDataPhase
from actors.rollout import shared
from actors.rollout.replacement import machine as replacement
from actors.rollout.replacement.events import EndActor, NameBack, SharedStep
from actors.supervisor import turn_machine
from actors.supervisor.turn_machine import Phase as TurnPhase
from tests.simulation import disk, gateway_actor
from tests.simulation.patches import Patch

Act = Callable[[Any, Any], Any]


def _changed(
    table: Table[Any, Any], source: Any, why: str, target: Any, act: Act | None = None
) -> Table[Any, Any]:
    """Lead one row elsewhere; an error where there is no such row."""
    (old,) = [each for each in table if each.source is source and each.why == why]
    new: Row[Any, Any] = Row(
        source=old.source,
        event=old.event,
        target=target,
        why=old.why,
        when=old.when,
        act=act or old.act,
    )
    return table.changed((old, new))


def _authority(*changes: tuple[Any, str, Any, Act | None]) -> list[Patch]:
    table: Table[Any, Any] = machine.TABLE
    for change in changes:
        table = _changed(table, *change)
    return [(machine, "TABLE", table)]


# ---- the gateway's authority ------------------------------------------------------------------


def generation_unchecked() -> list[Patch]:
    def why_not_act(_generation: int, _stored: int, *, lock_held: bool) -> str | None:
        return None if lock_held else "this process does not hold the gateway's lock"

    return [(session, "why_not_act", why_not_act)]


def alarms_of_old_books() -> list[Patch]:
    return [(session.Session, "_raise_alarm", lambda self, alarm: self._ports.raise_alarm(alarm))]


def served_before_reconciling() -> list[Patch]:
    original = session.Session._reconcile

    async def reconcile(own: Any, generation: int) -> None:
        settled = session.GatewayLoop.settled

        async def at_once(_loop: Any, _met: Any, _seconds: float) -> bool:
            return True

        session.GatewayLoop.settled = at_once  # type: ignore[method-assign]
        try:
            await original(own, generation)
        finally:
            session.GatewayLoop.settled = settled  # type: ignore[method-assign]

    return [(session.Session, "_reconcile", reconcile)]


def two_heirs() -> list[Patch]:
    """Whoever is started takes itself for the heir."""

    def read_heir(own: Any) -> Any:
        return gateway_events.HeirRead(at_ms=own._at_ms(), heir=own._name, moved_to=None)

    return [(files.AuthorityFiles, "_read_heir", read_heir)]


def outbox_before_the_lock() -> list[Patch]:
    def number(state: Any, _event: Any) -> Any:
        return state, (gateway_effects.StoreGeneration(),)

    return _authority((Phase.LOOKING, "it is the heir", Phase.NUMBERING, number))


def moved_answered_by_the_holder() -> list[Patch]:
    points_on = POINTS_ON | {Phase.SERVING}
    return [
        (gateway_actor, "POINTS_ON", points_on),
        *_authority((Phase.PUBLISHING, "callers find it", Phase.SERVING, _serve_as_before)),
    ]


def _serve_as_before(state: Any, _event: Any) -> Any:
    return state, (gateway_effects.Serve(),)


def adopted_before_the_release() -> list[Patch]:
    """The successor counts as holder as soon as it is named."""
    original = files.AuthorityFiles._on_lock

    def on_lock(own: Any, work: Any) -> Any:
        if isinstance(work, gateway_effects.TryLock):
            own.lock.take()
            return LockTaken(at_ms=own._at_ms())
        return original(own, work)

    return [(files.AuthorityFiles, "_on_lock", on_lock)]


def lock_kept_by_one_that_moved() -> list[Patch]:
    """Closing does everything but release the lock."""

    async def close(own: Any) -> None:
        release = own._ports.lock.release
        own._ports.lock.release = lambda: None
        try:
            await original(own)
        finally:
            own._ports.lock.release = release

    original = session.Session.close
    return [(session.Session, "close", close)]


def generation_not_raised() -> list[Patch]:
    def raised(own: Any) -> Any:
        stored = files.stored_generation(own._storage)
        return gateway_events.GenerationStored(at_ms=own._at_ms(), generation=stored)

    return [(files.AuthorityFiles, "_raise_generation", raised)]


def resumed_without_the_lock() -> list[Patch]:
    """One that is asked to take the authority back goes on as if it had the lock still."""

    def number(state: Any, _event: Any) -> Any:
        return state, (gateway_effects.StoreGeneration(),)

    return _authority((Phase.RETURNING, "it is the heir again", Phase.NUMBERING, number))


def heir_not_read_again() -> list[Patch]:
    """Whoever was the heir before it had the lock is taken for the heir now."""

    def number(state: Any, _event: Any) -> Any:
        answers = tuple(Answer(reply_to=each, done=True) for each in state.seizes)
        taken = replace(state, seizes=(), holder="", lock_since_ms=None)
        return taken, (*answers, gateway_effects.StoreGeneration())

    return _authority(
        (Phase.LOCKING, "somebody may have been named since", Phase.NUMBERING, number)
    )


def log_written_after_closing() -> list[Patch]:
    """A thread that writes to the log goes on when the log is closed and the lock is free."""
    return [
        (log_file.GuardedLog, "_check", lambda _own: None),
        (disk.SimulatedLog, "close", lambda _own: None),
    ]


# ---- the turns of the others ------------------------------------------------------------------


def turn_taken_from_the_living() -> list[Patch]:
    def open_loop(state: Any, _event: Any) -> Any:
        return replace(state, to=None), (turn_machine.Open(),)

    table = _changed(
        turn_machine.TABLE,
        TurnPhase.LOOKING,
        "another one watches",
        TurnPhase.OPENING,
        open_loop,
    )
    return [(turn_machine, "TABLE", table)]


def watch_never_checked() -> list[Patch]:
    """A supervisor that watches does not read any more whether it is the one that is named."""
    table = turn_machine.TABLE
    for each in table:
        if each.source is TurnPhase.WATCHING and each.target is TurnPhase.CHECKING:
            on: Row[Any, Any] = Row(
                source=each.source,
                event=each.event,
                target=TurnPhase.WATCHING,
                why=each.why,
                when=each.when,
                act=turn_machine.watch,
            )
            table = table.changed((each, on))
    return [(turn_machine, "TABLE", table)]


def market_data_without_buffers() -> list[Patch]:
    def stand_by(state: Any, event: Any) -> Any:
        return replace(state, since_ms=event.at_ms), (turn.PollFeeds(),)

    table = _changed(
        turn.TABLE,
        MarketDataPhase.LOOKING,
        "an earlier one serves",
        MarketDataPhase.WARMING,
        stand_by,
    )
    return [(turn, "TABLE", table)]


# ---- replacements -----------------------------------------------------------------------------


def _replacement(*changes: tuple[Any, str, Any, Act | None]) -> list[Patch]:
    table: Table[Any, Any] = replacement.TABLE
    for change in changes:
        table = _changed(table, *change)
    return [(shared, "TABLE", table)]


def old_ended_before_its_successor_serves() -> list[Patch]:
    def end_old(state: Any, _event: Any) -> Any:
        return state, (EndActor(name=state.old),)

    return _replacement((SharedStep.NAMING, "it is looked at", SharedStep.ENDING, end_old))


def old_named_beside_its_successor() -> list[Patch]:
    def name_back(state: Any, event: Any) -> Any:
        failure = getattr(event, "reason", "not serving")
        return replace(state, failure=failure), (NameBack(old=state.old, new=state.new),)

    table = replacement.TABLE
    for each in table:
        if each.source is SharedStep.CONFIRMING and each.target is SharedStep.TAKING_BACK:
            new: Row[Any, Any] = Row(
                source=each.source,
                event=each.event,
                target=SharedStep.RETURNING,
                why=each.why,
                when=each.when,
                act=name_back,
            )
            table = table.changed((each, new))
    return [(shared, "TABLE", table)]


def another_release_is_named() -> list[Patch]:
    table = replacement.TABLE
    for each in table:
        if each.when is replacement.other_release:
            table = table.changed((each, None))
    return [(shared, "TABLE", table)]


def nothing_is_remembered() -> list[Patch]:
    def name(state: Any, event: Any) -> Any:
        return replacement.name(state, event)

    return _replacement((SharedStep.WARMING, "before anybody is named", SharedStep.NAMING, name))
