"""Does a stream still bring anything new? Judged by the stamps in it, not by its pongs. Pure."""

from typing import Final

import msgspec

from actors.market_data.sources.port import Candle, Mark, OpenInterest, Trade, Value
from signals.market import Asset

SILENT_MS: Final = 15_000
"""Wire without a newer stamp of any asset: the socket hangs, or repeats itself."""
ASSET_SILENT_MS: Final = 60_000
"""Wire without a newer stamp of one asset: its subscription never came to life, or was lost. A coin
that nobody trades for a minute is rare, and a new connection costs little."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    progress: tuple[int, float]
    """The newest stamp of the exchange, and what was traded of a candle that has no stamp."""
    wire_ms: int
    """When it came."""


class StreamWatch(msgspec.Struct, frozen=True, kw_only=True):
    began_ms: int
    """Wire."""
    assets: tuple[Asset, ...]
    heard: dict[Asset, Seen] = {}


def progress_of(value: Value) -> tuple[int, float] | None:
    """Return what can only grow while a source lives; rates to come have no stamp of now."""
    if isinstance(value, Candle):
        return value.open_time_ms, value.volume
    if isinstance(value, Mark | Trade | OpenInterest):
        return value.time_ms, 0.0
    return None


def note_value(watch: StreamWatch, value: Value, wire_ms: int) -> StreamWatch:
    progress = progress_of(value)
    before = watch.heard.get(value.asset)
    if progress is None or (before is not None and progress <= before.progress):
        return watch
    heard = watch.heard | {value.asset: Seen(progress=progress, wire_ms=wire_ms)}
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
