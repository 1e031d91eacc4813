"""Say of each asset and series what is recorded and what is invented."""

from cluster.sandbox.model import Provenance
from cluster.sandbox.prices.shapes import candle_open_ms
from cluster.sandbox.prices.source import Prices

SETTLEMENT_NOTE = "the path inside each candle is invented; it touches the candle's four prices"


def provenance(prices: Prices) -> tuple[Provenance, ...]:
    """Return one entry per asset, series and source range."""
    found: list[Provenance] = []
    for asset in prices.assets:
        found += _ranges(asset, "klines", prices.recorded(asset), SETTLEMENT_NOTE)
        found += _taker(asset, prices.recorded(asset))
        found += _ranges(asset, "funding", prices.funding[asset].recorded_range, "")
        series = prices.open_interest[asset]
        gaps = series.gaps()
        note = f"{len(gaps)} gaps of more than ten minutes are bridged" if gaps else ""
        found += _ranges(asset, "open_interest", series.recorded_range, note)
    return tuple(found)


def tape_end_ms(prices: Prices) -> int | None:
    """Return when the last recorded candle ends; None without a tape."""
    ends = [span[1] for asset in prices.assets if (span := prices.recorded(asset)) is not None]
    return max(ends) if ends else None


def _ranges(
    asset: str, series: str, recorded: tuple[int, int] | None, note: str
) -> list[Provenance]:
    if recorded is None:
        return [_generated(asset, series, candle_open_ms(0), None, "no recording of it")]
    low, high = recorded
    return [
        _generated(asset, series, candle_open_ms(0), low, "before the recording"),
        Provenance(
            asset=asset,
            series=series,
            source="tape",
            from_market_ms=low,
            until_market_ms=high,
            note=note,
        ),
        _generated(asset, series, high, None, "after the recording"),
    ]


def _taker(asset: str, recorded: tuple[int, int] | None) -> list[Provenance]:
    """Say that recorded candles carry no taker share and that none is invented for them."""
    if recorded is None:
        return [_generated(asset, "taker_buy", candle_open_ms(0), None, "no recording of it")]
    low, high = recorded
    return [
        _generated(asset, "taker_buy", candle_open_ms(0), low, "before the recording"),
        Provenance(
            asset=asset,
            series="taker_buy",
            source="missing",
            from_market_ms=low,
            until_market_ms=high,
            note="the recording does not say; candles carry none",
        ),
        _generated(asset, "taker_buy", high, None, "after the recording"),
    ]


def _generated(asset: str, series: str, low: int, high: int | None, note: str) -> Provenance:
    return Provenance(
        asset=asset,
        series=series,
        source="generated",
        from_market_ms=low,
        until_market_ms=high,
        note=note,
    )
