"""A right request is answered 401 now and then, for minutes after a key was made: ask again.

The venue looks at nothing of a request that it does not authorize, so the same bytes are safe.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeVar

from polymarket.errors import RequestRejectedError

WAITS_S: Final = (0.2, 0.5)
"""Wire. Between attempts: together far less than a heartbeat's interval, so none is missed."""

_Answer = TypeVar("_Answer")


async def repeat_if_unauthorized(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Ask, and again where the answer is 401; the last answer stands."""
    for wait_s in WAITS_S:
        try:
            return await ask()
        except RequestRejectedError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
        await asyncio.sleep(wait_s)
    return await ask()
