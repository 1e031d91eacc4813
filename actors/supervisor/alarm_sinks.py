"""Say each alarm once, outside: a webhook, a command with the alarm as JSON on its stdin.

Whoever raised it, the sinks follow the store: an alarm without its ``.said`` mark is due. The mark
is written after a try, so a crash between the two says it twice rather than never.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Final

import httpx
import msgspec

from actors.config import AlarmSinks
from actors.runtime import log_event
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.storage import Storage

WEBHOOK_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 10.0
TRIES_MAX: Final = 5
"""Per alarm and life; the alarm stays latched in status whatever a sink does."""
SAID: Final = "alarms-said"
"""Storage folder of the marks, beside the alarms that it does not belong to."""


class SinkPump:
    """Looks for alarms that were not said yet and says them."""

    def __init__(self, storage: Storage, sinks: AlarmSinks) -> None:
        self._storage = storage
        self._store = AlarmStore(storage)
        self._sinks = sinks
        self._tries: dict[str, int] = {}
        self._heard: set[str] = set()
        self._said = {name.partition("/")[2] for name in storage.names(f"{SAID}/")}

    async def pump(self, heard: Callable[[Alarm], None]) -> int:
        """Say what is due; return the number of latched alarms.

        `heard`: told of each alarm that was not said yet, once, before any sink is waited for.
        """
        latched = await asyncio.to_thread(self._store.latched)
        for state in latched:
            if state.alarm.id not in self._said | self._heard:
                self._heard.add(state.alarm.id)
                heard(state.alarm)
        for state in latched:
            alarm = state.alarm
            if alarm.id in self._said or self._tries.get(alarm.id, 0) >= TRIES_MAX:
                continue
            self._tries[alarm.id] = self._tries.get(alarm.id, 0) + 1
            if await self._deliver(alarm):
                self._said.add(alarm.id)
                await asyncio.to_thread(self._storage.create, f"{SAID}/{alarm.id}", b"said")
        return len(latched)

    async def _deliver(self, alarm: Alarm) -> bool:
        log_event("alarm", id=alarm.id, severity=str(alarm.severity), action=alarm.action)
        data = msgspec.json.encode(alarm)
        webhook = await self._post(data) if self._sinks.webhook_url else True
        command = await self._run(data) if self._sinks.command else True
        return webhook and command

    async def _post(self, data: bytes) -> bool:
        assert self._sinks.webhook_url is not None
        headers = {"content-type": "application/json"}
        try:
            async with httpx.AsyncClient(timeout=WEBHOOK_SECONDS) as client:
                answer = await client.post(self._sinks.webhook_url, content=data, headers=headers)
        except httpx.HTTPError as error:
            log_event("alarm_webhook_failed", reason=type(error).__name__)
            return False
        if answer.is_success:
            return True
        log_event("alarm_webhook_failed", reason=str(answer.status_code))
        return False

    async def _run(self, data: bytes) -> bool:
        """Run the operator's own command; it is configuration, not input."""
        assert self._sinks.command is not None
        process = await asyncio.create_subprocess_shell(
            self._sinks.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await process.communicate(data)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)  # what the shell has started ends with it
            await process.wait()
            log_event("alarm_command_failed", reason=f"no end in {COMMAND_SECONDS} s")
            return False
        if process.returncode != 0:
            log_event("alarm_command_failed", reason=f"exit {process.returncode}")
        return process.returncode == 0
