"""Does a stream still bring anything new? Judged by the stamps in it, not by its pongs. Pure."""

from typing import Final

import msgspec

from actors.market_data.sources.port import Funding, NextFunding, Value
from signals.market import Asset

SILENT_MS: Final = 15_000
"""Wire without a newer stamp of any asset: the socket hangs, or repeats itself."""
ASSET_SILENT_MS: Final = 60_000
"""Wire without a newer stamp of one asset: its subscription never came to life, or was lost. A coin
that nobody trades for a minute is rare, and a new connection costs little."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    stamp_ms: int
    """The newest, of the exchange."""
    wire_ms: int
    """When it came."""


class StreamWatch(msgspec.Struct, frozen=True, kw_only=True):
    began_ms: int
    """Wire."""
    assets: tuple[Asset, ...]
    heard: dict[Asset, Heard] = {}


def stamp_of(value: Value) -> int | None:
    """Return when the exchange says that this was so; candles say when they opened, not that."""
    if isinstance(value, Funding | NextFunding) or not hasattr(value, "time_ms"):
        return None
    return int(value.time_ms)


def note_value(watch: StreamWatch, value: Value, wire_ms: int) -> StreamWatch:
    stamp_ms = stamp_of(value)
    before = watch.heard.get(value.asset)
    if stamp_ms is None or (before is not None and stamp_ms <= before.stamp_ms):
        return watch
    heard = watch.heard | {value.asset: Heard(stamp_ms=stamp_ms, wire_ms=wire_ms)}
    return msgspec.structs.replace(watch, heard=heard)


def stalled(watch: StreamWatch, wire_ms: int) -> str:
    """Say what stands still; empty: nothing does."""
    newest_ms = max((one.wire_ms for one in watch.heard.values()), default=watch.began_ms)
    if wire_ms - newest_ms > SILENT_MS:
        return f"no newer stamp for {wire_ms - newest_ms} ms"
    for asset in watch.assets:
        heard = watch.heard.get(asset)
        since_ms = watch.began_ms if heard is None else heard.wire_ms
        if wire_ms - since_ms > ASSET_SILENT_MS:
            return f"no newer stamp of {asset} for {wire_ms - since_ms} ms"
    return ""
