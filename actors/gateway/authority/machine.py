"""The machine of the gateway's authority: its table, its beginning, the check before each act."""

from typing import Final

from actors.gateway.authority import leaving, serving, waiting
from actors.gateway.authority.effects import Effect, ReadHeir
from actors.gateway.authority.events import ENDED, POINTS_ON, Authority, Phase
from actors.machine.rows import Table
from actors.machine.vocabulary import At

STANDING_BY: Final = "standing by"
"""Phase of one that is connected to the venue and waits to be named."""
SERVING: Final = "serving"
TABLE: Final[Table[Authority, Effect]] = Table(*waiting.ROWS, *serving.ROWS, *leaving.ROWS)


def begin(
    name: str, fleet: str, storage: str, at_ms: float
) -> tuple[Authority, tuple[Effect, ...]]:
    return Authority(name=name, fleet=fleet, storage=storage, since_ms=at_ms), (ReadHeir(),)


def step(state: Authority, event: At) -> tuple[Authority, tuple[Effect, ...]]:
    return TABLE.step(state, event)


def why_not_act(generation: int, stored: int, *, lock_held: bool) -> str | None:
    """Return why this process may write to the log or post an order, None where it may."""
    if not lock_held:
        return "this process does not hold the gateway's lock"
    if stored != generation:
        return "another gateway has taken over"
    return None


def phase_text(state: Authority) -> str:
    """Say the phase as people and other actors read it in the status."""
    match state.phase:
        case phase if phase in POINTS_ON:
            return f"moved to {state.to}"
        case Phase.SERVING | Phase.EMPTYING:
            return SERVING
        case Phase.HALTING | Phase.HALTED:
            return f"damaged: {state.reason}"
        case phase if phase in ENDED:
            return f"refused: {why_refused(state)}"
        case Phase.STANDING_BY | Phase.LOOKING if state.connected and not state.holder:
            return STANDING_BY
        case _:
            doing = _doing(state)
            return f"starting: {doing}" if doing else "starting"


def why_refused(state: Authority) -> str:
    """Say why one that has ended answers nothing."""
    return state.reason if state.phase is Phase.REFUSED else "the gateway has stopped"


def _doing(state: Authority) -> str:
    match state.phase:
        case Phase.READING:
            return "reads the log"
        case Phase.CONNECTING | Phase.PREPARING:
            return "connects to the venue"
        case Phase.AWAITING_VENUE | Phase.STANDING_BY:
            return f"waits for the venue: {state.reason}"
        case Phase.RECONCILING | Phase.PUBLISHING:
            return "compares orders and trades with the venue"
        case _ if state.holder:
            return f"waits for {state.holder} to release the authority"
        case _:
            return state.reason
