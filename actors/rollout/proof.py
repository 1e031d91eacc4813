"""What a durable decision row proves of the release that made it."""

from checkpoints.journal_rows import STRATEGY_ERROR, JournalRow


def failure_of(row: JournalRow) -> str | None:
    """Return why the strategy could not decide, or None."""
    reason = row.reason or ""
    return reason if reason.startswith(STRATEGY_ERROR) else None


def was_asked(row: JournalRow) -> bool:
    """Tell whether the strategy saw a snapshot: without one the slot decides by itself."""
    return row.snapshot is not None
