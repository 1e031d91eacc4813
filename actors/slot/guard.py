"""Call a strategy so that nothing of it leaves the call but plain values.

`decide` is a stranger's code. It may raise anything (`SystemExit` too), return anything, keep what
it was given and alter it later, or change the process around it. The call and every look at its
answer happen here, in the strategy's own thread. What comes out is a decision and a memory that
were rebuilt from their bytes, or the words for what went wrong.
"""

from typing import Any, Final

import msgspec

from actors.only_own_files import only_own_files
from actors.slot.answer import plain_decision
from actors.slot.naming import error_name, plain_text, type_name
from actors.slot.surroundings import Surroundings
from signals.decision import Decision, Position
from signals.market import Timeframe
from signals.params import Params
from signals.snapshot import Snapshot
from signals.strategy import Strategy

MEMORY_BYTES_MAX: Final = 32 * 1024 * 1024
"""A checkpoint, a handoff and each restart carry all of it."""
ANSWER_PARTS: Final = 2
"""`decide` returns (decision, memory)."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What `decide` is called with."""

    snapshot: Snapshot
    timeframe: Timeframe
    position: Position
    memory: msgspec.Struct
    params: Params


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    decision: Decision
    memory: msgspec.Struct


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    what: str


def call(strategy: Strategy, case: Case) -> Decided | Failed:
    """Call `decide` once; never raises, whatever it does."""
    try:
        surroundings = Surroundings.now()
        try:
            with only_own_files():
                return _judged(strategy, case, surroundings)
        finally:
            surroundings.restore()
    except BaseException as error:  # noqa: BLE001 SystemExit ends a thread, not a decision
        return Failed(what=error_name(error))


def _judged(strategy: Strategy, case: Case, surroundings: Surroundings) -> Decided | Failed:
    answer: object = strategy.decide(
        case.snapshot, case.timeframe, case.position, _copy(case.memory), case.params
    )
    changed = surroundings.changed()
    if changed:
        return Failed(what=plain_text(f"decide changed {', '.join(changed)}"))
    if not isinstance(answer, tuple) or tuple.__len__(answer) != ANSWER_PARTS:
        return Failed(what=f"decide returned {type_name(answer)}, not (decision, memory)")
    decision = plain_decision(tuple.__getitem__(answer, 0))
    if isinstance(decision, str):
        return Failed(what=decision)
    memory: Any = tuple.__getitem__(answer, 1)
    if not isinstance(memory, strategy.Memory):
        return Failed(what=f"decide returned memory of type {type_name(memory)}")
    return _with_memory(decision, memory, strategy.Memory, case.memory)


def _with_memory(
    decision: Decision, memory: msgspec.Struct, kind: type[msgspec.Struct], before: msgspec.Struct
) -> Decided | Failed:
    try:
        data = msgspec.msgpack.encode(memory)
        if len(data) > MEMORY_BYTES_MAX:
            return Failed(what=f"memory: {len(data)} bytes, at most {MEMORY_BYTES_MAX}")
        rebuilt = msgspec.msgpack.decode(data, type=kind)
    except BaseException as error:  # noqa: BLE001 see `call`
        return Failed(what=f"memory: {error_name(error)}")
    return Decided(decision=decision, memory=_sharing(before, rebuilt))


def _copy(memory: msgspec.Struct) -> msgspec.Struct:
    """Give `decide` a memory of its own: what it alters in place is never the slot's."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=type(memory))


def _sharing(before: msgspec.Struct, after: msgspec.Struct) -> msgspec.Struct:
    """Use the old objects where nothing changed: records are compared by identity first."""
    if type(before) is not type(after):
        return after
    same = {
        name: _shared(getattr(before, name), getattr(after, name))
        for name in after.__struct_fields__
    }
    return msgspec.structs.replace(after, **same)


def _shared(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        merged = {key: _same(old.get(key, _ABSENT), value) for key, value in new.items()}
        return old if _is_same_dict(old, merged) else merged
    return _same(old, new)


_ABSENT: Final = object()
_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode


def _same(old: Any, new: Any) -> Any:
    """Return the old object if it is stored as the new one is: 0 == 0.0 and NaN != NaN are not."""
    if old is _ABSENT:
        return new
    return old if _encode(old) == _encode(new) else new


def _is_same_dict(old: dict[Any, Any], merged: dict[Any, Any]) -> bool:
    return len(old) == len(merged) and all(old.get(key) is value for key, value in merged.items())
