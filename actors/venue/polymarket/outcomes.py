"""What the SDK's answers and errors mean, as the port's values.

The rule: *accepted* and *refused* are only what the venue said in words this code knows. All else
(a lost connection, a late answer, a 5xx, a status never seen) is `Unknown`.
"""

from http import HTTPStatus
from typing import Final

from polymarket.errors import (
    PolymarketError,
    RateLimitError,
    RequestRejectedError,
    SigningError,
    UserInputError,
)
from polymarket.models.clob.order_response import AcceptedOrder, OrderResponse

from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Duplicated,
    PostOutcome,
    Rejected,
    Unavailable,
    UnavailableKind,
    Unknown,
    Unsignable,
)

RETRY_AFTER_MS: Final = {
    UnavailableKind.RESTARTING: 2_000,
    UnavailableKind.POST_ONLY: 5_000,
    UnavailableKind.CANCEL_ONLY: 10_000,
    UnavailableKind.DISABLED: 10_000,
    UnavailableKind.RATE_LIMITED: 1_000,
}
"""Used where the venue names no time. A restart lasts about 90 s, post-only mode 2 minutes."""
RETRY_AFTER_MS_MAX: Final = 60_000
"""A longer advice is cut to this, so that a broken header cannot silence a slot."""

REJECT_TEXTS: Final = (
    ("breaks minimum tick size", "off_tick"),
    ("lower than the minimum", "too_small"),
    ("not enough balance", "not_enough_balance"),
    ("balance is not enough", "not_enough_balance"),
    ("allowance is not enough", "not_enough_balance"),
    ("sum of active orders", "not_enough_balance"),
    ("invalid expiration", "invalid_expiration"),
    ("order crosses book", "post_only_would_cross"),
    ("FOK orders are fully filled", "fok_not_filled"),
    ("no orders found to match with FAK", "fak_not_filled"),
    ("not yet ready to process", "market_not_ready"),
    ("maker address not allowed", "wallet_not_allowed"),
    ("invalid amount for a marketable", "too_small"),
    ("order_version_mismatch", "order_version"),
    ("invalid order version", "order_version"),
    ("invalid amounts", "invalid_amounts"),
    ("restricted in your region", "region"),
    ("legal reasons", "region"),
    ("address of the API KEY", "signer_not_key"),
    ("owner of the API KEY", "signer_not_key"),
    ("invalid nonce", "invalid_nonce"),
    ("closed only", "closed_only"),
    ("closed-only", "closed_only"),
    ("banned", "account_banned"),
    ("min size: $1", "too_small"),
    ("nvalid api key", "unauthorized"),
    ("does not exist", "market_closed"),
)
"""The venue's words (a part of them) and the code of `actors.venue.reject_codes`."""

DELAYED_TEXT: Final = "order match delayed"
"""Comes as an error, but the order may be held for its delay: look it up."""
DUPLICATED_TEXT: Final = "Duplicated"
DISABLED_TEXT: Final = "trading is currently disabled"
"""With 503: neither orders nor cancels are taken. The SDK has no name for it."""
SDK_UNREADABLE: Final = "failed with status"
"""In the SDK's words for a body that is no error object: it might have meant "Duplicated"."""
SDK_NO_MESSAGE: Final = "Unknown order failure"
"""What the SDK writes where the venue gave no error text."""
ADVICE_MS_PER_S: Final = 1_000


def post_outcome_of_response(response: OrderResponse, order_id: str) -> PostOutcome:
    """Read an answer with status 200; `order_id` is what was posted."""
    if isinstance(response, AcceptedOrder):
        if response.order_id.lower() != order_id.lower():
            return Unknown(reason=f"the venue answered for another order: {response.order_id}")
        return Accepted(status=AcceptedStatus(response.status), order_id=response.order_id)
    if DUPLICATED_TEXT in response.message:
        return Duplicated()
    if response.code == "post_only_mode":
        return unavailable(UnavailableKind.POST_ONLY, None)
    known = _code_of_text(response.message)
    if response.code == "unmatched" and known is None and response.message == SDK_NO_MESSAGE:
        # Placed, found nothing to match after its delay: the venue counts it as accepted.
        return Accepted(status=AcceptedStatus.UNMATCHED, order_id=order_id)
    if response.code in ("unknown", "unmatched"):
        # The SDK says "unknown" also for an accepted order whose status it has never heard of.
        return _rejected(known, response.message) if known else Unknown(reason=response.message)
    return Rejected(code=response.code, message=response.message)


def outcome_of_error(error: Exception) -> Duplicated | Rejected | Unavailable | Unknown:
    """Read an exception of the SDK's, or a timeout, as an outcome."""
    match error:
        case RateLimitError():
            return unavailable(UnavailableKind.RATE_LIMITED, error.retry_after)
        case RequestRejectedError():
            return _outcome_of_status(error)
        case UserInputError():
            return Rejected(code="refused", message=str(error))
        case TimeoutError() | PolymarketError() | RecursionError():
            return Unknown(reason=f"{type(error).__name__}: {error}")
        case _:
            raise error


def _outcome_of_status(
    error: RequestRejectedError,
) -> Duplicated | Rejected | Unavailable | Unknown:
    if error.restriction is not None:
        return unavailable(UnavailableKind(error.restriction), error.retry_after)
    message = str(error)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE and DISABLED_TEXT in message.lower():
        return unavailable(UnavailableKind.DISABLED, error.retry_after)
    if DUPLICATED_TEXT in message:
        return Duplicated()
    ambiguous = error.status == HTTPStatus.REQUEST_TIMEOUT or any(
        text in message for text in (DELAYED_TEXT, SDK_UNREADABLE)
    )
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or ambiguous:
        return Unknown(reason=f"HTTP {error.status}: {message}")
    if error.status == HTTPStatus.UNAUTHORIZED:
        return Rejected(code="unauthorized", message=message)
    if error.status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
        return Rejected(code="region", message=message)
    return _rejected(_code_of_text(message), message)


def unavailable(kind: UnavailableKind, retry_after_s: float | None) -> Unavailable:
    if retry_after_s is None or not retry_after_s >= 0:  # "not a number" is no advice either
        return Unavailable(kind=kind, retry_after_ms=RETRY_AFTER_MS[kind])
    advised_ms = min(retry_after_s * ADVICE_MS_PER_S, RETRY_AFTER_MS_MAX)
    return Unavailable(kind=kind, retry_after_ms=int(advised_ms))


def unsignable(error: Exception) -> Unsignable:
    """Say why an order could not be signed: nothing left in any of these cases."""
    match error:
        case UserInputError():
            code = "input"
        case SigningError():
            code = "signing"
        case TimeoutError():
            code = "timeout"
        case _:
            code = "metadata"
    return Unsignable(code=code, reason=f"{type(error).__name__}: {error}")


def _rejected(code: str | None, message: str) -> Rejected:
    return Rejected(code=code or "refused", message=message)


def _code_of_text(message: str) -> str | None:
    lower = message.lower()
    return next((code for text, code in REJECT_TEXTS if text.lower() in lower), None)
