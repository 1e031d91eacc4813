"""What an answer to a redemption's question says, and what it leaves open."""

import re
from http import HTTPStatus
from typing import Final

import httpx
from polymarket.errors import PolymarketError, RateLimitError, RequestRejectedError

from actors.redemption.claim import Claim
from actors.redemption.events import AskFailed, Polled, TransactionState
from actors.runtime import wire_ms
from actors.venue.kinds import hosts_only
from actors.venue.polymarket.relayed import JsonRpcCallError

FAILURES: Final = (PolymarketError, TimeoutError, RecursionError, httpx.HTTPError, ValueError)
"""Answers that say nothing: lost, odd, refused for a reason of the moment."""
UNDER_WAY: Final = re.compile(
    r"does not match on-chain nonce|wallet busy|in-flight action|already known|nonce too low|"
    r"underpriced|already exists|duplicate",
    re.IGNORECASE,
)
"""Words that mean that a transaction of this wallet is or was under way: perhaps this very one."""
IN_DOUBT: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
"""Statuses of a request that may have been taken all the same."""
NODE_FAULT: Final = re.compile(r"time[d ]*out|internal error", re.IGNORECASE)
"""Words of a node that may have passed a transaction on before it failed."""


def surely_refused(error: Exception) -> bool:
    """Tell whether an answer leaves no doubt that nothing was taken."""
    if isinstance(error, JsonRpcCallError):
        return NODE_FAULT.search(str(error)) is None
    if isinstance(error, RateLimitError):
        return True
    if not isinstance(error, RequestRejectedError) or error.status in IN_DOUBT:
        return False
    return HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR


def polled(claim: Claim, state: TransactionState, known: str | None, reason: str) -> Polled:
    return Polled(
        condition_id=claim.condition_id,
        wire_ms=now_ms(),
        state=state,
        transaction_hash=known,
        reason=reason,
    )


def failed(claim: Claim, reason: str) -> AskFailed:
    return AskFailed(condition_id=claim.condition_id, wire_ms=now_ms(), reason=reason)


def now_ms() -> int:
    return int(wire_ms())


def reason_of(error: Exception) -> str:
    """Say an error in words that may be kept: a node's address may hold a token."""
    return f"{type(error).__name__}: {hosts_only(str(error))}"
