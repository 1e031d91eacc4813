"""Replace the actors that all slots share, one after the other.

Each has its own handoff; what they have in common is the machine of `actors.rollout.replacement`.
This is its shell: it does on the fleet what the machine asks for.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, assert_never

import msgspec

from actors.detectors.alarm_names import AlarmName
from actors.machine.vocabulary import At, Failed
from actors.machine.work import WorkPump
from actors.rollout.ports import CallFailedError
from actors.rollout.replacement.events import (
    ENDED,
    ActorEnded,
    ActorSeen,
    Back,
    Create,
    Created,
    EndActor,
    Name,
    NameBack,
    Named,
    NamedBack,
    NamedElsewhere,
    PollActor,
    Remember,
    Remembered,
    Replacement,
    Seen,
    Seize,
    SharedStep,
    Warm,
    Warmed,
    Work,
)
from actors.rollout.replacement.machine import TABLE, begin
from actors.shared_kind import Kind

CREATE_SECONDS: Final = 90.0
"""Wire. As for a slot: a start takes 1 .. 14 s on two busy cores."""
CALL_SECONDS: Final = 10.0
BUSY_SECONDS: Final = 20.0
"""Wire. A slot is created within 1 .. 14 s; a supervisor that creates for longer never ends."""
NAME_CALL_SECONDS: Final = 15.0
"""Wire. One ask to hand over, with the posts and the heartbeat that it waits for."""


class SharedReport(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    old: str
    new: str
    step: str
    naming_ms: float | None = None
    """From asking the old one to leave to the new one's word that it serves."""
    heartbeat_gap_ms: int = 0
    """Of the new gateway: the largest, the one across the handover among them."""
    failure: str | None = None


class SharedCalls(Protocol):
    """Every await ends by its limit; `CallFailedError` is the only exception."""

    def current(self, kind: Kind) -> str: ...

    def next_name(self, kind: Kind) -> str: ...

    async def create(self, kind: Kind, name: str, release: str) -> None: ...

    async def poll(self, kind: Kind, name: str) -> Seen:
        """Ask for the status; `release` is what its loaded files and its folder both hash to."""
        ...

    async def prepare(self, kind: Kind, old: str, new: str) -> None:
        """Give the successor what it should have before it serves. Best effort."""
        ...

    async def name(self, kind: Kind, old: str, new: str) -> None:
        """Pass the turn on; an old one that hangs is made to let go."""
        ...

    async def name_back(self, kind: Kind, old: str, new: str) -> bool:
        """Name the old one again; False where neither it nor the successor is named now."""
        ...

    async def sickness(self, kind: Kind, name: str) -> str | None:
        """Look for a moment; return why the actor is not to be asked to hand over."""
        ...

    async def seize(self, kind: Kind, old: str, new: str) -> None:
        """Name the successor and end the old one's process, without asking the old one."""
        ...

    async def remember(self, kind: Kind, new: str, release: str, before: Back | None) -> None:
        """Store which release is replaced; without one the way back is over."""
        ...

    async def end(self, name: str) -> None:
        """End the actor, never to be restarted, and wait until its process is gone."""
        ...

    def now_ms(self) -> float:
        """Return monotonic time."""
        ...

    async def raise_alarm(self, kind: AlarmName, subject: str, reason: str) -> None: ...


Notify = Callable[[str], None]
Observe = Callable[[Replacement], None]


def unobserved(_state: Replacement) -> None:
    """Nobody looks."""


async def replace_shared(
    calls: SharedCalls, release: str, notify: Notify, observe: Observe = unobserved
) -> tuple[SharedReport, ...]:
    """Replace all that do not run the release yet; stop at the first that fails."""
    reports: list[SharedReport] = []
    for kind in Kind:
        if await runs_already(calls, kind, release):
            continue
        report = await replace_one(calls, kind, release, notify, observe=observe)
        reports.append(report)
        if report.step != SharedStep.DONE:
            await report_failure(calls, report)
            break
    return tuple(reports)


async def runs_already(calls: SharedCalls, kind: Kind, release: str) -> bool:
    """Tell whether the actor that serves runs the release; no answer counts as no."""
    try:
        return (await calls.poll(kind, calls.current(kind))).release == release
    except CallFailedError:
        return False


async def report_failure(calls: SharedCalls, report: SharedReport) -> None:
    """Raise the alarm of a replacement that did not get to its end."""
    reason = f"{report.old} -> {report.new} {report.step}: {report.failure}"
    try:
        await calls.raise_alarm("shared_handoff_failed", report.kind, reason)
    except CallFailedError:
        return  # the report says it too, and the command fails with it


async def replace_one(
    calls: SharedCalls,
    kind: Kind,
    release: str,
    notify: Notify,
    back: Back | None = None,
    observe: Observe = unobserved,
) -> SharedReport:
    """Replace one, or leave the old one serving; return how it went.

    `back`: this is a way back, from what is described there.
    """

    def moved(_before: Replacement, after: Replacement) -> None:
        observe(after)
        why = f"  {after.failure}" if after.failure else ""
        notify(f"{kind:<11} {after.phase}  {after.new}{why}")

    names = calls.current(kind), calls.next_name(kind)
    begun = begin(kind, names, release, calls.now_ms(), back)
    worker = _Worker(calls, kind, notify)
    expected = (CallFailedError,)
    pump = WorkPump[Replacement, Work](TABLE, begun, worker, calls.now_ms, moved, expected)
    await pump.run(ENDED)
    return _report(pump.state)


def _report(state: Replacement) -> SharedReport:
    return SharedReport(
        kind=state.kind,
        old=state.old,
        new=state.new,
        step=state.phase,
        naming_ms=state.naming_ms,
        heartbeat_gap_ms=state.heartbeat_gap_ms,
        failure=state.failure,
    )


class _Worker:
    """Does the machine's work on the fleet, for one kind of actor."""

    def __init__(self, calls: SharedCalls, kind: Kind, notify: Notify) -> None:
        self._calls = calls
        self._kind = kind
        self._notify = notify

    async def perform(self, work: Work) -> At:
        match work:
            case Create(name=name, release=release):
                await self._calls.create(self._kind, name, release)
                return Created(at_ms=self._calls.now_ms())
            case PollActor(name=name, after_ms=after_ms):
                await asyncio.sleep(after_ms / 1_000)
                seen = await self._calls.poll(self._kind, name)
                return ActorSeen(at_ms=self._calls.now_ms(), seen=seen)
            case EndActor(name=name):
                return await self._end(name)
            case Warm(old=old, new=new):
                await self._calls.prepare(self._kind, old, new)
                return Warmed(at_ms=self._calls.now_ms())
            case Remember() | Name() | Seize() | NameBack():
                return await self._pass_turn(work)
            case _:
                assert_never(work)

    async def _end(self, name: str) -> At:
        try:
            await self._calls.end(name)
        except CallFailedError as error:
            self._notify(f"{self._kind:<11} {error}")
            return Failed(at_ms=self._calls.now_ms(), reason=str(error))
        return ActorEnded(at_ms=self._calls.now_ms())

    async def _pass_turn(self, work: Remember | Name | Seize | NameBack) -> At:
        match work:
            case Remember(new=new, release=release, back=back):
                await self._calls.remember(self._kind, new, release, back)
                return Remembered(at_ms=self._calls.now_ms())
            case Name(old=old, new=new):
                await self._calls.name(self._kind, old, new)
                return Named(at_ms=self._calls.now_ms())
            case Seize(old=old, new=new):
                await self._calls.seize(self._kind, old, new)
                return Named(at_ms=self._calls.now_ms())
            case NameBack(old=old, new=new):
                named = await self._calls.name_back(self._kind, old, new)
                at_ms = self._calls.now_ms()
                return NamedBack(at_ms=at_ms) if named else NamedElsewhere(at_ms=at_ms)
