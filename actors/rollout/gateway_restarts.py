"""Whether a gateway starts again and again, by its log: its status shows one moment only."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from actors.gateway.log_file import LOG_FOLDER
from actors.gateway.records import GenerationTaken, decode_record
from checkpoints.errors import CheckpointsError
from checkpoints.log import read_records

WITHIN_MS: Final = 120_000
STARTS_MAX: Final = 2
"""Within that time under one name: one is its beginning, one may be a process that was ended."""
_KIND: Final = b"generation_taken"


def gateway_restarts(root: Path, name: str, now_ms: float) -> str | None:
    """Return what is wrong by the log on the disk, or None."""
    try:
        data = read_records(root / LOG_FOLDER)
        records = [decode_record(each) for each in data if _KIND in each]
    except (CheckpointsError, OSError, ValueError) as error:
        return f"its log cannot be read: {error}"
    return judge_restarts((r for r in records if isinstance(r, GenerationTaken)), name, now_ms)


def judge_restarts(taken: Iterable[GenerationTaken], name: str, now_ms: float) -> str | None:
    starts = sum(each.name == name and now_ms - each.wire_ms < WITHIN_MS for each in taken)
    if starts <= STARTS_MAX:
        return None
    return f"it started {starts} times in the last {WITHIN_MS // 1000} s"
