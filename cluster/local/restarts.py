"""When the watcher starts what died again: at once, then with growing waits, then not any more."""

from enum import StrEnum
from typing import Final

import msgspec

from actors.machine.backoff import Backoff

PAUSES: Final = Backoff(first_ms=5_000, most_ms=120_000, factor=3)
"""Before the second, third, ... restart within the window: what dies again at once is ill."""
WINDOW_SECONDS: Final = 1_800.0
RESTARTS_MAX: Final = 5
"""In one window. What died five times in half an hour needs a person."""


class Action(StrEnum):
    NOTHING = "nothing"
    WAIT = "wait"
    RESTART_EXCHANGE = "restart the exchange"
    RESTART_FLEET = "restart the fleet"
    GIVE_UP = "give up"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    fleet_lives: bool
    """The head lives and the launch on it came to its end."""
    exchange_lives: bool


def next_action(seen: Seen, restarts_s: tuple[float, ...], now_s: float) -> Action:
    """Decide from what lives and when restarts were begun, on a clock that only goes forward.

    A dead head takes all actors with it, and a launch that failed left some of them out; so the
    fleet comes first, and its restart covers a dead exchange.
    """
    if seen.fleet_lives and seen.exchange_lives:
        return Action.NOTHING
    recent = [at_s for at_s in restarts_s if now_s - at_s < WINDOW_SECONDS]
    if len(recent) >= RESTARTS_MAX:
        return Action.GIVE_UP
    if recent and now_s - recent[-1] < PAUSES.wait_s(len(recent)):
        return Action.WAIT
    return Action.RESTART_EXCHANGE if seen.fleet_lives else Action.RESTART_FLEET
