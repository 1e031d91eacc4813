"""The gateway's log, read without touching it: who owned which slot, what its orders came to."""

from typing import Final

import msgspec

from actors.gateway.fold import apply
from actors.gateway.ledger import Ledger
from actors.gateway.lock import CURRENT_FILE, Current
from actors.gateway.records import decode_record
from checkpoints.errors import CheckpointsError
from checkpoints.log import parse_segment
from checkpoints.small_file import from_json
from checkpoints.storage import LocalStorage
from cluster.audit.problem import Problem

LOG: Final = "gateway/log"


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    ledger: Ledger | None
    """None: there is no log that can be read."""
    problems: tuple[Problem, ...] = ()


def read_log(storage: LocalStorage) -> LogView:
    """Fold the newest segment; an append that is under way, or was cut short, is left out.

    Who serves is read first: its start was in the log before it was named.
    """
    current = _current(storage)
    names = [name for name in storage.names(f"{LOG}/") if name.endswith(".log")]
    if not names:
        return _lost("missing", "the gateway's log is gone: owners, orders and fills were in it")
    number = int(names[-1].rpartition("/")[2].removesuffix(".log"))
    try:
        parsed = parse_segment(storage.read(names[-1]), number, names[-1])
        ledger = Ledger()
        for data in (*(() if parsed.base is None else (parsed.base,)), *parsed.records):
            ledger = apply(ledger, decode_record(data))
    except (CheckpointsError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _lost("damaged", str(error))
    except (AssertionError, KeyError) as error:
        return _lost("damaged", f"its records do not follow from each other: {error!r}")
    return LogView(ledger=ledger, problems=_generation(current, ledger))


def _current(storage: LocalStorage) -> Current | Problem:
    try:
        return from_json(storage.read(CURRENT_FILE), Current, CURRENT_FILE)
    except CheckpointsError as error:
        return Problem(kind="missing", subject=CURRENT_FILE, reason=str(error))


def _generation(current: Current | Problem, ledger: Ledger) -> tuple[Problem, ...]:
    if isinstance(current, Problem):
        return (current,)
    if current.generation <= ledger.generation:
        return ()
    said = (
        f"its end is missing: gateway life {current.generation} served, "
        f"the log ends in life {ledger.generation}"
    )
    return (Problem(kind="missing", subject=LOG, reason=said),)


def _lost(kind: str, reason: str) -> LogView:
    return LogView(ledger=None, problems=(Problem(kind=kind, subject=LOG, reason=reason),))
