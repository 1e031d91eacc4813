"""The whole contract of a strategy, and how one is found by name.

A strategy is a module in `signals/strategies/` with

* ``Memory``: a frozen `msgspec.Struct`, every field with a default. It is checkpointed, upgraded,
  hashed and chained in replay like the rest of a slot's state. Fields that are dictionaries with
  text keys are stored record by record, so that a large memory costs a handoff only what changed.
* ``decide(snapshot, timeframe, position, memory, params) -> (Decision, Memory)``: pure and
  deterministic. Arithmetic uses Python floats and ``math`` (`fsum`), not numpy.
* ``MEMORY_VERSION``: integer, grows with the layout of ``Memory``.

`signals.decision_check.faults` judges what ``decide`` returns.
"""

import contextlib
import difflib
import importlib
import io
import pkgutil
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Protocol, cast

import msgspec

from signals import strategies
from signals.decision import Decision, Position
from signals.market import Timeframe
from signals.params import Params
from signals.snapshot import Snapshot

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


class Strategy(Protocol):
    MEMORY_VERSION: int
    Memory: type[msgspec.Struct]

    def decide(
        self,
        snapshot: Snapshot,
        timeframe: Timeframe,
        position: Position,
        memory: msgspec.Struct,
        params: Params,
    ) -> tuple[Decision, msgspec.Struct]: ...


class StrategyError(Exception):
    """A strategy file cannot be used; its author must mend what the message names."""


def strategy_names() -> tuple[str, ...]:
    """Return the names of all strategies that ship or were added, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(strategies.__path__)))


def load_strategy(name: str) -> Strategy:
    """Import `signals.strategies.<name>` and check its form; raise `StrategyError` otherwise."""
    if not NAME.fullmatch(name):
        raise StrategyError(f"strategy name {name!r}: use lower case letters, digits and _")
    known = strategy_names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        raise StrategyError(
            f"unknown strategy {name!r}; there are {', '.join(known)}; "
            f"the nearest is {near[0] if near else 'none'}"
        )
    with _nothing_said():
        module = _imported(name)
        for fault in _form_faults(module):
            raise StrategyError(f"signals/strategies/{name}.py {fault}")
    return cast("Strategy", module)


def _imported(name: str) -> ModuleType:
    """Import a stranger's code: whatever leaves it but Ctrl-C, also an exit, is its fault."""
    try:
        return importlib.import_module(f"signals.strategies.{name}")
    except KeyboardInterrupt:
        raise
    except SyntaxError as error:
        where = f"line {error.lineno}: {error.msg}: {(error.text or '').strip()}"
        raise StrategyError(f"signals/strategies/{name}.py does not import: {where}") from error
    except BaseException as error:
        what = f"{type(error).__name__}: {text_of(error)}{_line_in(name, error)}"
        raise StrategyError(f"signals/strategies/{name}.py does not import: {what}") from error


def text_of(error: BaseException, write: Callable[[object], str] = str) -> str:
    """Return an exception's text; its own code makes it, and may fail too."""
    try:
        return write(error)
    except Exception:  # noqa: BLE001 a stranger's code
        return "(its text cannot be made)"


class _Nowhere(io.TextIOBase):
    """Takes text and keeps none: what an import hangs on to it, a log handler say, may go on."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def _nothing_said() -> Iterator[None]:
    """Drop what an import prints: stdout belongs to the command that asked."""
    with contextlib.redirect_stdout(_Nowhere()), contextlib.redirect_stderr(_Nowhere()):
        yield


def _line_in(name: str, error: BaseException) -> str:
    """Return `` (line N)`` of the strategy's own file that the error came through, or nothing."""
    trace, found = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(f"strategies/{name}.py"):
            found = f" (line {trace.tb_lineno})"
        trace = trace.tb_next
    return found


def _form_faults(module: ModuleType) -> Iterator[str]:
    for attribute in ("MEMORY_VERSION", "Memory", "decide"):
        if not hasattr(module, attribute):
            yield f"defines no {attribute}"
            return
    version, memory = module.MEMORY_VERSION, module.Memory
    if type(version) is not int or version < 1:
        yield f"has MEMORY_VERSION {version!r}; a whole number from 1 on is needed"
    if not callable(module.decide):
        yield "has a decide that is not a function"
    if isinstance(memory, type) and issubclass(memory, msgspec.Struct):
        yield from _memory_faults(memory)
    else:
        yield "has a Memory that is not a msgspec.Struct"


def _memory_faults(memory: type[msgspec.Struct]) -> Iterator[str]:
    if not memory.__struct_config__.frozen:
        yield "has a Memory that is not frozen: write class Memory(msgspec.Struct, frozen=True)"
    for field in msgspec.structs.fields(memory):
        if field.required:
            yield f"has a Memory whose field {field.name} has no default"
