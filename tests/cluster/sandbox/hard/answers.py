"""Every answer of the venue to a post, a cancel, a heartbeat and a listing, as tables."""

from typing import NamedTuple

OWN = "the order's own id"
"""Stands in an answer's body for the id of the order that is asked about."""


class Row(NamedTuple):
    """An answer of the venue: the fault that gives it, and what the adapter must make of it."""

    what: str
    wanted: str
    """The port's value, as `test_every_answer.named` says it."""
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
