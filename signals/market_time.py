"""Two clocks. *Wire time* is real; *market time* runs at a speed from an anchor (1 when live)."""

import msgspec


class MarketClock(msgspec.Struct, frozen=True, kw_only=True):
    """Convert between wire and market time, both UTC milliseconds."""

    speed: int = 1
    """Market milliseconds per wire millisecond, 1 .. 3600."""
    anchor_wire_ms: int = 0
    anchor_market_ms: int = 0
    anchor_boot_ms: int = 0
    """Time since the machine's start at the anchor, on the machine that `anchor_boot_id` names."""
    anchor_boot_id: str = ""

    def market_ms(self, wire_ms: float) -> int:
        return self.anchor_market_ms + int((wire_ms - self.anchor_wire_ms) * self.speed)

    def wire_ms(self, market_ms: int) -> float:
        return self.anchor_wire_ms + (market_ms - self.anchor_market_ms) / self.speed
