"""Run a stranger's `decide` where it can do no harm: in a thread of its own, against a clock.

It may raise, return nonsense, put NaN into its memory, or not return. Each becomes the decision
"no trade: strategy_error ..."; a call that does not return keeps its thread (Python cannot end
one), every following decision says so at once, and the supervisor ends the process.
"""

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec

from actors.slot.answer import strategy_error
from actors.slot.events import RunStrategy
from actors.slot.facts import RecordChange
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
        self._running: Future[tuple[Decision, msgspec.Struct]] | None = None
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
        try:
            decision, memory = await self._call(effect)
        except TimeoutError:
            return self._failed(effect, before, f"blocked: no answer in {effect.timeout_ms} ms")
        except Exception as error:  # noqa: BLE001 a strategy is a stranger's code
            return self._failed(effect, before, f"{type(error).__name__}: {error}")
        if not isinstance(memory, self.strategy.Memory):
            what = f"decide returned memory of type {type(memory).__name__}"
            return self._failed(effect, before, what)
        try:
            changes = self._apply_memory(memory)
        except (TypeError, ValueError) as error:  # NaN, -0.0 or what JSON cannot say
            return self._failed(effect, before, f"memory: {error}")
        return Answer(
            decision=decision,
            failed=False,
            memory=memory,
            memory_changes=changes,
            pre_state_hash=before,
            memory_hash=self._memory_hash(),
        )

    async def _call(self, effect: RunStrategy) -> tuple[Decision, msgspec.Struct]:
        self._since = time.monotonic()
        self._running = self._executor.submit(
            self.strategy.decide,
            effect.snapshot,
            self._timeframe,
            effect.position,
            effect.memory,
            effect.params,
        )
        waiting = asyncio.wrap_future(self._running)
        async with asyncio.timeout(effect.timeout_ms / 1000):
            decision, memory = await asyncio.shield(waiting)
        return decision, memory

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
