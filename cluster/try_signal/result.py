"""What a tape run found, as values; `msgspec.json.encode` makes the ``--json`` output of it."""

import msgspec

from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd


class TriedDecision(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    window_open_ms: int
    due_ms: int
    action: str
    reason: str
    probability_up: float | None
    market_mid_up: float | None
    fair_up: float | None
    spread_points: float | None
    winner: Outcome | None
    """None where the tape ends or has a gap before the settlement."""


class TriedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One fill in the model market."""

    slot: str
    window_open_ms: int
    due_ms: int
    side: Side
    outcome: Outcome
    style: str
    price: PriceMicroUsd
    shares: MicroShares
    fee_micro_usd: MicroUsd


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the reliability table."""

    low: float
    high: float
    forecasts: int
    mean_forecast: float
    share_up: float
    share_up_low: float | None = None
    """95 % interval of the share, by settlement times; None where there are too few of them."""
    share_up_high: float | None = None


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How good a probability was. Lower is better; 0.693 and 0.250 is a coin."""

    name: str
    forecasts: int
    windows: int
    settlement_times: int
    """Windows that settle together are nearly one observation."""
    log_loss: float
    brier: float
    reliability: tuple[Bin, ...]
    beats_market: float | None = None
    """Market's log-loss minus this one's, on the same decisions; above 0 is better."""
    beats_market_low: float | None = None
    """95 % interval of that; if it holds 0, nothing is shown."""
    beats_market_high: float | None = None


class TryResult(msgspec.Struct, frozen=True, kw_only=True):
    signal: str
    params: str
    source: str
    model: str
    """What of the tape is a model, and what that means for the profit."""
    first_due_ms: int
    last_due_ms: int
    decisions: tuple[TriedDecision, ...]
    trades: tuple[TriedTrade, ...]
    orders: int
    pnl_micro_usd: MicroUsd
    calibration: tuple[Calibration, ...]
    decide_ms_mean: float
    decide_ms_max: float
    lacking: dict[str, int] = {}
    """Input -> decision points at which the tape had nothing fresh of it; decided without."""
    points: int = 0
    """Decision points of all assets, for `lacking`."""
    not_on_tape: tuple[str, ...] = ()
    """Slots whose asset the tape does not hold."""
    configuration: str = ""
    """The file whose slots, parameters and capital were tried."""
    schema: int = 1


class SlotTried(msgspec.Struct, frozen=True, kw_only=True):
    """What one slot did, as it comes back from the process that ran it."""

    decisions: tuple[TriedDecision, ...]
    trades: tuple[TriedTrade, ...]
    orders: int
    pnl_micro_usd: int
    decide_seconds: tuple[float, ...]


class AssetTried(msgspec.Struct, frozen=True, kw_only=True):
    slots: tuple[SlotTried, ...]
    lacking: dict[str, int]
    points: int
