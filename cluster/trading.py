"""Reduce or resume trading through the gateway; `cluster.halting` stops it."""

from collections.abc import Callable
from typing import Final

from actors.directory import serving
from actors.gateway.lock import HALT_FILE, halt_reason
from actors.messages import TradingState
from actors.shared_kind import Kind
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.fleet import Call, FleetLink, ask_one
from cluster.halting.ask_gateway import set_state
from cluster.halting.halt import TradingSet

SET_SECONDS: Final = 10.0

Join = Callable[[], FleetLink]


def reduce(storage: LocalStorage, join: Join, reason: str) -> TradingSet:
    """Take only orders that lower exposure; refused while a halt is in force."""
    halted = halt_reason(storage.root)
    if halted is not None:
        raise FleetError(
            f"trading is halted ({halted}) and stays halted; to reduce instead: "
            "`midstride trading resume`, then `midstride trading reduce`"
        )
    set_state(join(), storage, TradingState.REDUCING, reason, SET_SECONDS)
    return TradingSet(state=TradingState.REDUCING, by_gateway=True)


def resume(storage: LocalStorage, join: Join, reason: str) -> TradingSet:
    """Trade again: the HALT file goes once the gateway is known to answer."""
    link = join()
    ask_one(link, Call(serving(storage, Kind.GATEWAY), "status"), SET_SECONDS)
    storage.delete(HALT_FILE)
    set_state(link, storage, TradingState.ACTIVE, reason, SET_SECONDS)
    return TradingSet(state=TradingState.ACTIVE, by_gateway=True)
