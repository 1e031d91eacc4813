"""The venue's clock is asked for: against the machine's clock and against the fleet's time."""

import asyncio

from actors.gateway.events import AskTime, TimeSeen
from actors.gateway.venue_calls import VenueCalls
from actors.machine.instant import Instant


class Venue:
    async def server_time_ms(self) -> int:
        return 1_000_000

    async def version(self) -> str:
        return "2"


def seen(wall_ms: float | None) -> TimeSeen:
    """Ask the venue's time while the fleet's stands at 1,000,000 ms."""
    calls = VenueCalls(
        Venue(),  # type: ignore[arg-type]
        lambda: Instant(market_ms=0, wire_exact_ms=1_000_000, monotonic_ms=0),
        lambda: None,
        None if wall_ms is None else lambda: wall_ms,
    )
    event = asyncio.run(calls.perform(AskTime()))
    assert isinstance(event, TimeSeen)
    return event


def test_the_machines_clock_is_read_beside_the_fleets_time() -> None:
    assert seen(970_000.0).wall_ms == 970_000
    assert seen(970_000.0).server_ms == seen(970_000.0).wire_ms == 1_000_000


def test_without_a_clock_of_its_own_the_fleets_time_is_it() -> None:
    assert seen(None).wall_ms is None
