"""Every answer to a post, a cancel, a heartbeat and a listing: `pytest -s` prints the tables.

The real adapter asks the real sandbox process, whose faults give the answers; what it makes of each
is then given to the gateway's own step.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

import pytest

from actors.gateway.events import BeatDone, CancelDone, PostDone, VenuePolled
from actors.gateway.venue_pause import why_paused
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Accepted, Rejected, SignedOrder, Unavailable, Unknown
from signals.decision import Style
from tests.actors.gateway.builders import Machine
from tests.actors.sandbox import Sandbox, admin, fault, sandbox
from tests.actors.venue.trading import current_market, run, signed

pytestmark = pytest.mark.exchange

TABLES: dict[str, list[tuple[str, str, str]]] = {}


OWN = "the order's own id"
"""Stands in an answer's body for the id of the order that is asked about."""


class Row(NamedTuple):
    """An answer of the venue: the fault that gives it, and what the adapter must make of it."""

    what: str
    wanted: str
    """The port's value, see `named`."""
    kind: str = "status"
    status: int = 200
    body: object = None
    """Of the answer; a text is the body itself, else it is JSON."""
    count: int = 1

    @property
    def lands(self) -> bool:
        """Say whether the request takes effect: then the next row needs another order."""
        return self.kind != "status" or self.what.startswith("401 in passing")


def error(words: str, status: int, wanted: str, **more: object) -> Row:
    return Row(f"{status} {words[:52]}", wanted, status=status, body={"error": words, **more})


def answered(what: str, wanted: str, **body: object) -> Row:
    """Return the venue's 200 to a post, with these fields changed."""
    plain = {
        "success": True,
        "errorMsg": "",
        "orderID": OWN,
        "status": "live",
        "makingAmount": "",
        "takingAmount": "",
        "tradeIDs": [],
        "transactionsHashes": [],
    }
    return Row(f"200 {what}", wanted, body={**plain, **body})


POST_ONLY = "post-only mode: only post-only orders and cancels are allowed"
CANCEL_ONLY = (
    "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
)
DISABLED = "Trading is currently disabled. Check polymarket.com for updates"
BALANCE = "not enough balance / allowance: the balance is not enough -> balance: 5, order amount: 9"
ITEMISED = "balance: 5, sum of active orders: 4, sum of matched orders: 0, order amount: 9"
FAK = "no orders found to match with FAK order. FAK orders are partially filled or killed."
FOK = "order couldn't be fully filled. FOK orders are fully filled or killed."
DEPOSIT = "maker address not allowed, please use the deposit wallet flow"
OLD = "invalid order version, please use the latest clob-client"
DELAYED = "order match delayed due to market conditions"
NOT_READY = "the market is not yet ready to process new orders"

POSTS = (
    answered("live", "Accepted live"),
    answered("matched", "Accepted matched", status="matched", tradeIDs=["t1"]),
    answered("delayed", "Accepted delayed", status="delayed"),
    answered("unmatched after its delay", "Accepted unmatched", success=False, status="unmatched"),
    answered("LIVE, in capitals", "Unknown", status="LIVE"),
    answered("ORDER_STATUS_MATCHED", "Unknown", status="ORDER_STATUS_MATCHED"),
    answered("a status of tomorrow", "Unknown", status="parked"),
    answered("for another order", "Unknown", orderID="0x" + "00" * 32),
    answered("success without an id", "Rejected not_enough_balance", orderID="", errorMsg=BALANCE),
    answered("killed: FAK", "Rejected fak_not_filled", success=False, orderID="", errorMsg=FAK),
    answered("killed: FOK", "Rejected fok_not_filled", success=False, orderID="", errorMsg=FOK),
    Row("200 half an answer", "Unknown", kind="malformed"),
    Row("200 a web page", "Unknown", body="<html>welcome</html>"),
    Row("200 an empty list", "Unknown", body=[]),
    error("order 0x1 is invalid. Duplicated.", 400, "Duplicated"),
    error(
        "order 0x1 is invalid. Price (0.525) breaks minimum tick size rule: 0.01",
        400,
        "Rejected off_tick",
    ),
    error("order 0x1 is invalid. Size (1) lower than the minimum: 5", 400, "Rejected too_small"),
    error(
        "invalid amount for a marketable BUY order ($0.5), min size: 1", 400, "Rejected too_small"
    ),
    error(
        "invalid amounts, the market buy orders maker amount supports 2 decimals",
        400,
        "Rejected invalid_amounts",
    ),
    error(BALANCE, 400, "Rejected not_enough_balance"),
    error(ITEMISED, 400, "Rejected not_enough_balance"),
    error("invalid expiration", 400, "Rejected invalid_expiration"),
    error("invalid nonce", 400, "Rejected invalid_nonce"),
    error("invalid post-only order: order crosses book", 400, "Rejected post_only_would_cross"),
    error(FAK, 400, "Rejected fak_not_filled"),
    error(FOK, 400, "Rejected fok_not_filled"),
    error(NOT_READY, 400, "Rejected market_not_ready"),
    error("the orderbook 71 does not exist", 400, "Rejected market_closed"),
    error(DEPOSIT, 400, "Rejected wallet_not_allowed"),
    error(
        "the order signer address has to be the address of the API KEY",
        400,
        "Rejected signer_not_key",
    ),
    error("the order owner has to be the owner of the API KEY", 400, "Rejected signer_not_key"),
    error("'0x1' address banned", 400, "Rejected account_banned"),
    error("'0x1' address in closed only mode", 400, "Rejected closed_only"),
    error(OLD, 400, "Rejected order_version"),
    error("order_version_mismatch", 400, "Rejected order_version"),
    error("words that nobody knows", 400, "Rejected refused"),
    error(DELAYED, 400, "Unknown"),
    Row("401 in passing, twice", "Accepted live", status=401, body={"error": "x"}, count=2),
    Row("401 that stays", "Rejected unauthorized", status=401, body={"error": "x"}, count=3),
    error("Trading restricted in your region", 403, "Rejected region"),
    error("Unavailable for legal reasons", 451, "Rejected region"),
    error("not found", 404, "Rejected refused"),
    error("timed out", 408, "Unknown"),
    error("the matching engine is restarting", 425, "Unavailable restarting"),
    error("Too Many Requests", 429, "Unavailable rate_limited"),
    error("could not insert order", 500, "Unknown"),
    Row("502 a web page", "Unknown", status=502, body="<html>bad gateway</html>"),
    error(POST_ONLY, 503, "Unavailable post_only", code="post_only_mode", retry_after_seconds=7),
    error(CANCEL_ONLY, 503, "Unavailable cancel_only"),
    error(DISABLED, 503, "Unavailable disabled"),
    error("overloaded", 503, "Unknown"),
    Row("lost before it arrived", "Unknown", kind="drop_request"),
    Row("lost after it was done", "Unknown", kind="drop_answer"),
    Row("done, but told as 500", "Unknown", kind="status_after", status=500),
)

CANCELS = (
    Row("200 all cancelled", "Cancelled 1, kept 0", body={"canceled": [OWN], "not_canceled": {}}),
    Row(
        "200 none: matched already",
        "Cancelled 0, kept 1",
        body={"canceled": [], "not_canceled": {OWN: "order already matched"}},
    ),
    Row(
        "200 none: held for its delay",
        "Cancelled 0, kept 1",
        body={"canceled": [], "not_canceled": {OWN: "order is delayed"}},
    ),
    Row("200 half an answer", "Unknown", kind="malformed"),
    error("Invalid orderID", 400, "Rejected refused"),
    Row("401 in passing", "Cancelled 1, kept 0", status=401, body={"error": "x"}, count=2),
    Row("401 that stays", "Rejected unauthorized", status=401, body={"error": "x"}, count=3),
    error("the matching engine is restarting", 425, "Unavailable restarting"),
    error("Too Many Requests", 429, "Unavailable rate_limited"),
    error("boom", 500, "Unknown"),
    error(DISABLED, 503, "Unavailable disabled"),
    Row("lost before it arrived", "Unknown", kind="drop_request"),
    Row("lost after it was done", "Unknown", kind="drop_answer"),
)

BEATS = (
    Row("200", "Beaten", body={"heartbeat_id": "b"}),
    Row(
        "400 another id",
        "HeartbeatMismatch",
        status=400,
        body={"error_msg": "Invalid Heartbeat ID", "heartbeat_id": "c"},
    ),
    Row("401 in passing", "HeartbeatMismatch", status=401, body={"error": "x"}, count=2),
    Row("401 that stays", "Rejected unauthorized", status=401, body={"error": "x"}, count=3),
    error("the matching engine is restarting", 425, "Unavailable restarting"),
    error("Too Many Requests", 429, "Unavailable rate_limited"),
    error("boom", 500, "Unknown"),
    error(DISABLED, 503, "Unavailable disabled"),
    Row("lost after it was done", "Unknown", kind="drop_answer"),
)

LISTINGS = (
    Row("200 no rows", "listed", body={"data": [], "next_cursor": "LTE="}),
    Row("200 without a list", "Unknown", body={"rows": []}),
    Row("200 pages in a circle", "Unknown", body={"data": [], "next_cursor": "MQ=="}, count=9),
    Row("200 half an answer", "Unknown", kind="malformed"),
    Row("401 in passing", "listed", status=401, body={"error": "x"}, count=2),
    Row("401 that stays", "Unknown", status=401, body={"error": "x"}, count=3),
    error("the matching engine is restarting", 425, "Unknown"),
    error("Too Many Requests", 429, "Unknown"),
    error("boom", 500, "Unknown"),
    Row("lost", "Unknown", kind="drop_request"),
)


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
    """Say an outcome as the tables above do."""
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
