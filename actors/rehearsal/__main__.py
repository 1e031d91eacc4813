"""`python -m actors.rehearsal PART ROOM`: rehearse one shared actor; the last line is the result.

``ledger`` is no rehearsal: it writes what this release makes of the gateway's log, for another
release to compare with.
"""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from actors.rehearsal.room import RehearsalError, Result

FRAMES_SHOWN: Final = 1


def _gateway(room: Path) -> tuple[str, ...]:
    from actors.rehearsal.gateway import rehearse

    return rehearse(room)


def _ledger(room: Path) -> tuple[str, ...]:
    from actors.rehearsal.gateway_log import write_ledger

    return write_ledger(room)


def _market_data(room: Path) -> tuple[str, ...]:
    from actors.rehearsal.market_data import rehearse

    return rehearse(room)


def _supervisor(room: Path) -> tuple[str, ...]:
    from actors.rehearsal.supervisor import rehearse

    return rehearse(room)


PARTS: Final[dict[str, Callable[[Path], tuple[str, ...]]]] = {
    "gateway": _gateway,
    "ledger": _ledger,
    "market-data": _market_data,
    "supervisor": _supervisor,
}


def play(part: str, room: Path) -> Result:
    """Rehearse one part; whatever it raises is what it failed by."""
    try:
        return Result(failure=None, played=PARTS[part](room))
    except RehearsalError as error:
        return Result(failure=str(error))
    except BaseException as error:  # noqa: BLE001 a release may leave by anything
        where = traceback.extract_tb(error.__traceback__)[-FRAMES_SHOWN:]
        place = "; ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in where)
        return Result(failure=f"{type(error).__name__}: {error} ({place})"[:500])


if __name__ == "__main__":
    result = play(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.write(f"{msgspec.json.encode(result).decode()}\n")
    sys.exit(0 if result.failure is None else 1)
