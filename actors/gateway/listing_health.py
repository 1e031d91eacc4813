"""Whether the venue's listings can be read, and which of their rows are odd. Pure."""

from typing import Final

from actors.gateway.draft import Draft
from actors.gateway.events import VenuePolled
from actors.venue.port import Unknown

UNREADABLE_MS: Final = 30_000
"""Wire: so long without a listing of orders and trades, and fills or ends may be missing."""
AWAY_MS: Final = 15_000
"""Wire: so long without a listing, and nothing is bought until orders and trades were listed again:
after 10 s without a heartbeat the venue has cancelled what rested, and fills may be missing."""
FAILURES_MIN: Final = 2
"""Looks that failed: a machine that slept wakes to one look that timed out."""
ODD_ROWS_MAX: Final = 500
"""Kept by name; more say the same."""
AGAIN_MS: Final = 60_000
"""Wire: new odd rows are said again, once a minute at most."""
SHOWN: Final = 3


def note_listing(draft: Draft, event: VenuePolled) -> None:
    """Say when listings cannot be read for long, and which rows are odd."""
    failed = [
        f"{name}: {listing.reason}"
        for name, listing in (("orders", event.orders), ("trades", event.trades))
        if isinstance(listing, Unknown)
    ]
    if failed:
        _note_failure(draft, "; ".join(failed))
        return
    draft.flight.looked_wire_ms, draft.flight.look_failures = draft.wire_ms, 0
    draft.flight.look_trouble = ""
    draft.end_alarm("listing_unreadable", "venue", "orders and trades are listed again")
    unread = any(odd.listing == "trades" and not odd.counted for odd in event.odd)
    since_ms = draft.flight.odd_since_wire_ms
    draft.flight.odd_since_wire_ms = (since_ms or event.started_wire_ms) if unread else None
    _note_odd_rows(draft, event)


def _note_failure(draft: Draft, trouble: str) -> None:
    flight = draft.flight
    flight.look_failures += 1
    flight.look_trouble = trouble
    silent_ms = draft.wire_ms - flight.looked_wire_ms
    if silent_ms >= AWAY_MS:
        flight.reconciled = False
    if silent_ms >= UNREADABLE_MS and flight.look_failures >= FAILURES_MIN:
        draft.alarm(
            "listing_unreadable",
            "venue",
            f"no listing of orders and trades for {silent_ms // 1_000} s: {trouble}",
        )


def _note_odd_rows(draft: Draft, event: VenuePolled) -> None:
    known = draft.flight.odd_rows
    new = [odd for odd in event.odd if f"{odd.listing}/{odd.row_id}" not in known]
    if not new:
        return
    for odd in new[: max(0, ODD_ROWS_MAX - len(known))]:
        known[f"{odd.listing}/{odd.row_id}"] = odd.why
    for listing in sorted({odd.listing for odd in new}):
        rows = [odd for odd in new if odd.listing == listing]
        left_out = sum(not odd.counted for odd in rows)
        shown = "; ".join(f"{odd.row_id}: {odd.why}" for odd in rows[:SHOWN])
        draft.alarm(
            "odd_rows",
            listing,
            f"{len(rows)} odd rows, {left_out} not counted: {shown}",
            AGAIN_MS,
        )
