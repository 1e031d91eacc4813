"""One page about the fleet: what `status --json` says and the live table shows.

The report is pure over the actors' own statuses: a view has those of their fields that it names.
`ask_report` collects them through a link. What does not answer is in the report as silent, with the
reason: a page always comes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.config import FleetConfig, Mode
from actors.directory import serving
from actors.gateway.status import FenceTable, GatewayStatus
from actors.market_data.status import MarketDataStatus
from actors.messages import FenceRecord
from actors.shared_kind import Kind
from actors.slot.status import AnySlotStatus, SlotNotRunning, SlotStatus
from actors.supervisor.status import SupervisorStatus
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.storage import LocalStorage
from cluster.audit.winnings import Winnings, winnings_of
from cluster.fleet import Call, FleetLink
from cluster.gate.settings import notice
from signals.market import Timeframe, decision_points

STATUS_SECONDS: Final = 5.0
"""Wire. One round of questions; who has not answered by then is shown as silent."""
SILENT: Final = "silent"
SERVING: Final = "serving"
"""Phase of a gateway that has the authority."""
STARTING: Final = "starting"
VACANT: Final = "vacant"


class LastDecisionView(msgspec.Struct, frozen=True, kw_only=True):
    due_ms: int
    journaled_ms: int
    action: str
    reason: str


class CountsView(msgspec.Struct, frozen=True, kw_only=True):
    decisions: int = 0
    missed: int = 0


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    close_ms: int
    up_shares: int
    down_shares: int
    cash_micro_usd: int


class SlotView(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    state: str
    """Phase of the slot machine, or `starting`, `silent` (no answer), `vacant` (never owned)."""
    incarnation: int | None = None
    fence: int | None = None
    release: str | None = None
    commit: str | None = None
    params: str | None = None
    window_open_ms: int | None = msgspec.field(name="window", default=None)
    """Open of the current window, UTC ms of market time."""
    position: tuple[PositionView, ...] = ()
    last_decision: LastDecisionView | None = None
    counts: CountsView = CountsView()
    open_orders: int | None = None
    realized_pnl_micro_usd: int | None = None
    regime: str | None = None


class GatewayView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    phase: str
    trading_state: str | None = None
    trading_reason: str | None = None
    heartbeat_gap_ms_max: int | None = None
    fleet_exposure_micro_usd: int | None = None
    day_realized_micro_usd: int | None = None
    end_counts: dict[str, int] = {}


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    feed: str
    age_ms: int | None
    worst: str
    limit_ms: int
    fresh: bool


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    slots: tuple[SlotView, ...]
    alarms: tuple[Alarm, ...]
    gateway: GatewayView
    feeds: tuple[FeedView, ...]
    supervisor: str
    market_data: str
    trouble: tuple[str, ...]
    market_ms: int
    labels: dict[str, str]
    gate: str = ""
    """How the gate stands, in one line."""
    next_due_ms: int | None = None
    """The fleet's next decision point, market time; None while no actor tells the time."""
    mode: str = Mode.SANDBOX
    """sandbox, paper or live."""
    winnings: Winnings | None = None
    """Of a live fleet: what was redeemed and what is to be."""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; text in place of a status says why there is none."""

    gateway: GatewayStatus | str
    market_data: MarketDataStatus | str
    supervisor: SupervisorStatus | str
    owners: Mapping[str, FenceRecord]
    slots: Mapping[str, AnySlotStatus | str]
    alarms: Sequence[Alarm]


def report(config: FleetConfig, gateway: str, answers: Answers) -> StatusReport:
    """Put the answers on one page."""
    feed = answers.market_data
    trouble = [
        f"{who}: {answer}"
        for who, answer in (
            ("gateway", answers.gateway),
            ("market data", feed),
            ("supervisor", answers.supervisor),
        )
        if isinstance(answer, str)
    ]
    seen = [status.market_ms for status in answers.slots.values() if isinstance(status, SlotStatus)]
    if isinstance(answers.gateway, GatewayStatus):
        seen.append(answers.gateway.market_ms)
        if answers.gateway.phase != SERVING:
            trouble.append(f"gateway: {answers.gateway.phase}; nothing is sent meanwhile")
        trouble += [f"gateway: {sentence}" for sentence in answers.gateway.trouble]
    market_ms = max(seen, default=0)
    return StatusReport(
        slots=tuple(
            slot_view(entry.slot, answers.owners.get(entry.slot), answers.slots.get(entry.slot))
            for entry in config.slots
        ),
        alarms=tuple(answers.alarms),
        gateway=gateway_view(gateway, answers.gateway),
        feeds=() if isinstance(feed, str) else feed_views(feed),
        supervisor=SILENT if isinstance(answers.supervisor, str) else answers.supervisor.phase,
        market_data=SILENT if isinstance(feed, str) else feed.provenance,
        trouble=(*trouble, *(() if isinstance(feed, str) else feed.trouble)),
        market_ms=market_ms,
        mode=config.mode,
        winnings=winnings_of(Path(config.storage)),
        labels=config.labels,
        gate=notice(config),
        next_due_ms=next_due_ms(config, market_ms) if seen else None,
    )


def next_due_ms(config: FleetConfig, market_ms: int) -> int:
    """Return when the next decision is due, by configuration and market time."""
    offsets = config.timing.decision_offsets_ms
    return next(decision_points(Timeframe.M5, offsets, market_ms)).due_ms


def slot_view(slot: str, owner: FenceRecord | None, status: AnySlotStatus | str | None) -> SlotView:
    if owner is None and not isinstance(status, SlotStatus):
        return SlotView(slot=slot, state=VACANT)
    if not isinstance(status, SlotStatus):
        assert owner is not None
        return SlotView(
            slot=slot,
            state=STARTING if isinstance(status, SlotNotRunning) else SILENT,
            incarnation=owner.incarnation,
            fence=owner.fence,
            release=owner.release,
            commit=owner.commit,
            params=owner.params,
        )
    return msgspec.convert(status, SlotView, from_attributes=True)


def gateway_view(name: str, status: GatewayStatus | str) -> GatewayView:
    if isinstance(status, str):
        return GatewayView(name=name, phase=SILENT)
    return msgspec.convert(status, GatewayView, from_attributes=True)


def feed_views(status: MarketDataStatus) -> tuple[FeedView, ...]:
    return msgspec.convert(status.feeds, tuple[FeedView, ...], from_attributes=True)


def ask_report(link: FleetLink, config: FleetConfig, storage: LocalStorage) -> StatusReport:
    """Ask all actors, and report."""
    gateway = serving(storage, Kind.GATEWAY)
    return report(config, gateway, ask_answers(link, storage, STATUS_SECONDS))


def ask_answers(link: FleetLink, storage: LocalStorage, seconds: float) -> Answers:
    """Ask the shared actors at once, then the owners of the slots; each round takes so long."""
    gateway = serving(storage, Kind.GATEWAY)
    shared = link.ask(
        [
            Call(gateway, "status"),
            Call(gateway, "fences"),
            Call(serving(storage, Kind.MARKET_DATA), "status"),
            Call(serving(storage, Kind.SUPERVISOR), "status"),
        ],
        seconds,
    )
    table = _decoded(shared[1], FenceTable)
    owned = {} if isinstance(table, str) else {record.slot: record for record in table.owners}
    names = [f"{record.slot}/{record.incarnation}" for record in owned.values()]
    slots = link.ask([Call(name, "status") for name in names], seconds)
    return Answers(
        gateway=_decoded(shared[0], GatewayStatus),
        market_data=_decoded(shared[2], MarketDataStatus),
        supervisor=_decoded(shared[3], SupervisorStatus),
        owners=owned,
        slots={
            slot: _decoded(answer, AnySlotStatus) for slot, answer in zip(owned, slots, strict=True)
        },
        alarms=[state.alarm for state in AlarmStore(storage).latched()],
    )


def _decoded(answer: bytes | str, kind: Any) -> Any:
    if isinstance(answer, str):
        return answer
    try:
        return msgspec.msgpack.decode(answer, type=kind)
    except msgspec.ValidationError as error:
        return f"answered something else: {error}"
