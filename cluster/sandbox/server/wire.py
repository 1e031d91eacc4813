"""Text of amounts, times and JSON as the venue writes them."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.model import MICRO

_DAYS_400_YEARS: Final = 146_097
_EPOCH_DAY: Final = 719_468
"""Days from 0000-03-01 to 1970-01-01."""
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
    days, second_of_day = divmod(seconds, 86_400)
    hours, rest = divmod(second_of_day, 3_600)
    minutes, second = divmod(rest, 60)
    fraction = f".{millis:03d}" if millis else ""
    return f"{_date_text(days)}T{hours:02d}:{minutes:02d}:{second:02d}{fraction}Z"


def _date_text(days_since_1970: int) -> str:
    """Civil date of a day number (Howard Hinnant's civil-from-days)."""
    era, day_of_era = divmod(days_since_1970 + _EPOCH_DAY, _DAYS_400_YEARS)
    year_of_era = (
        day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = (month_from_march + 2) % 12 + 1
    year = era * 400 + year_of_era + (1 if month_from_march >= 10 else 0)  # noqa: PLR2004 calendar
    return f"{year:04d}-{month:02d}-{day:02d}"


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
