"""The strategy that the handoff bench rolls: a state of N records, one new with each decision."""

NAME = "bench_carrier"
EDITED = ("VERSION_SHOWN = 1", "VERSION_SHOWN = 2")
"""The one-number change that each roll carries; it is turned back for the roll after."""
_SOURCE = '''"""Carries a state of many records; trades nothing."""

import msgspec

from signals.decision import Action, Decision, Position
from signals.market import Timeframe
from signals.params import Params
from signals.snapshot import Snapshot

MEMORY_VERSION = 1
RECORDS = {records}
VERSION_SHOWN = 1


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    seen: dict[str, tuple[int, float, str]] = {{}}


def decide(
    snapshot: Snapshot, timeframe: Timeframe, position: Position, memory: Memory, params: Params
) -> tuple[Decision, Memory]:
    seen = memory.seen or {{str(n): (n, n / 7, "carried") for n in range(RECORDS)}}
    key = str(snapshot.due_ms // 1000 % RECORDS)
    seen = seen | {{key: (snapshot.due_ms, 0.5, "decided")}}
    decision = Decision(
        action=Action.NO_TRADE, reason=f"carrier {{VERSION_SHOWN}}", probability_up=0.5
    )
    return decision, Memory(seen=seen)
'''


def source(records: int) -> str:
    return _SOURCE.format(records=records)
