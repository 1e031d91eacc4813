"""One GET or POST of a public feed, with every way to fail as a value."""

from collections.abc import Callable
from typing import Any, Final

import httpx
import msgspec

FETCH_TIMEOUT_S: Final = 5.0
"""Wire, per request."""
BODY_BYTES_MAX: Final = 8_000_000
"""A week of candles is under 100 kB; a larger body is not what was asked for."""


UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding the bytes of a stranger may raise: also for deep nesting, and for odd text."""


class Unreachable(msgspec.Struct, frozen=True, kw_only=True):
    """No answer, or one that says "not now"."""

    reason: str


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """404: the source does not have it (yet)."""


class Malformed(Exception):  # noqa: N818 an answer's state, raised and caught inside one feed
    """The source answered, but not in its own format."""


def feed_client(
    base_url: str, name: str = "", keep: Callable[[str, bytes], None] | None = None
) -> httpx.AsyncClient:
    """Make a client; `keep` is given each body as it came."""

    async def kept(response: httpx.Response) -> None:
        if keep is not None and response.is_success:
            keep(name, await response.aread())

    return httpx.AsyncClient(
        base_url=base_url, timeout=FETCH_TIMEOUT_S, event_hooks={"response": [kept]}
    )


async def fetch(
    client: httpx.AsyncClient, path: str, *, body: Any = None
) -> bytes | Missing | Unreachable:
    """GET, or POST if there is a body; the path carries its query."""
    try:
        if body is None:
            response = await client.get(path)
        else:
            response = await client.post(path, json=body)
    except httpx.HTTPError as error:
        return Unreachable(reason=f"{path}: {type(error).__name__}: {error}")
    if response.status_code == httpx.codes.NOT_FOUND:
        return Missing()
    if not response.is_success:
        return Unreachable(reason=f"{path}: HTTP {response.status_code}")
    if len(response.content) > BODY_BYTES_MAX:
        return Unreachable(reason=f"{path}: {len(response.content)} bytes")
    return response.content
