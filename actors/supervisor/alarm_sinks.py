"""Tell each alarm outside when it is raised and when it is over: a webhook, a command.

Whoever raised it, the sinks follow the store: an alarm without its mark is due. The mark is written
when each sink took the message, so a crash between the two tells it twice rather than never. The
sinks have tasks of their own: one that hangs or is down delays neither the other one nor the
reading of alarms.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from actors.config import AlarmSinks
from actors.runtime import log_event, wire_ms
from actors.supervisor.alarm_messages import Message, Outbox, Status, is_recent, raised, resolved
from actors.supervisor.alarm_senders import post, run_command
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

DELIVERED: Final = "alarms-said"
"""Storage folder of the marks, beside the alarms that it does not belong to."""
OVER: Final = ".resolved"
"""End of the mark of an alarm whose end was told."""
KNOWN: Final = ".heard"
"""End of the mark of an alarm that the policy knows: a sink that is down brings nothing up anew."""
IDLE_SECONDS: Final = 1.0
"""Wire. A sink looks so often whether a message came; the bar is 5 s (RTS 6, article 16)."""

Send = Callable[[Message], Awaitable[str]]
"""Hands over one message; returns why it was not taken, or nothing."""


class Latched(msgspec.Struct, frozen=True, kw_only=True):
    alarms: tuple[Alarm, ...] = ()
    """That are not over."""
    undelivered: int = 0
    """Messages that some sink was handed and has not taken."""


class SinkPump:
    """Finds alarms that began or ended, and keeps the messages of each sink."""

    def __init__(
        self, storage: Storage, sinks: AlarmSinks, now_ms: Callable[[], float] = wire_ms
    ) -> None:
        self._storage = storage
        self._now_ms = now_ms
        self._store = AlarmStore(storage)
        self._senders = senders(sinks)
        self._outboxes = {name: Outbox() for name in self._senders}
        marks = {name.partition("/")[2] for name in storage.names(f"{DELIVERED}/")}
        self._delivered = {mark for mark in marks if not mark.endswith((OVER, KNOWN))}
        self._known = {mark.removesuffix(KNOWN) for mark in marks if mark.endswith(KNOWN)}
        self._unmarked: set[str] = set()
        """New in the last round: marked in the next one, when what it led to is under way."""
        ended = {mark.removesuffix(OVER) for mark in marks if mark.endswith(OVER)}
        self._open = self._delivered - ended
        """Told as raised, and not known to be over."""
        self._waiting: dict[str, tuple[Message, set[str]]] = {}
        """By key: the message and the sinks that have not taken it."""
        self._latched: tuple[Alarm, ...] = ()

    @property
    def sinks(self) -> tuple[str, ...]:
        return tuple(self._senders)

    @property
    def standing(self) -> Latched:
        failing = max((box.failing() for box in self._outboxes.values()), default=0)
        return Latched(alarms=self._latched, undelivered=failing)

    async def pump(self, on_new: Callable[[Alarm], None]) -> None:
        """Read once what is latched and what is over; wait for no sink.

        `on_new`: called once for each alarm, also over restarts of the supervisor.
        """
        latched = await asyncio.to_thread(self._store.latched)
        self._latched = tuple(state.alarm for state in latched)
        unmarked, self._unmarked = self._unmarked - self._delivered, set()
        for identity in sorted(unmarked):
            await asyncio.to_thread(self._write_mark, identity, KNOWN)
        for alarm in self._latched:
            if alarm.id in self._delivered:
                continue
            if alarm.id not in self._known:
                self._known.add(alarm.id)
                self._unmarked.add(alarm.id)
                on_new(alarm)
            message = raised(alarm)
            if message.key not in self._waiting:
                self._put(message)
        ended = self._open - {alarm.id for alarm in self._latched}
        if ended:
            for message in await asyncio.to_thread(self._over, sorted(ended)):
                self._put(message)
        self._forget_dropped()

    def _forget_dropped(self) -> None:
        """Forget the messages of alarms that are over and that no sink keeps any more."""
        kept = {key for outbox in self._outboxes.values() for key in outbox.keys}
        latched = {alarm.id for alarm in self._latched}
        for key, (message, _) in list(self._waiting.items()):
            if key not in kept and message.id not in latched:
                del self._waiting[key]

    def _over(self, ended: Sequence[str]) -> list[Message]:
        """Return what is to be told of alarms that are not latched any more."""
        found: list[Message] = []
        for identity in ended:
            self._open.discard(identity)
            state = self._store.read(identity)
            cleared = None if state is None else state.cleared
            if state is not None and cleared is not None and is_recent(cleared, self._now_ms()):
                found.append(resolved(state, cleared))
        return found

    def _put(self, message: Message) -> None:
        log_event("alarm", id=message.id, severity=message.severity, status=str(message.status))
        if message.status is Status.RAISED:
            self._open.add(message.id)
        self._waiting[message.key] = (message, set(self._outboxes))
        for outbox in self._outboxes.values():
            outbox.put(message, self._now_ms())
        if not self._outboxes:
            self._waiting.pop(message.key)
            self._mark(message)

    # ---- the sinks ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Hand messages to the sinks until cancelled, each sink by itself."""
        async with asyncio.TaskGroup() as group:
            for name in self._senders:
                group.create_task(self._serve(name))

    async def _serve(self, name: str) -> None:
        while True:
            if not await self.send_one(name):
                left_ms = self._outboxes[name].wait_ms(self._now_ms())
                left_s = IDLE_SECONDS if left_ms is None else left_ms / 1_000
                await asyncio.sleep(min(IDLE_SECONDS, max(0.01, left_s)))

    async def send_one(self, name: str) -> bool:
        """Hand over the next message of a sink; False where none is due."""
        outbox = self._outboxes[name]
        message = outbox.due(self._now_ms())
        if message is None:
            return False
        try:
            why = await self._senders[name](message)
        except Exception as error:  # noqa: BLE001 e.g. no process can be made: it is tried again
            why = type(error).__name__
        if not why:
            outbox.taken(message, self._now_ms())
            await asyncio.to_thread(self._taken, name, message)
        else:
            over = outbox.failed(message, self._now_ms())
            log_event(f"alarm_{name}_failed", id=message.id, reason=why, given_up=over)
        return True

    def _taken(self, name: str, message: Message) -> None:
        _, left = self._waiting.get(message.key, (message, {name}))
        left.discard(name)
        if not left:
            self._waiting.pop(message.key, None)
            self._mark(message)

    def _mark(self, message: Message) -> None:
        """Remember that it was told; a disk that takes nothing tells it once more after a start."""
        end = OVER if message.status is Status.RESOLVED else ""
        if not end:
            self._delivered.add(message.id)
        self._write_mark(message.id, end)

    def _write_mark(self, identity: str, end: str) -> None:
        try:
            self._storage.create(f"{DELIVERED}/{identity}{end}", b"said")
        except CheckpointsError as error:
            log_event("alarm_mark_not_written", id=identity, reason=str(error))


def senders(sinks: AlarmSinks) -> dict[str, Send]:
    """Return what the configuration names, by name."""
    found: dict[str, Send] = {}
    if sinks.webhook_url or sinks.webhook_url_file:
        found["webhook"] = lambda message: post(sinks, message)
    if sinks.command:
        command = sinks.command
        found["command"] = lambda message: run_command(command, message)
    return found
