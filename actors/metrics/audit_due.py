"""When the next daily audit is due. Pure.

The fleet's watcher makes it. One that is dead or hangs raises no alarm; what counts is the record.
"""

from collections.abc import Sequence
from typing import Final

from actors.config import FleetConfig
from signals.market import DAY_MS, day_start_ms

MS_PER_MINUTE: Final = 60_000


def audit_due_ms(config: FleetConfig, audited: Sequence[str], since: str | None) -> int | None:
    """Return the market time at which the next audit is due; None: none is expected.

    `audited`: days with a record, oldest first; `since`: the first day that is owed one. None is
    expected where audits are off, where nobody has begun to make them, and where market time runs
    faster than audits can.
    """
    minutes = config.daily_audit.minutes
    if minutes is None or config.clock.speed != 1:
        return None
    owed_ms = [day_start_ms(day) + DAY_MS for day in audited[-1:]]
    owed_ms += [day_start_ms(since)] if since else []
    return max(owed_ms) + DAY_MS + minutes * MS_PER_MINUTE if owed_ms else None
