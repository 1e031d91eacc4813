"""Refusals in a row: what hits every order of the account, not one order's bad luck. Pure."""

from typing import Final

import msgspec

from actors.gateway.draft import Draft
from actors.gateway.refusal_codes import advice
from actors.gateway.refusal_row import RefusalRow

KIND: Final = "orders_refused"
ONE_ORDER: Final = frozenset(
    {
        "fak_not_filled",
        "fok_not_filled",
        "post_only_would_cross",
        "market_closed",
        "market_not_ready",
    }
)
"""Codes that say something of one order or market: they neither count nor end a row."""


def note_refused(draft: Draft, code: str, words: str) -> None:
    """Count a refusal; raise one alarm a kind when it lasts."""
    if code in ONE_ORDER:
        return
    before = draft.flight.refusals or RefusalRow(since_wire_ms=draft.wire_ms)
    counts = {**before.counts, code: before.counts.get(code, 0) + 1}
    row = msgspec.structs.replace(before, counts=counts, code=code, words=words)
    draft.flight.refusals = row
    if row.lasting:
        seconds = (draft.wire_ms - row.since_wire_ms) // 1_000
        evidence = f"{row.total} orders refused in {seconds} s, none passed; the newest: {words}"
        draft.alarm(KIND, code, evidence, action=advice(code))


def note_passed(draft: Draft) -> None:
    """An order passed: what was refused before is over, and its alarms end."""
    draft.flight.refusals = None
    draft.end_alarm(KIND, "", "orders pass again")
