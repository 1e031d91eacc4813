"""The durable ledger: append-only, the judge of every test. Format: docs/sandbox-ledger.md."""

from pathlib import Path


class LedgerError(Exception):
    """The ledger cannot be used; the message says why and what to do."""


class Ledger:
    """Append records, put them on the disk, read them back."""

    @classmethod
    def open(cls, folder: Path) -> "Ledger":
        raise NotImplementedError

    def sync(self) -> None:
        """Put everything appended so far on the disk (one fsync)."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
