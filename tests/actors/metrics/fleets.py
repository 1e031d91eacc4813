"""A supervisor's state of one slot, with gateway and market data seen, and its figures."""

from typing import Any

import msgspec

from actors.market_data.status import FeedStatus
from actors.metrics.figures import Beside, Disk, figures
from actors.metrics.seen import SeenBefore, see
from actors.supervisor.events import FeedsSeen, GatewaySeen, SlotSeen
from signals.snapshot import Feed
from tests.actors.supervisor.test_shared_watch import feeds, gateway
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, status

Told = dict[str, dict[tuple[str, ...], float]]


def beside(watch: Watch, **fields: Any) -> Beside:
    now = {"unix_seconds": 1.0, "wire_ms": watch.now_ms, "market_ms": watch.now_ms}
    disk = Disk(free_bytes=5, claims=0, audit_due_ms=0)
    return msgspec.structs.replace(
        Beside(**now, disk=disk, next_due_ms=watch.now_ms + 7, warning_bytes=4), **fields
    )


def told(watch: Watch, seen: SeenBefore | None = None, **fields: Any) -> Told:
    """Return the figures by name and labels; one that is told twice is a fault."""
    found: Told = {}
    known = see(SeenBefore(), watch.state) if seen is None else seen
    for figure in figures(watch.state, known, beside(watch, **fields)):
        labels = found.setdefault(figure.name, {})
        assert figure.labels not in labels, figure
        labels[figure.labels] = float(figure.value)
    return found


def whole_fleet() -> Watch:
    """A fleet of one slot of which everything has been seen."""
    watch = Watch()
    watch.live()
    fed = FeedStatus(feed=Feed.CANDLES, age_ms=3, worst="btc", limit_ms=5)
    watch.apply(FeedsSeen, status=feeds(1, feeds=(fed,)))
    seen = gateway(exposure_micro_usd={SLOT: 7_000_000}, cash_micro_usd=9_000_000, listed_age_ms=1)
    watch.apply(GatewaySeen, status=seen)
    slot_says(watch)
    return watch


def slot_says(watch: Watch, **fields: Any) -> None:
    watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=status(watch.now_ms, **fields))
