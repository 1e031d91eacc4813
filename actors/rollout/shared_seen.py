"""What a shared actor's status says of it, beside what its files say. Pure."""

from typing import Any, Final, assert_never

from actors.gateway.authority.machine import STANDING_BY as GATEWAY_STANDS_BY
from actors.gateway.status import GatewayStatus
from actors.market_data.status import MarketDataStatus
from actors.market_data.turn_worker import SERVING
from actors.market_data.turn_worker import STANDING_BY as MARKET_DATA_STANDS_BY
from actors.rollout.replacement.events import Seen
from actors.shared_kind import Kind
from actors.supervisor.actor import STANDING_BY as SUPERVISOR_STANDS_BY
from actors.supervisor.status import SupervisorStatus
from checkpoints.process_id import ProcessId

WATCHES: Final = frozenset({"starting", "watching"})
STATUS: Final[dict[Kind, Any]] = {
    Kind.SUPERVISOR: SupervisorStatus,
    Kind.MARKET_DATA: MarketDataStatus,
    Kind.GATEWAY: GatewayStatus,
}


def life_of(status: SupervisorStatus | MarketDataStatus | GatewayStatus) -> str:
    if isinstance(status, MarketDataStatus):
        return status.life
    return ProcessId(pid=status.pid, start=status.process_start).life


def seen_of(
    status: SupervisorStatus | MarketDataStatus | GatewayStatus, outside: str, *, named: bool
) -> Seen:
    """Judge a status; `outside`: the release of the folder that the process runs in."""
    says = status.release
    release = says if says == outside else f"{says or 'nothing'}, its files are {outside[:12]}"
    match status:
        case SupervisorStatus(phase=phase):
            stands_by, serves = phase == SUPERVISOR_STANDS_BY, phase in WATCHES
            gap_ms = 0
        case MarketDataStatus(phase=phase, feeds=feeds):
            fresh = all(feed.fresh for feed in feeds)
            stands_by, serves = phase == MARKET_DATA_STANDS_BY and fresh, phase == SERVING
            gap_ms = 0
        case GatewayStatus(phase=phase, heartbeat_gap_ms_max=gap_ms):
            stands_by = phase == GATEWAY_STANDS_BY
            serves = phase == "serving" and status.heartbeat_age_ms is not None
        case _:
            assert_never(status)
    return Seen(
        phase=phase,
        release=release,
        ready=stands_by,
        serves=serves and named,
        heartbeat_gap_ms=gap_ms,
    )
