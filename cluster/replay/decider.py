"""Make decisions again inside a release's own code, as a guest.

`python -I decider.py ROOT` puts ROOT, an unpacked archive, first on the path and imports strategy,
parameters, snapshots and records from there; nothing of the tree that this file lies in is loaded,
which the attestation at the end proves. It must work in every release that was ever archived, so it
asks the least of them, and talks in plain frames: four bytes of length, then msgpack. It is one
file, since a second one would be looked for in the release.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any, Final

import msgspec

MEMORY: Final = "memory."
FRAME_BYTES_MAX: Final = 256 * 1024 * 1024
LENGTH_BYTES: Final = 4
NICENESS: Final = 10
"""Below the fleet: a replay may take longer, a decision may not."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a strategy's memory; no value: it was removed."""

    segment: str
    key: str
    value: bytes | None


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What one recorded decision did to the memory."""

    version: int
    """Layout of the memory, `MEMORY_VERSION` of the code that decided."""
    changes: tuple[Change, ...]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded decision, to be made again; parameters and position are JSON."""

    slot: str
    sequence: int
    timeframe: str
    strategy: str
    params: bytes
    snapshot: str
    """Digest; its bytes are in this batch."""
    position: bytes
    window_open_ms: int
    reset: bool = False
    """The memory starts new here: a first decision, or another strategy's before it."""
    deltas: tuple[Delta, ...] = ()
    """Of the recorded decisions since this slot's last task, in order."""
    memory_before: str | None = None
    """Recorded hash of what the decision was made from."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    tasks: tuple[Task, ...]
    snapshots: dict[str, bytes] = {}
    begin: bool = False
    """Forget all memories: another asset follows."""
    chained: bool = False
    """Go on from the memory that this code left, not from the recorded one."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: a decision, or why there is none."""

    slot: str
    sequence: int
    decision: bytes | None = None
    """Canonical JSON."""
    failed: bool = False
    memory_hash: str | None = None
    refused: str | None = None


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    made: tuple[Made, ...]
    seconds: float
    """Of processor: a replay is nice, so on a busy machine the time on the wall says little."""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers: sent first, and again at the end, when all modules are loaded."""

    release: str
    fingerprint: str
    problems: tuple[str, ...]
    start_seconds: float = 0.0


Records = dict[tuple[str, str], bytes]


class Decider:
    """Holds each slot's memory, as records, between batches."""

    def __init__(self) -> None:
        self._recorded: dict[str, tuple[Records, int]] = {}
        """By slot: records and their version."""
        self._own: dict[str, Records] = {}
        self._snapshots: dict[str, Any] = {}
        self._params: dict[bytes, Any] = {}

    def answer(self, batch: Batch) -> tuple[Made, ...]:
        if batch.begin:
            self._recorded, self._own = {}, {}
        self._snapshots = {}
        return tuple(self._make(task, batch) for task in batch.tasks)

    def _make(self, task: Task, batch: Batch) -> Made:
        try:
            return self._decide(task, batch)
        except Exception as error:  # noqa: BLE001 any release, any data: the next task still comes
            what = f"{type(error).__name__}: {error}"
            return Made(slot=task.slot, sequence=task.sequence, refused=what)

    def _decide(self, task: Task, batch: Batch) -> Made:
        from checkpoints.record_set import logical_hash_of
        from checkpoints.records import records_of, struct_from_records
        from signals.strategy import load_strategy

        strategy = load_strategy(task.strategy)
        records, version = self._follow(task, strategy)
        checked = version == strategy.MEMORY_VERSION and not batch.chained
        records = _convert(records, version, strategy.MEMORY_VERSION, task.strategy, strategy)
        if batch.chained:
            records = self._own.get(task.slot, records)
        memory = struct_from_records(strategy.Memory, records, MEMORY)
        hashes = {logical_hash_of(records), logical_hash_of(records_of(memory, MEMORY)), None}
        if checked and task.memory_before not in hashes:
            what = "the memory before it is not known: rows before it are missing"
            return Made(slot=task.slot, sequence=task.sequence, refused=what)
        decision, after, failed = self._call(task, batch, strategy, memory)
        left = records_of(after, MEMORY)
        self._own[task.slot] = left
        return Made(
            slot=task.slot,
            sequence=task.sequence,
            decision=msgspec.json.encode(decision, order="sorted"),
            failed=failed,
            memory_hash=logical_hash_of(left),
        )

    def _follow(self, task: Task, strategy: Any) -> tuple[Records, int]:
        """Bring the recorded memory up to this decision; return it with its version."""
        from checkpoints.records import records_of

        if task.reset:
            fresh = records_of(strategy.Memory(), MEMORY)
            self._recorded[task.slot] = (fresh, strategy.MEMORY_VERSION)
            self._own.pop(task.slot, None)
        records, version = self._recorded.get(task.slot, ({}, strategy.MEMORY_VERSION))
        for delta in task.deltas:
            if records and delta.version != version:
                records = _convert(records, version, delta.version, task.strategy, strategy)
            version = delta.version
            for change in delta.changes:
                if change.value is None:
                    records.pop((change.segment, change.key), None)
                else:
                    records[(change.segment, change.key)] = change.value
        self._recorded[task.slot] = (records, version)
        return records, version

    def _call(self, task: Task, batch: Batch, strategy: Any, memory: Any) -> tuple[Any, Any, bool]:
        """Call `decide` and judge its answer as the slot does."""
        from checkpoints.records import records_of
        from signals.decision import Position
        from signals.market import Timeframe

        fault_of, strategy_error = _judges()
        timeframe = Timeframe(task.timeframe)
        snapshot = self._snapshot(task.snapshot, batch)
        position = msgspec.json.decode(task.position, type=Position)
        case = (snapshot, timeframe, position, memory, self._parameters(task.params))
        answer = _answer_of(strategy, case)
        if isinstance(answer, str):
            return strategy_error(answer), memory, True
        decision, after = answer
        try:
            records_of(after, MEMORY)
        except (TypeError, ValueError) as error:
            named = f"{type(error).__name__}: {error}" if _guard() else str(error)
            return strategy_error(f"memory: {named}"), memory, True
        market = snapshot.market(timeframe)
        if market is not None and market.window.open_ms != task.window_open_ms:
            market = None
        fault = fault_of(decision, market)
        return (decision, after, False) if fault is None else (strategy_error(fault), memory, True)

    def _snapshot(self, digest: str, batch: Batch) -> Any:
        from checkpoints.snapshots import decode_snapshot

        if digest not in self._snapshots:
            self._snapshots[digest] = decode_snapshot(batch.snapshots[digest])
        return self._snapshots[digest]

    def _parameters(self, text: bytes) -> Any:
        from signals.params import Params

        if text not in self._params:
            self._params[text] = msgspec.json.decode(text, type=Params)
        return self._params[text]


def _answer_of(strategy: Any, case: tuple[Any, ...]) -> tuple[Any, Any] | str:
    """Call `decide` as the release's own slot does; what went wrong comes back as text."""
    guard = _guard()
    if guard is not None:
        named = dict(
            zip(("snapshot", "timeframe", "position", "memory", "params"), case, strict=True)
        )
        answer = guard.call(strategy, guard.Case(**named))
        return answer.what if isinstance(answer, guard.Failed) else (answer.decision, answer.memory)
    try:
        decision, after = strategy.decide(*case)
    except Exception as error:  # noqa: BLE001 a strategy is a stranger's code
        return f"{type(error).__name__}: {error}"
    if not isinstance(after, strategy.Memory):
        return f"decide returned memory of type {type(after).__name__}"
    return decision, after


def _guard() -> Any:
    try:
        return import_module("actors.slot.guard")
    except ModuleNotFoundError:  # releases before the call had a guard
        return None


def _judges() -> tuple[Any, Any]:
    """Return this release's own `fault_of` and `strategy_error`."""
    try:
        judge = import_module("actors.slot.answer")
    except ModuleNotFoundError:  # releases before each actor had a package
        judge = import_module("actors.slot_answer")
    return judge.fault_of, judge.strategy_error


def _convert(records: Records, source: int, target: int, name: str, strategy: Any) -> Records:
    """Carry a memory to another layout by the release's own upgrade steps."""
    if source == target:
        return records
    from checkpoints.upgrades import memory_chain

    steps = getattr(strategy, "MEMORY_UPGRADES", ())
    chain = memory_chain(name, strategy.MEMORY_VERSION, steps)
    converted: Records = chain.convert(records, source, target)
    return converted


def attested(root: str, start_seconds: float = 0.0) -> Ready:
    """Say which release this process runs, and which loaded modules are not of it."""
    from pathlib import Path

    from checkpoints.release import attest

    found = attest(Path(root), commit="")
    manifest = found.manifest
    return Ready(
        release=manifest.release,
        fingerprint=manifest.fingerprint,
        problems=found.problems,
        start_seconds=start_seconds,
    )


def write_frame(stream: IO[bytes], data: bytes) -> None:
    stream.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next frame, None at the end; raise `EOFError` within one."""
    head = stream.read(LENGTH_BYTES)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) < LENGTH_BYTES or length > FRAME_BYTES_MAX:
        raise EOFError("a frame's head is cut off or not one")
    data = stream.read(length)
    if len(data) < length:
        raise EOFError("a frame is cut off")
    return data


def serve(root: str, source: IO[bytes], sink: IO[bytes], seconds: Callable[[], float]) -> None:
    """Answer batches until the other side closes; an empty frame asks for the attestation."""
    began = seconds()
    decider = Decider()
    import signals.strategy  # noqa: F401 the imports belong to the start, not to the first answer

    write_frame(sink, msgspec.msgpack.encode(attested(root, seconds() - began)))
    while (data := read_frame(source)) is not None:
        if not data:
            write_frame(sink, msgspec.msgpack.encode(attested(root)))
            continue
        batch = msgspec.msgpack.decode(data, type=Batch)
        began = seconds()
        made = decider.answer(batch)
        answers = Answers(made=made, seconds=seconds() - began)
        write_frame(sink, msgspec.msgpack.encode(answers))


def main() -> None:
    """Serve on the standard streams; what a strategy prints goes to standard error."""
    import time

    sys.path.insert(0, sys.argv[1])
    os.nice(NICENESS)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.argv[1], sys.stdin.buffer, sink, time.process_time)


if __name__ == "__main__":
    main()
