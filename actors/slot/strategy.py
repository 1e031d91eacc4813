"""Run a stranger's `decide` where it can do no harm: in a thread of its own, against a clock.

It may raise, return nonsense, put NaN into its memory (see `actors.slot.guard`), or not return.
Each becomes the decision "no trade: strategy_error ..."; a call that does not return keeps its
thread (Python cannot end one), every following decision says so at once, and the supervisor ends
the process.
"""

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec

from actors.slot.answer import strategy_error
from actors.slot.events import RunStrategy
from actors.slot.facts import RecordChange
from actors.slot.guard import Case, Decided, Failed, call
from actors.slot.naming import error_name
from actors.slot.recovery import MEMORY_PREFIX
from checkpoints.record_set import Delta, RecordSet, combine_hashes
from signals.decision import Decision
from signals.market import Timeframe
from signals.strategy import Strategy


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    decision: Decision
    failed: bool
    memory: msgspec.Struct
    memory_changes: tuple[RecordChange, ...]
    pre_state_hash: str
    memory_hash: str


class StrategyRunner:
    """One strategy, and the slot's state as records, from which hashes and changes come."""

    def __init__(self, strategy: Strategy, timeframe: Timeframe, records: RecordSet) -> None:
        self.strategy = strategy
        self._timeframe = timeframe
        self.records = records
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="strategy")
        self._running: Future[Decided | Failed] | None = None
        self._since = 0.0

    def blocked_ms(self) -> int:
        """Return for how long the present call has run; 0 if none does."""
        if self._running is None or self._running.done():
            return 0
        return int((time.monotonic() - self._since) * 1000)

    async def run(self, effect: RunStrategy) -> Answer:
        """Call `decide` once; never raises."""
        self.records.apply_struct(effect.state)
        self.records.apply_struct(effect.memory, MEMORY_PREFIX)
        before = self.records.logical_hash()
        if self.blocked_ms():
            what = f"blocked: the previous call has not returned for {self.blocked_ms()} ms"
            return self._failed(effect, before, what)
        answer = await self._call(effect)
        if isinstance(answer, Failed):
            return self._failed(effect, before, answer.what)
        try:
            changes = self._apply_memory(answer.memory)
        except Exception as error:  # noqa: BLE001 NaN, -0.0 or what JSON cannot say
            return self._failed(effect, before, f"memory: {error_name(error)}")
        return Answer(
            decision=answer.decision,
            failed=False,
            memory=answer.memory,
            memory_changes=changes,
            pre_state_hash=before,
            memory_hash=self._memory_hash(),
        )

    async def _call(self, effect: RunStrategy) -> Decided | Failed:
        """Wait for the call as long as it may take; what it raises is in its answer."""
        case = Case(
            snapshot=effect.snapshot,
            timeframe=self._timeframe,
            position=effect.position,
            memory=effect.memory,
            params=effect.params,
        )
        self._since = time.monotonic()
        self._running = self._executor.submit(call, self.strategy, case)
        waiting = asyncio.wrap_future(self._running)
        try:
            async with asyncio.timeout(effect.timeout_ms / 1000):
                return await asyncio.shield(waiting)
        except TimeoutError:
            return Failed(what=f"blocked: no answer in {effect.timeout_ms} ms")

    def _apply_memory(self, memory: msgspec.Struct) -> tuple[RecordChange, ...]:
        mark = self.records.mark()
        self.records.apply_struct(memory, MEMORY_PREFIX)
        delta = self.records.changes_since(mark)
        changed = [
            RecordChange(segment=segment, key=key, value=value)
            for (segment, key), value in delta.upserts.items()
        ]
        gone = [RecordChange(segment=s, key=k, value=None) for s, k in delta.deletes]
        return (*changed, *gone)

    def _memory_hash(self) -> str:
        hashes = self.records.segment_hashes()
        return combine_hashes({n: h for n, h in hashes.items() if n.startswith(MEMORY_PREFIX)})

    def _failed(self, effect: RunStrategy, before: str, what: str) -> Answer:
        """Put the records back to the old memory, whatever the failed one has left in them."""
        self.records.apply(Delta(upserts={}))
        self.records.apply_struct(effect.state)
        self.records.apply_struct(effect.memory, MEMORY_PREFIX)
        return Answer(
            decision=strategy_error(what),
            failed=True,
            memory=effect.memory,
            memory_changes=(),
            pre_state_hash=before,
            memory_hash=self._memory_hash(),
        )
