"""What a number in the configuration may be, by key: (lowest, highest), both allowed."""

from collections.abc import Mapping
from typing import Any, Final

from signals.market import CYCLE_MS, DAY_MS

_MICRO_USD_MAX: Final = 1_000_000_000_000
"""One million USD: far above what these markets hold, so a slip of three zeros is refused."""

RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "risk.slot_exposure_micro_usd": (0, _MICRO_USD_MAX),
    "risk.fleet_exposure_micro_usd": (0, _MICRO_USD_MAX),
    "risk.settlement_net_up_micro_usd": (0, _MICRO_USD_MAX),
    "risk.orders_per_minute": (0, 2_400),  # the venue's lowest tier refills 40 a second
    "risk.price_collar_micro_usd": (1_000, 1_000_000),  # one fine tick .. the whole range
    "risk.daily_loss_micro_usd": (0, _MICRO_USD_MAX),
    "risk.repeated_executions": (1, 10_000),
    "risk.order_micro_usd": (0, _MICRO_USD_MAX),
    "timing.cancel_before_close_ms": (0, CYCLE_MS),
    "timing.checkpoint_every_decisions": (1, 1_000),
    "timing.heartbeat_seconds": (0.1, 8),  # the venue cancels all after 10 s of silence
    "timing.post_timeout_seconds": (0.1, 60),
    "timing.clock_skew_limit_ms": (1, 60_000),
    "paper.cash_micro_usd": (1_000_000, _MICRO_USD_MAX),
    "feeds.wire_grace_ms": (0, 60_000),
}
_SLOT_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "allocation_micro_usd": (0, _MICRO_USD_MAX),
}
_FEED_LIMIT: Final = (1, 7 * DAY_MS)


def limits_of(path: str) -> tuple[float, float] | None:
    """Return the range of a dotted key, or None where any value of its type will do."""
    section, _, rest = path.partition(".")
    if section == "slots":
        return _SLOT_RANGES.get(rest.rpartition(".")[2])
    if section == "feeds" and path not in RANGES:
        return _FEED_LIMIT
    return RANGES.get(path)


def within(path: str, value: Any) -> str | None:
    """Return what is allowed if the value is outside its range, else None."""
    if path == "timing.decision_offsets_ms":
        ascending = list(value) == sorted(set(value)) and bool(value)
        inside = all(0 <= offset < CYCLE_MS for offset in value)
        return None if ascending and inside else f"ascending whole numbers in 0 .. {CYCLE_MS - 1}"
    limits = limits_of(path)
    if limits is None or not isinstance(value, int | float):
        return None
    low, high = limits
    return None if low <= value <= high else f"a number in {low:g} .. {high:g}"
