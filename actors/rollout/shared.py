"""Replace the actors that all slots share, one after the other.

Each has its own handoff; what they have in common is here. The successor is created beside the old
one, under the new release's archive, and stands by. Only when it is ready and proved to run that
release is it named. It must then serve by a deadline; if it does not, its process is ended first
and then the old one is named again. The old one is ended for good at the very end. A way back asks
nothing of an old one that is sick: the successor takes its turn, and its process is ended.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from actors.detectors.alarm_names import AlarmName
from actors.rollout.ports import CallFailedError
from actors.shared_kind import Kind

CREATE_SECONDS: Final = 90.0
"""Wire. As for a slot: a start takes 1 .. 14 s on two busy cores."""
READY_SECONDS: Final = 60.0
"""Wire. Market data gets warm within 15 s; the gateway connects to the venue within 20 s."""
NAME_SECONDS: Final = 45.0
"""Wire. The gateway waits up to 8 s for running posts; a supervisor may be creating a slot."""
BUSY_SECONDS: Final = 20.0
"""Wire. A slot is created within 1 .. 14 s; a supervisor that creates for longer never ends."""
SERVE_SECONDS: Final = 30.0
"""Wire. Measured 0.5 .. 3 s: log, reconciliation with the venue, first heartbeat."""
POLL_SECONDS: Final = 0.1
CALL_SECONDS: Final = 10.0
NAME_CALL_SECONDS: Final = 15.0
"""Wire. One ask to hand over, with the posts and the heartbeat that it waits for."""


class SharedStep(StrEnum):
    CREATING = "creating"
    PREPARING = "preparing"
    NAMING = "naming"
    CONFIRMING = "confirming"
    ENDING = "ending"
    DONE = "done"
    TAKING_BACK = "taking_back"
    FAILED = "failed"
    """The old one serves as before."""
    STUCK = "stuck"
    """Nobody could be proved to serve: an alarm says so, a person decides."""


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A shared actor that does not run the release gone back to."""

    kind: Kind
    name: str
    sick: str | None
    """Why it is not asked; None: it looked well."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One actor as its status and its process tell."""

    phase: str
    release: str
    ready: bool
    """Stands by, able to serve at once."""
    serves: bool
    heartbeat_gap_ms: int = 0


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

    async def name_back(self, kind: Kind, old: str) -> None: ...

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


async def replace_shared(
    calls: SharedCalls, release: str, notify: Notify
) -> tuple[SharedReport, ...]:
    """Replace all that do not run the release yet; stop at the first that fails."""
    reports: list[SharedReport] = []
    for kind in Kind:
        if await runs_already(calls, kind, release):
            continue
        report = await Replacement(calls, kind, release, notify).run()
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


class Replacement:
    """One shared actor on its way to a release."""

    def __init__(
        self,
        calls: SharedCalls,
        kind: Kind,
        release: str,
        notify: Notify,
        back: Back | None = None,
    ) -> None:
        """`back`: this is a way back, from what is described there."""
        self._back = back
        self._calls = calls
        self._kind = kind
        self._release = release
        self._notify = notify
        old, new = calls.current(kind), calls.next_name(kind)
        self._report = SharedReport(kind=kind, old=old, new=new, step=SharedStep.CREATING)
        self._named_ms: float | None = None

    async def run(self) -> SharedReport:
        """Replace, or leave the old one serving; return how it went."""
        try:
            await self._forwards()
        except CallFailedError as error:
            self._report = msgspec.structs.replace(self._report, failure=str(error))
            await self._backwards()
        return self._report

    async def _forwards(self) -> None:
        calls, kind, old, new = self._calls, self._kind, self._report.old, self._report.new
        self._enter(SharedStep.CREATING)
        await calls.create(kind, new, self._release)
        self._enter(SharedStep.PREPARING)
        await self._until(lambda seen: seen.ready or seen.serves, READY_SECONDS, "ready")
        await self._pass_on()
        self._enter(SharedStep.CONFIRMING)
        seen = await self._until(lambda seen: seen.serves, SERVE_SECONDS, "serving")
        self._report = msgspec.structs.replace(
            self._report,
            naming_ms=calls.now_ms() - (self._named_ms or calls.now_ms()),
            heartbeat_gap_ms=seen.heartbeat_gap_ms,
        )
        self._enter(SharedStep.ENDING)
        await self._best_effort(calls.end(old))
        self._enter(SharedStep.DONE)

    async def _pass_on(self) -> None:
        calls, kind, old, new = self._calls, self._kind, self._report.old, self._report.new
        sick = self._back is not None and self._back.sick is not None
        if not sick:
            await calls.prepare(kind, old, new)
        await calls.remember(kind, new, self._release, self._back)
        self._enter(SharedStep.NAMING)
        self._named_ms = calls.now_ms()
        if sick:
            await calls.seize(kind, old, new)
        else:
            await calls.name(kind, old, new)

    async def _until(self, met: Callable[[Seen], bool], seconds: float, what: str) -> Seen:
        """Look at the successor until it is so; another release than asked for fails at once."""
        end_ms = self._calls.now_ms() + 1_000 * seconds
        trouble = "no status"
        while self._calls.now_ms() < end_ms:
            try:
                seen = await self._calls.poll(self._kind, self._report.new)
            except CallFailedError as error:
                trouble = str(error)
            else:
                if seen.release != self._release:
                    raise CallFailedError(f"it runs {seen.release}, not {self._release[:12]}")
                if met(seen):
                    return seen
                trouble = seen.phase
            await asyncio.sleep(POLL_SECONDS)
        raise CallFailedError(f"not {what} in {seconds:.0f} s: {trouble}")

    async def _backwards(self) -> None:
        """End the successor first, so that two never serve; then name the old one if need be."""
        calls, kind, old, new = self._calls, self._kind, self._report.old, self._report.new
        named = self._named_ms is not None
        self._enter(SharedStep.TAKING_BACK)
        if not await self._best_effort(calls.end(new)) and named:
            self._enter(SharedStep.STUCK)
            return
        if named:
            await self._best_effort(calls.name_back(kind, old))
        self._enter(SharedStep.FAILED if await self._old_serves() else SharedStep.STUCK)

    async def _old_serves(self) -> bool:
        end_ms = self._calls.now_ms() + 1_000 * SERVE_SECONDS
        while self._calls.now_ms() < end_ms:
            try:
                if (await self._calls.poll(self._kind, self._report.old)).serves:
                    return True
            except CallFailedError:
                pass  # it may be starting again; the deadline ends the looking
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _best_effort(self, work: Awaitable[None]) -> bool:
        try:
            await work
        except CallFailedError as error:
            self._notify(f"{self._report.kind:<11} {error}")
            return False
        return True

    def _enter(self, step: SharedStep) -> None:
        self._report = msgspec.structs.replace(self._report, step=step)
        why = f"  {self._report.failure}" if self._report.failure else ""
        self._notify(f"{self._report.kind:<11} {step}  {self._report.new}{why}")
