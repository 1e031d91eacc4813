"""Which inputs a paper fleet's decisions lacked, by the exchange that served their asset."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec

from actors.market_data.sources.records import SWITCHES
from actors.market_data.sources.selection import SourceSwitch
from checkpoints.storage import Storage
from signals.snapshot import Feed, Snapshot
from tests.stored_decisions import stored_decisions

Served = dict[str, list[tuple[int, str]]]
"""Asset -> market time and source of each switch, oldest first."""


def lacking(storage: Storage, slots: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each source: decisions, how many were complete, what the others lacked."""
    served = switches(storage)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for _, _, snapshot in stored_decisions(storage, slots):
        lacks = ", ".join(stale(snapshot)) or "complete"
        found[source_at(served[str(snapshot.asset)], snapshot.taken_ms)][lacks] += 1
    for source, counts in sorted(found.items(), key=lambda one: -one[1].total()):
        reasons = "; ".join(f"{count} {lacks}" for lacks, count in counts.most_common())
        yield f"{source:<14} {counts.total():>5} decisions: {reasons}"


def switches(storage: Storage) -> Served:
    found: Served = defaultdict(list)
    for name in storage.names(f"{SWITCHES}/"):
        one = msgspec.msgpack.decode(storage.read(name), type=SourceSwitch)
        found[str(one.asset)].append((one.market_ms, str(one.source)))
    return {asset: sorted(rows) for asset, rows in found.items()}


def source_at(rows: list[tuple[int, str]], market_ms: int) -> str:
    place = bisect_right([at for at, _ in rows], market_ms)
    return rows[max(0, place - 1)][1]


def stale(snapshot: Snapshot) -> Iterator[str]:
    if not snapshot.markets:
        yield "no market"
    for feed in Feed:
        age = snapshot.age(feed)
        if not age.fresh:
            yield f"{feed} ({age.fault})" if age.fault else f"stale {feed}"
