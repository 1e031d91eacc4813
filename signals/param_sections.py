"""The sections of the parameters: every field with its default, unit and range.

The unit is the `description`; `signals.params` refuses values outside ``ge .. le``. None of the
numbers is fitted: they are round, and say what "full" or "enough" means for a factor. The one place
where an edge could be claimed is `Blend`, and its defaults claim none.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Points = Annotated[float, Meta(ge=0, le=100, description="points")]
Share = Annotated[float, Meta(ge=0, le=1, description="fraction")]
PriceGap = Annotated[float, Meta(ge=-1, le=1, description="USD per share")]
Coefficient = Annotated[float, Meta(ge=-5, le=5, description="logistic coefficient")]
Usd = Annotated[float, Meta(ge=0, le=1_000_000, description="USD")]
Atr = Annotated[float, Meta(ge=0.01, le=20, description="average true ranges")]
Candle = Annotated[int, Meta(ge=2, le=60, description="candles")]
Days = Annotated[int, Meta(ge=1, le=7, description="days")]
LongMs = Annotated[int, Meta(ge=0, le=172_800_000, description="market ms")]


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Maximum points of each factor."""

    pattern: Points = 30.0
    volume: Points = 25.0
    alignment: Points = 20.0
    confluence: Points = 15.0
    positioning: Points = 10.0


class RegimeWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Maximum points of each factor while the regime is `regime_shift`."""

    pattern: Points = 20.0
    volume: Points = 25.0
    alignment: Points = 20.0
    confluence: Points = 15.0
    positioning: Points = 20.0


class PatternParams(msgspec.Struct, frozen=True, kw_only=True):
    """Candlestick patterns of the last five candles, and the recurring intraday shape."""

    atr_candles: Candle = 14
    strong_body_atr: Atr = 0.6
    shape_share: Share = 0.4
    shape_days_min: Days = 4
    shape_t_full: Annotated[float, Meta(ge=0.1, le=20, description="t statistic")] = 3.0


class VolumeParams(msgspec.Struct, frozen=True, kw_only=True):
    """Volume against its time-of-day average, taker pressure, price-volume divergence."""

    ratio_share: Share = 0.4
    taker_share: Share = 0.32
    recent_candles: Candle = 3
    days_min: Days = 3
    ratio_full: Annotated[float, Meta(ge=1.1, le=50, description="times the average")] = 3.0
    pressure_full: Annotated[
        float, Meta(ge=0.01, le=0.5, description="taker-buy share from one half")
    ] = 0.10
    divergence_candles: Candle = 12
    move_full_atr: Atr = 1.0


class AlignmentParams(msgspec.Struct, frozen=True, kw_only=True):
    """Trend direction over five timeframes."""

    fast_candles: Candle = 5
    slow_candles: Candle = 13
    gap_full_atr: Atr = 0.5


class ConfluenceParams(msgspec.Struct, frozen=True, kw_only=True):
    """Levels near the price."""

    band_candles: Candle = 20
    band_deviations: Annotated[float, Meta(ge=0.5, le=5, description="standard deviations")] = 2.0
    swing_side: Annotated[int, Meta(ge=1, le=10, description="candles")] = 2
    reach_atr: Atr = 1.5
    levels_full: Annotated[float, Meta(ge=0.5, le=50, description="weighted levels")] = 4.0


class PositioningParams(msgspec.Struct, frozen=True, kw_only=True):
    """Funding, open interest against price, session."""

    funding_share: Share = 0.5
    funding_full: Annotated[float, Meta(ge=1e-6, le=0.05, description="fraction per interval")] = (
        0.0005
    )
    flip_hold_ms: LongMs = 28_800_000
    interest_look_back_ms: LongMs = 3_600_000
    interest_change_full: Annotated[
        float, Meta(ge=1e-5, le=1, description="fraction of open interest")
    ] = 0.01
    move_full: Annotated[float, Meta(ge=1e-5, le=1, description="fraction of price")] = 0.005
    session_asia: Share = 0.8
    session_europe: Share = 1.0
    session_us: Share = 1.0
    session_weekend: Share = 0.6


class RegimeParams(msgspec.Struct, frozen=True, kw_only=True):
    """When funding flips negative while open interest and price part ways."""

    flip_hold_ms: LongMs = 28_800_000
    interest_change_min: Annotated[
        float, Meta(ge=0, le=1, description="fraction of open interest")
    ] = 0.003
    price_change_min: Annotated[float, Meta(ge=0, le=1, description="fraction of price")] = 0.001
    hold_ms: LongMs = 3_600_000


class PointsParams(msgspec.Struct, frozen=True, kw_only=True):
    """From spread to action.

    mode ``gate``: entry needs `act`, in the spread's own direction; under `flat` no position.
    mode ``blend``: the spread acts only through `blend.factors`.
    """

    mode: Annotated[Literal["gate", "blend"], Meta(description="gate or blend")] = "gate"
    act: Points = 15.0
    flat: Points = 3.0
    available_min: Points = 60.0


class FairParams(msgspec.Struct, frozen=True, kw_only=True):
    """Volatility and look-back of the fair value."""

    candle_half_life: Annotated[float, Meta(ge=1, le=60, description="5m candles")] = 24.0
    candles_min: Candle = 12
    tick_step_ms: Annotated[int, Meta(ge=1_000, le=60_000, description="market ms")] = 5_000
    tick_samples_half: Annotated[
        float, Meta(ge=1, le=10_000, description="tick steps that weigh as much as the candles")
    ] = 60.0
    sigma_floor_bps: Annotated[
        float, Meta(ge=0, le=100, description="basis points per square root of a second")
    ] = 0.1
    opening_tolerance_ms: Annotated[int, Meta(ge=0, le=2_000, description="market ms")] = 0
    closing_gap_ms_max: Annotated[int, Meta(ge=1_000, le=60_000, description="market ms")] = 10_000


class Blend(msgspec.Struct, frozen=True, kw_only=True):
    """logit P(Up) = intercept + mid logit(mid) + fair logit(fair) + factors spread / 100."""

    version: Annotated[int, Meta(ge=1, le=1_000_000, description="of the fitted set")] = 1
    intercept: Coefficient = 0.0
    mid: Coefficient = 1.0
    fair: Coefficient = 0.0
    factors: Coefficient = 0.0
    probability_min: Annotated[float, Meta(ge=1e-6, le=0.2, description="probability")] = 0.005


class GateParams(msgspec.Struct, frozen=True, kw_only=True):
    """Vetoes."""

    spread_max: Annotated[float, Meta(ge=0.001, le=1, description="USD per share")] = 0.06
    time_left_min_ms: Annotated[int, Meta(ge=0, le=900_000, description="market ms")] = 30_000
    depth_min_shares: Annotated[float, Meta(ge=0, le=100_000, description="shares")] = 5.0


class EdgeParams(msgspec.Struct, frozen=True, kw_only=True):
    """Edge after fees that an order needs; resting comes first, taking needs more."""

    rest_min: PriceGap = 0.03
    take_min: PriceGap = 0.05
    exit_cost_max: PriceGap = 0.0
    flat_exit_cost_max: PriceGap = 0.03


class SizingParams(msgspec.Struct, frozen=True, kw_only=True):
    """Fractional Kelly and its caps. Fleet and settlement-time caps are the gateway's."""

    kelly_fraction: Share = 0.25
    allocation_share_max: Share = 0.20
    market_usd_max: Usd = 50.0
    marketable_usd_min: Usd = 1.0
    increase_share_min: Annotated[
        float, Meta(ge=0, le=1, description="fraction of the target worth another order")
    ] = 0.1
