"""Looks at the account of a live fleet before its start; each problem with its remedy."""

import asyncio
from typing import Final

from rich.console import Console

from actors.config import FleetConfig
from actors.gateway.ledger import Ledger
from actors.live.climb_store import climb_orders
from actors.venue.account_report import AccountReport
from actors.venue.connect import adapter_of
from actors.venue.kinds import VenueKind, kind_of
from actors.venue.port import Rejected, Unknown, reason_of
from actors.venue.preflight import problems
from actors.venue.problem import Needs, Ours, Problem, refused, usd
from checkpoints.storage import LocalStorage
from cluster.audit.log_reading import read_log
from cluster.errors import FleetError
from signals.units import MicroShares

SECONDS: Final = 10.0
"""Wire, for each request."""


def check_account(storage: LocalStorage, fleet: FleetConfig, console: Console) -> None:
    """Say what is wrong with the account; raise `FleetError` where that forbids a start."""
    console.print("looks at the account (a quarter of a minute) ...")
    report = asyncio.run(_report(fleet))
    found = problems(report, needs_of(fleet), ours_in(storage))
    lines = [_line(problem) for problem in found]
    if refused(found):
        raise FleetError("\n".join(("live is refused:", *lines)))
    for line in lines:
        console.print(line)
    if isinstance(report.cash_micro_usd, int):
        console.print(f"the wallet holds {usd(report.cash_micro_usd)}")


def needs_of(fleet: FleetConfig) -> Needs:
    return Needs(
        cash_micro_usd=fleet.risk.fleet_exposure_micro_usd,
        clock_skew_limit_ms=fleet.timing.clock_skew_limit_ms,
    )


def _line(problem: Problem) -> str:
    return f"{problem.says} {problem.remedy}"


async def _report(fleet: FleetConfig) -> AccountReport:
    """Examine the account; a rehearsal's key has just been made, and so are its credentials."""
    adapter = adapter_of(fleet)
    if kind_of(fleet) is VenueKind.REHEARSAL:
        made = await adapter.create_credentials(fleet)
        if isinstance(made, Rejected | Unknown):
            raise FleetError(
                f"the simulated exchange makes no credentials ({reason_of(made)}): start again"
            )
    return await adapter.examine(fleet, SECONDS)


def ours_in(storage: LocalStorage) -> Ours:
    """Return the orders and shares that this storage knows as its own, of fleet and climbs."""
    ledger = read_log(storage).ledger or Ledger()
    orders = [*ledger.orders.values(), *ledger.ended.values()]
    tokens = {(one.condition_id, one.outcome): one.token_id for one in orders}
    shares: dict[str, MicroShares] = {}
    for holding in ledger.holdings.values():
        token = tokens.get((holding.condition_id, holding.outcome))
        if token is not None:
            before = shares.get(token, 0)
            shares[token] = MicroShares(before + max(0, holding.held_shares))
    climbed = climb_orders(storage)
    for placed in climbed:
        shares[placed.token_id] = MicroShares(shares.get(placed.token_id, 0) + placed.shares)
    known = {one.order_id for one in orders} | {one.order_id for one in climbed}
    return Ours(order_ids=frozenset(known), shares=shares)
