"""How the climb of a live fleet stands, as one line."""

from actors.live.climb_state import Climb, Phase
from actors.live.climb_store import last_climb
from actors.live.risked import usd
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from signals.units import MICRO


def climb_in(storage: LocalStorage) -> str:
    """Say how the newest climb of a storage stands, or that its record cannot be read."""
    try:
        return climb_text(last_climb(storage))
    except CheckpointsError as error:
        return f"climb: {error}"


def climb_text(found: Climb | None) -> str:
    """Say how the newest climb stands."""
    if found is None:
        return "climb: none yet; the first confirmed start makes it"
    if found.phase is Phase.DONE:
        return climb_line(found)
    return f"climb: {found.phase}" + (f": {found.reason}" if found.reason else "")


def climb_line(found: Climb) -> str:
    """Say what a climb proved and cost."""
    cost = f"the round trip cost {usd(max(0, found.cost_micro_usd))} USD"
    if found.held_shares:
        held = found.held_shares / MICRO
        cost = f"{held:g} shares are held until their market settles ({found.reason or 'a rest'})"
    if found.late_shares:
        cost += (
            f"; {found.late_shares / MICRO:g} shares of it were filled all the same and are held"
        )
    return (
        f"climb: done. One far order was placed, seen, cancelled and is gone; "
        f"{found.bought_shares / MICRO:g} shares were bought for {usd(found.bought_micro_usd)} "
        f"USD; {cost}"
    )
