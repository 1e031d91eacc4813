"""Why a slot journaled no decision, in an alarm's words: by what was seen of its process."""

from typing import Final

from actors.supervisor.state import Watched

SHOWN_CHARS: Final = 160


def why_missing(watched: Watched, deaths: int, since_wire_ms: float) -> str:
    """Name the most telling of what was seen since the first decision that is missing.

    `deaths`: lives of its process that ended since then.
    """
    status = watched.status
    if status is not None and status.journal_failure:
        return f"its rows cannot be written ({status.journal_failure[:SHOWN_CHARS]})"
    if status is not None and status.blocked_ms:
        return "decide does not return"
    troubled = watched.trouble_wire_ms >= since_wire_ms and watched.trouble != ""
    if deaths:
        return f"its process died {'once' if deaths == 1 else f'{deaths} times'}"
    if troubled and "died" in watched.trouble:
        return watched.trouble[:SHOWN_CHARS]
    if troubled:
        return f"it does not answer ({watched.trouble[:SHOWN_CHARS]})"
    return "its process answers and journals nothing"
