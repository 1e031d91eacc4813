"""What every report says beside its answer: which part of the record cannot be trusted."""

import datetime as dt
from collections.abc import Sequence

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the record that cannot be trusted; what depends on it is left out."""

    kind: str
    """``damaged``, ``missing_rows``, ``clock_backwards``, ``missing`` or ``altered``."""
    subject: str
    reason: str


def rows_text(first: int, last: int) -> str:
    return f"row {first}" if first == last else f"rows {first} to {last}"


def events_text(first: int, last: int) -> str:
    return f"order event {first}" if first == last else f"order events {first} to {last}"


def points_text(due_ms: Sequence[int]) -> str:
    """Name decision points by their market time."""
    first, last = point_text(due_ms[0]), point_text(due_ms[-1])
    if len(due_ms) == 1:
        return f"the decision point {first}"
    return f"{len(due_ms)} decision points from {first} to {last}"


def point_text(time_ms: int) -> str:
    return dt.datetime.fromtimestamp(time_ms / 1_000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
