"""Steps of shared actors and of their replacement at which faults are aimed."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from actors.gateway.authority.events import Phase as Gateway
from actors.market_data.turn import Phase as MarketData
from actors.rollout.replacement.events import SharedStep
from actors.shared_kind import Kind
from actors.supervisor.turn_machine import Phase as Supervisor

StepOf = tuple[str, str]
"""Machine and phase."""
REPLACEMENT: Final = "replacement"
NOT_AIMED: Final[dict[str, frozenset[StrEnum]]] = {
    Kind.GATEWAY: frozenset(
        {
            *(Gateway.HALTING, Gateway.HALTED, Gateway.REFUSED),  # a damaged log, a second fleet
            *(Gateway.EMPTYING, Gateway.ENDING, Gateway.STOPPED),  # the fleet's orderly stop
            Gateway.GONE,
        }
    ),
    Kind.SUPERVISOR: frozenset({Supervisor.RECLAIMING, Supervisor.GONE, Supervisor.FAULTY}),
    Kind.MARKET_DATA: frozenset({MarketData.GONE, MarketData.FAULTY}),
    REPLACEMENT: frozenset({SharedStep.DONE, SharedStep.FAILED, SharedStep.STUCK}),
}
"""Ends, and what nothing in the simulation leads to: only the tables' walks reach these."""


def _of(kind: str, phases: Iterable[StrEnum]) -> tuple[StepOf, ...]:
    return tuple((str(kind), str(each)) for each in phases if each not in NOT_AIMED[kind])


SUCCESSION_STEPS: Final = (
    *_of(Kind.GATEWAY, Gateway),
    *_of(Kind.SUPERVISOR, Supervisor),
    *_of(Kind.MARKET_DATA, MarketData),
    *_of(REPLACEMENT, SharedStep),
)
