"""Every answer to a post, a cancel, a heartbeat and a listing: `pytest -s` prints the tables.

The real adapter asks the real sandbox process, whose faults give the answers; what it makes of each
is then given to the gateway's own step.
"""

import json
from collections.abc import Awaitable, Callable, Iterator

import pytest

from actors.gateway.events import BeatDone, CancelDone, PostDone, VenuePolled
from actors.gateway.venue_pause import why_paused
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Accepted, Rejected, SignedOrder, Unavailable, Unknown
from signals.decision import Style
from tests.actors.gateway.builders import Machine
from tests.actors.sandbox import Sandbox, admin, fault, sandbox
from tests.actors.venue.trading import current_market, run, signed
from tests.cluster.sandbox.hard.answers import BEATS, CANCELS, LISTINGS, OWN, POSTS, Row

pytestmark = pytest.mark.exchange

TABLES: dict[str, list[tuple[str, str, str]]] = {}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    calm = ("unauthorized_in_passing", "late_fills", "matched_at_once")
    options = [part for name in calm for part in ("--without", name)]
    with sandbox(tmp_path_factory.mktemp("answers"), *options) as served:
        yield served
        for name, rows in TABLES.items():
            print(f"\n{name:<56} {'the adapter':<30} the gateway")
            for row in rows:
                print(f"{row[0]:<56} {row[1]:<30} {row[2]}")


def named(outcome: object) -> str:
    """Say an outcome as the tables of `answers` do."""
    match outcome:
        case Accepted(status=status):
            return f"Accepted {status}"
        case Rejected(code=code):
            return f"Rejected {code}"
        case Unavailable(kind=kind):
            return f"Unavailable {kind}"
        case tuple():
            return "listed"
        case _ if hasattr(outcome, "cancelled"):
            return f"Cancelled {len(outcome.cancelled)}, kept {len(outcome.not_cancelled)}"
        case _:
            return type(outcome).__name__


def give(exchange: Sandbox, route: str, row: Row, order_id: str) -> None:
    """Have the sandbox answer so, as often as the row says."""
    body = row.body if isinstance(row.body, str) or row.body is None else json.dumps(row.body)
    text = None if body is None else body.replace(OWN, order_id)
    fault(exchange, row.kind, route, count=row.count, body=text, status=row.status)


Ask = Callable[[PolymarketVenue, SignedOrder], Awaitable[object]]
Then = Callable[[object], str]


def compare(
    exchange: Sandbox, name: str, route: str, rows: tuple[Row, ...], ask: Ask, then: Then
) -> None:
    """Give every answer of a table in turn; all that differ are told together."""
    table: list[tuple[str, str, str]] = []

    async def use(venue: PolymarketVenue) -> None:
        order: SignedOrder | None = None
        for row in rows:
            if order is None or row.lands:
                market = await current_market(exchange)
                order = await signed(venue, market, Style.REST, 10_000)
            give(exchange, route, row, order.order_id)
            outcome = await ask(venue, order)
            admin(exchange, "DELETE", "/faults")
            table.append((row.what, named(outcome), then(outcome)))

    run(exchange, use)
    TABLES[name] = table
    wrong = [
        f"{row.what}: {found[1]}, not {row.wanted}"
        for row, found in zip(rows, table, strict=True)
        if found[1] != row.wanted
    ]
    assert not wrong, "\n".join(wrong)


# ---- what the gateway does then ---------------------------------------------------------------


def after_post(outcome: object) -> str:
    """Give the outcome of its first post to the gateway's step, and say what it does."""
    machine = Machine().start()
    order_id = machine.order()
    machine.state.flight.poll_account_soon = False
    machine.apply(PostDone(order_id=order_id, outcome=outcome, **machine.at))  # type: ignore[arg-type]
    ledger, flight = machine.state.ledger, machine.state.flight
    if order_id in ledger.ended:
        return f"ended: {ledger.ended[order_id].end}; the slot decides anew"
    paused = why_paused(flight.pause, machine.wire_ms)
    looks = " and orders and trades are listed at once" if flight.poll_account_soon else ""
    due_ms = flight.posts[order_id].due_wire_ms - machine.wire_ms if flight.posts else 0
    again = f", the same bytes in {due_ms} ms" if due_ms > 0 and not looks else ""
    return f"{ledger.orders[order_id].state}{again}{looks}{'; nothing is bought' * bool(paused)}"


def after_cancel(outcome: object) -> str:
    machine = Machine().start()
    machine.state.flight.poll_account_soon = False
    machine.apply(CancelDone(order_ids=("0x1",), outcome=outcome, **machine.at))  # type: ignore[arg-type]
    paused = why_paused(machine.state.flight.pause, machine.wire_ms)
    return "listed at once, asked again in 1 s while it is open" + "; nothing is bought" * bool(
        paused
    )


def after_beat(outcome: object) -> str:
    machine = Machine().start()
    machine.tick()
    machine.apply(BeatDone(outcome=outcome, **machine.at))  # type: ignore[arg-type]
    due_ms = machine.state.flight.beat_due_wire_ms - machine.wire_ms
    paused = why_paused(machine.state.flight.pause, machine.wire_ms)
    return f"the next one in {max(0, due_ms)} ms" + "; nothing is bought" * bool(paused)


def after_listing(outcome: object) -> str:
    """Give it twice, half a minute after the last one that could be read."""
    machine = Machine().start()
    machine.wire_ms += 31_000
    trades = () if isinstance(outcome, tuple) else Unknown(reason="not listed either")
    for _ in range(2):
        polled = VenuePolled(
            orders=outcome,  # type: ignore[arg-type]
            trades=trades,
            started_wire_ms=machine.wire_ms,
            **machine.at,
        )
        machine.apply(polled)
    told = any(key.startswith("listing_unreadable") for key in machine.state.flight.alarmed)
    return "no order ends by it; listed again; an alarm after 30 s" if told else "compared"


def test_every_answer_to_a_post(exchange: Sandbox) -> None:
    async def ask(venue: PolymarketVenue, order: SignedOrder) -> object:
        return await venue.post(order)

    compare(exchange, "the answer to a post", "POST /clob/order", POSTS, ask, after_post)


def test_every_answer_to_a_cancel(exchange: Sandbox) -> None:
    async def ask(venue: PolymarketVenue, order: SignedOrder) -> object:
        await venue.post(order)
        return await venue.cancel([order.order_id])

    compare(exchange, "the answer to a cancel", "DELETE /clob/orders", CANCELS, ask, after_cancel)


def test_every_answer_to_a_heartbeat(exchange: Sandbox) -> None:
    async def ask(venue: PolymarketVenue, _order: SignedOrder) -> object:
        return await venue.heartbeat("a")

    route = "POST /clob/v1/heartbeats"
    compare(exchange, "the answer to a heartbeat", route, BEATS, ask, after_beat)


def test_every_answer_to_a_listing(exchange: Sandbox) -> None:
    async def ask(venue: PolymarketVenue, _order: SignedOrder) -> object:
        return await venue.open_orders()

    compare(
        exchange, "the answer to a listing", "GET /clob/data/orders", LISTINGS, ask, after_listing
    )
