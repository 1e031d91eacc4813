"""What an answer means, and when a source may be asked again. Pure.

HTTP 200 is no proof: error envelopes, web pages and empty bodies come with it.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from actors.machine.backoff import JITTER, Backoff
from actors.market_data.sources.port import Cause, Refusal, SourceName

REASON_MAX: Final = 200
"""Characters of a stranger's text that are kept."""
PAUSES: Final = Backoff(first_ms=250, most_ms=30_000)
"""Wire, after failures in a row."""
LIMITED_MS: Final = 60_000
"""Wire, after 429 without Retry-After: the longest period of a limit that we know of but one."""
BANNED_MS: Final = 600_000
"""Wire, after a ban without Retry-After: Bybit's is ten minutes."""
BLOCKED_MS: Final = 3_600_000
"""Wire: a country block does not go by itself, but a person may move the machine's traffic."""
WAIT_MAX_MS: Final = 259_200_000
"""Wire: three days, the longest ban that is documented; a longer one is a slip of the answer."""
SICK_FAILURES: Final = 2
"""In a row: one lost packet is no reason to leave a source."""

TOO_MANY: Final = 429
BAN: Final = 418
FORBIDDEN: Final = 403
LEGAL: Final = 451
MISSING: Final = 404
SERVER: Final = 500
OK: Final = 200
CLIENT_BLOCK: Final = (b"error code: 1010", b"error code: 1020")
"""Cloudflare's words where it refuses the client itself."""
COUNTRY_BLOCK: Final = (b"cloudfront", b"block access from your country", b"restricted location")


class Health(msgspec.Struct, frozen=True, kw_only=True):
    failures: int = 0
    """In a row."""
    pauses: int = 0
    """In a row: each is longer than the one before."""
    not_before_ms: int = 0
    """Wire."""
    cause: Cause | None = None
    """Of the newest failure; None: the newest answer was good."""
    reason: str = ""

    @property
    def sick(self) -> bool:
        """Tell whether its assets should move to another source."""
        return self.stopped or self.cause is Cause.LIMITED or self.failures >= SICK_FAILURES

    @property
    def stopped(self) -> bool:
        """Tell whether the source said no: a person must know."""
        return self.cause in (Cause.BANNED, Cause.BLOCKED)


def read_status(
    source: SourceName, status: int, headers: Mapping[str, str], body: bytes
) -> Refusal | None:
    """Judge an answer by its HTTP side; None: its body may be read."""
    wait_ms = retry_after_ms(headers)
    cause = _cause(status, body)
    if cause is not None:
        said = body[:REASON_MAX].decode("utf-8", "replace")
        return Refusal(
            source=source,
            cause=cause,
            reason=f"HTTP {status}: {said}"[:REASON_MAX],
            wait_ms=wait_ms,
        )
    head = body[:64].lstrip()
    if not head:
        return _malformed(source, "an empty answer")
    if head.startswith(b"<"):
        return _malformed(source, f"a web page: {body[:80]!r}")
    return None


def _cause(status: int, body: bytes) -> Cause | None:
    if OK <= status < OK + 100:
        return None
    if status == FORBIDDEN:
        return _forbidden(body)
    fixed = {
        TOO_MANY: Cause.LIMITED,
        BAN: Cause.BANNED,
        LEGAL: Cause.BLOCKED,
    }
    return fixed.get(status, Cause.UNREACHABLE if status >= SERVER else Cause.REFUSED)


def _forbidden(body: bytes) -> Cause:
    """Tell a client or country block from a ban that ends."""
    text = body[:4_096].lower()
    if any(words in text for words in (*CLIENT_BLOCK, *COUNTRY_BLOCK)):
        return Cause.BLOCKED
    return Cause.BANNED


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Read Retry-After in seconds; a date or nonsense is None."""
    text = headers.get("retry-after", "")
    if not text.isascii() or not text.isdigit():
        return None
    return min(int(text[:12]) * 1_000, WAIT_MAX_MS)


def _malformed(source: SourceName, reason: str) -> Refusal:
    return Refusal(source=source, cause=Cause.MALFORMED, reason=reason[:REASON_MAX])


def after_refusal(health: Health, refusal: Refusal, now_ms: int, chance: float) -> Health:
    """Count a failure and say when to ask again; `chance` is 0 .. 1.

    Requests that were in the air together fail together: they make one pause, not a longer one.
    """
    if refusal.cause in (Cause.ABSENT, Cause.HELD_BACK):
        return health  # the source is well: it does not have this, or was not asked
    pauses = health.pauses + (now_ms >= health.not_before_ms)
    pause_ms = refusal.wait_ms
    if pause_ms is None:
        pause_ms = _pause_ms(refusal.cause, pauses)
    return Health(
        failures=health.failures + 1,
        pauses=pauses,
        not_before_ms=max(health.not_before_ms, now_ms + int(pause_ms * (1 + JITTER * chance))),
        cause=refusal.cause,
        reason=refusal.reason,
    )


def _pause_ms(cause: Cause, pauses: int) -> int:
    fixed = {Cause.LIMITED: LIMITED_MS, Cause.BANNED: BANNED_MS, Cause.BLOCKED: BLOCKED_MS}
    return fixed.get(cause, PAUSES.wait_ms(max(pauses, 1)))
