"""Which part of a journal an answer needs: the days, and the slot."""

from typing import Final

import msgspec

from checkpoints.journal import FlushName


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a journal that an answer needs; what lies outside it is not read.

    Rows of an older fence are void from where a later one began: begin a day before the first row
    that is wanted, so that the later fence's first row is there too.
    """

    slot: str | None = None
    first_day: str = ""
    last_day: str = "9999-12-31"

    def has_day(self, day: str) -> bool:
        return self.first_day <= day <= self.last_day

    def has(self, flush: FlushName) -> bool:
        return self.has_day(flush.day) and self.slot in {None, flush.slot}


ALL: Final = Within()
