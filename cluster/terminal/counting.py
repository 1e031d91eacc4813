"""Counts in words that people read: `1 slot`, `16 slots`."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return the count and its noun; `plural` where it is not the noun and an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or f'{noun}s'}"
