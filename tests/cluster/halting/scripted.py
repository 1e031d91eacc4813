"""A venue whose answers a test writes beforehand, and a gateway that answers as it is told."""

from collections.abc import Callable, Sequence
from pathlib import Path

from actors.config import FleetConfig
from actors.venue.answers import OddRow
from actors.venue.port import (
    Cancelled,
    CancelOutcome,
    NotCancelled,
    Unavailable,
    UnavailableKind,
    Unknown,
    VenueOrder,
)
from cluster.halting.ask_gateway import Asked, Silent
from cluster.halting.halt import HaltPorts, TradingSet
from cluster.halting.proof import Proof
from cluster.halting.venue_side import Limits
from signals.market import Side
from signals.units import MicroShares, PriceMicroUsd
from tests.cluster.config.test_config import read

DELAYED = "order is delayed and cannot be canceled yet"


def order(name: str) -> VenueOrder:
    return VenueOrder(
        order_id=name,
        condition_id="condition",
        token_id="1",
        side=Side.BUY,
        price=PriceMicroUsd(500_000),
        shares=MicroShares(5_000_000),
        filled_shares=MicroShares(0),
        status="LIVE",
        created_wire_ms=0,
    )


class ScriptedVenue:
    """Cancels what is open, unless a script says how the next cancels are answered."""

    def __init__(self, *names: str) -> None:
        self.open = list(names)
        self.delayed: dict[str, int] = {}
        """Orders that the venue holds back, and for how many cancels more."""
        self.late: list[list[str]] = []
        """Orders that arrive behind each cancel."""
        self.cancels: list[CancelOutcome] = []
        self.listings: list[Unknown] = []
        self.odd: tuple[OddRow, ...] = ()
        self.most_at_once: int | None = None
        self.asked: list[Sequence[str] | None] = []
        self.closed = False

    async def cancel_all(self) -> CancelOutcome:
        self.asked.append(None)
        if self.cancels:
            return self.cancels.pop(0)
        if self.most_at_once is not None and len(self.open) > self.most_at_once:
            return Unavailable(kind=UnavailableKind.RATE_LIMITED, retry_after_ms=1)
        return self._cancelled(list(self.open))

    async def cancel(self, order_ids: Sequence[str]) -> CancelOutcome:
        self.asked.append(order_ids)
        if self.cancels:
            return self.cancels.pop(0)
        return self._cancelled([name for name in order_ids if name in self.open])

    def _cancelled(self, names: list[str]) -> Cancelled:
        self.open = [name for name in self.open if name not in names]
        held = tuple(NotCancelled(order_id=name, reason=DELAYED) for name in self.delayed)
        self.delayed = {name: left - 1 for name, left in self.delayed.items() if left > 1}
        self.open += self.late.pop(0) if self.late else []
        return Cancelled(cancelled=tuple(names), not_cancelled=held)

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown:
        if self.listings:
            return self.listings.pop(0)
        return tuple(order(name) for name in self.open)

    def odd_rows(self) -> tuple[OddRow, ...]:
        return self.odd

    async def close(self) -> None:
        self.closed = True


class ScriptedGateway:
    def __init__(self, said: Asked | None = None) -> None:
        self.said = said or Silent(reason="silent")
        self.reasons: list[str] = []
        self.waited = 0

    def start(self, reason: str) -> None:
        self.reasons.append(reason)

    def answer(self) -> Asked:
        self.waited += 1
        return self.said


def ports(
    venue: ScriptedVenue,
    gateway: ScriptedGateway | None = None,
    *,
    told: list[str] | None = None,
    end_fleet: Callable[[], None] = lambda: None,
    prove_s: float = 30.0,
) -> HaltPorts:
    async def opens() -> ScriptedVenue:
        return venue

    return HaltPorts(
        gateway=gateway or ScriptedGateway(),
        end_fleet=end_fleet,
        tell=(told if told is not None else []).append,
        open_venue=opens,  # type: ignore[arg-type] only what a halt asks is there
        first_cancel=lambda: Unknown(reason="not asked here"),
        limits=Limits(prove_s=prove_s),
    )


def config(folder: Path) -> FleetConfig:
    return read(folder, 'mode = "sandbox"')


def proof_in(done: TradingSet) -> Proof:
    assert done.proof is not None
    return done.proof
