"""The gateway's recorded log under this release: folded, and compared with another's result."""

from pathlib import Path
from typing import Any, Final

import msgspec

from actors.gateway.fold import fold
from actors.gateway.ledger import Ledger, stored_of
from actors.gateway.records import decode_record
from actors.rehearsal import room as names
from actors.rehearsal.room import RehearsalError
from checkpoints.log import read_records

SHOWN: Final = 120
ADDED: Final = frozenset({"filled_micro_usd"})
"""Fields of the stored state that releases before this one do not have: an older release that is
rehearsed looks for every field that it is given."""


def recorded_ledger(room: Path) -> Ledger:
    """Fold the copied log; an empty ledger where there was none."""
    folder = room / names.LOG
    if not folder.is_dir():
        return Ledger()
    return fold(Ledger(), (decode_record(data) for data in read_records(folder)))


def write_ledger(room: Path) -> tuple[str, ...]:
    """Write what this release makes of the log, in fields that older releases have too."""
    stored = msgspec.json.decode(msgspec.json.encode(stored_of(recorded_ledger(room))))
    (room / names.LEDGER).write_bytes(msgspec.json.encode(_without_added(stored)))
    return ("log folded",)


def _without_added(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _without_added(one) for key, one in found.items() if key not in ADDED}
    if isinstance(found, list):
        return [_without_added(one) for one in found]
    return found


def compare_ledger(room: Path, ledger: Ledger) -> tuple[str, ...]:
    """Compare with the running release's ledger; raise `RehearsalError` naming a difference."""
    data = names.read(room, names.LEDGER)
    if data is None:
        return ("log folded; the running release has no ledger to compare with",)
    running = msgspec.json.decode(data)
    mine = msgspec.json.decode(msgspec.json.encode(stored_of(ledger)))
    found = difference(running, mine, "ledger")
    if found is not None:
        raise RehearsalError(f"the recorded log gives another state: {found}")
    return ("log folded to the same state",)


def difference(running: object, mine: object, where: str) -> str | None:
    """Return the first difference; fields that only the newer release has are none."""
    if isinstance(running, dict) and isinstance(mine, dict):
        for key, value in running.items():
            if key not in mine:
                return f"{where}.{key} is missing"
            found = difference(value, mine[key], f"{where}.{key}")
            if found is not None:
                return found
        return None
    if isinstance(running, list) and isinstance(mine, list) and len(running) == len(mine):
        pairs = enumerate(zip(running, mine, strict=True))
        found_each = (difference(one, other, f"{where}[{i}]") for i, (one, other) in pairs)
        return next((found for found in found_each if found is not None), None)
    if running == mine:
        return None
    return f"{where} is {str(mine)[:SHOWN]}, the running release has {str(running)[:SHOWN]}"
