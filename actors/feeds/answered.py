"""Every fetch is answered by exactly one event, whatever a stranger's body does to its reader."""

from collections.abc import Awaitable

from actors.feeds.http import Malformed, Unreachable
from actors.market_data.events import Event, FetchFailed


async def answered(job: str, reading: Awaitable[Event | Unreachable]) -> Event:
    try:
        answer = await reading
    except Malformed as error:
        return FetchFailed(job=job, reason=str(error), malformed=True)
    except Exception as error:  # noqa: BLE001 a body of strangers must not end its job for ever
        return FetchFailed(job=job, reason=f"unreadable: {error!r}"[:200], malformed=True)
    if isinstance(answer, Unreachable):
        return FetchFailed(job=job, reason=answer.reason, malformed=False)
    return answer
