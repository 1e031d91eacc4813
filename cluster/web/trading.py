"""The page that halts, reduces and resumes, and the commands that run behind its buttons.

The HALT file is written by this process before the command starts: a gateway looks for it five
times a second. Then the command proves with the venue that nothing rests.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from actors.clock import wall_ms
from checkpoints.storage import LocalStorage
from cluster.halting.fence import set_mark
from cluster.halting.venue_side import PROVE_S_MAX
from cluster.local.state_folder import StateFolder
from cluster.web.command_line import Ended, GivenUp, run_command
from cluster.web.operators import OperatorJournal

HALT: Final = "halt"
HALT_S_MAX: Final = PROVE_S_MAX + 90.0
"""Wire: what the command itself may take, and its start on a machine that is far too busy."""
SET_S_MAX: Final = 90.0
"""Wire, to join Ray and be answered."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """One order to the fleet, while it runs and after."""

    what: str
    reason: str
    who: str
    began_ms: int
    lines: tuple[str, ...] = ()
    code: int | None = None
    """None: it has not ended."""

    @property
    def ended(self) -> bool:
        return self.code is not None


class TradingOrders:
    """The newest order of this console to the fleet, and what it says."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._task: asyncio.Task[None] | None = None
        self.newest: Running | None = None

    @property
    def busy(self) -> bool:
        return self.newest is not None and not self.newest.ended

    async def halt(self, reason: str, who: str) -> None:
        """Write the HALT file at once; then halt by the command, unless one is under way.

        A resume that is under way is ended first: it would remove the file. None begins meanwhile:
        from here on this console is busy with a halt.
        """
        if self._halts:
            await asyncio.to_thread(set_mark, LocalStorage(self._state.storage), reason)
            record = OperatorJournal(self._state.root).of(who, "halt trading", "", reason)
            await asyncio.to_thread(record.end, "a halt was under way already")
            return
        before, self.newest = self._task, (order := _order(HALT, reason, who))
        try:
            if before is not None:
                before.cancel()
                await asyncio.gather(before, return_exceptions=True)
            await asyncio.to_thread(set_mark, LocalStorage(self._state.storage), reason)
        finally:  # whatever befell the file, the command halts
            self._start(order, HALT_S_MAX)

    @property
    def _halts(self) -> bool:
        return self.busy and self.newest is not None and self.newest.what == HALT

    def begin(self, what: str, reason: str, who: str) -> None:
        """Reduce or resume, as long as nothing else runs."""
        assert not self.busy, what
        self.newest = _order(what, reason, who)
        self._start(self.newest, SET_S_MAX)

    def _start(self, order: Running, seconds: float) -> None:
        words = ("trading", order.what, f"--reason={order.reason}", f"--by={order.who}")
        self._task = asyncio.create_task(self._run(order, words, seconds))

    async def _run(self, began: Running, words: Sequence[str], seconds: float) -> None:
        lines: list[str] = []

        def add_line(line: str) -> None:
            lines.append(line)
            self._publish(began, tuple(lines), None)

        given_up = GivenUp.GOES_ON if began.what == HALT else GivenUp.ENDS
        ended: Ended = await run_command(self._state, words, seconds, add_line, given_up=given_up)
        self._publish(began, ended.lines, ended.code)

    def _publish(self, began: Running, lines: tuple[str, ...], code: int | None) -> None:
        """Show it, unless a halt was ordered meanwhile."""
        if self.newest is not None and self.newest.began_ms == began.began_ms:
            self.newest = msgspec.structs.replace(began, lines=lines, code=code)


def _order(what: str, reason: str, who: str) -> Running:
    return Running(what=what, reason=reason, who=who, began_ms=int(wall_ms()))
