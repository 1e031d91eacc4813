"""Find a market in the venue's lists, for the case that its slug answers nothing. Pure.

Lists can omit a market that its slug still returns, and the slug is not documented: so the slug is
asked first and the list second.
"""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from signals.market import Window

PAGE: Final = 100
"""The venue cuts larger pages silently; one instant ends at most four windows of eight assets."""
TAG: Final = "up-or-down"


class _Named(msgspec.Struct):
    slug: str | None = None


_rows = msgspec.json.Decoder(list[msgspec.Raw])
_named = msgspec.json.Decoder(_Named)


def list_path(window: Window) -> str:
    """Return the path and query of the list of all markets that end with a window."""
    end = datetime.fromtimestamp(window.close_ms / 1_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {"tag_slug": TAG, "closed": "false", "end_date_min": end, "end_date_max": end}
    return "/events?" + urlencode(asked | {"limit": str(PAGE)})


def find_event(body: bytes, slug: str) -> bytes | None:
    """Return the listed event of this slug as it stands; one odd row hides no other."""
    try:
        rows = _rows.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    for row in rows:
        try:
            if _named.decode(row).slug == slug:
                return bytes(row)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
    return None
