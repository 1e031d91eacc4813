"""Text of amounts, times and JSON as the venue writes them."""

import datetime as dt
from typing import Any

import msgspec
from starlette.responses import Response

from cluster.sandbox.model import MICRO

_encoder = msgspec.json.Encoder()


def decimal_text(micro: int) -> str:
    """Write micro units as a plain decimal: 540000 is ``0.54``, 5000000 is ``5``."""
    sign = "-" if micro < 0 else ""
    whole, rest = divmod(abs(micro), MICRO)
    return f"{sign}{whole}.{rest:06d}".rstrip("0") if rest else f"{sign}{whole}"


def decimal_number(micro: int) -> float:
    """Return the float whose shortest text is the decimal of these micro units."""
    return float(decimal_text(micro))


def scaled_text(value: int, digits: int) -> str:
    """Write an integer scaled by 10^digits as a plain decimal."""
    whole, rest = divmod(abs(value), 10**digits)
    text = f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text


def iso_text(time_ms: int) -> str:
    """Write UTC ms as ``2026-01-15T00:05:00Z``, with milliseconds where there are any."""
    seconds, millis = divmod(time_ms, 1_000)
    fraction = f".{millis:03d}" if millis else ""
    at = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)  # noqa: DTZ001 written as UTC
    return f"{at.isoformat()}{fraction}Z"


def to_json(value: Any) -> bytes:
    return _encoder.encode(value)


def answer(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status, media_type="application/json")


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the venue answers when it refuses."""

    error: str
    code: str | None = None
    retry_after_seconds: int | None = None


def refuse(
    status: int, error: str, code: str | None = None, retry_after_s: int | None = None
) -> Response:
    body = ErrorBody(error=error, code=code, retry_after_seconds=retry_after_s)
    answered = answer(body, status)
    if retry_after_s is not None:
        answered.headers["Retry-After"] = str(retry_after_s)
    return answered
