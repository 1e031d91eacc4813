"""Refusals in a row, counted by kind."""

from typing import Final

import msgspec

IN_A_ROW: Final = 3
"""Of one kind, without an order that passed between them: then a person is told."""
OF_ANY_KIND: Final = 5
"""Of kinds that change: an account that fails in several ways trades no more than one."""


class RefusalRow(msgspec.Struct, frozen=True, kw_only=True):
    """Refusals since the last order that passed."""

    since_wire_ms: int
    counts: dict[str, int] = {}
    code: str = ""
    words: str = ""
    """The newest refusal."""

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def lasting(self) -> bool:
        """True once it is more than bad luck."""
        return self.counts.get(self.code, 0) >= IN_A_ROW or self.total >= OF_ANY_KIND
