"""Windows and who decided in them: those with more than one release are marked."""

from typing import Final

import msgspec

from cluster.audit.journal_view import JournalView

_WINDOWS: Final = """
with decided as (
  select window_open_ms, split_part(slot, '-', 2) as timeframe, slot, release,
    params from valid where kind = 'decision'),
per_slot as (
  select window_open_ms, timeframe, slot, count(distinct release) as releases
  from decided group by all)
select window_open_ms, timeframe, count(distinct slot) as slots, count(*) as decisions,
  list_sort(list(distinct release)) as releases, list_sort(list(distinct params)) as params,
  (select list_sort(list(slot)) from per_slot p where p.window_open_ms = d.window_open_ms
     and p.timeframe = d.timeframe and p.releases > 1) as mixed_slots
from decided d group by window_open_ms, timeframe
{having} order by window_open_ms, timeframe
"""


class WindowReport(msgspec.Struct, frozen=True, kw_only=True):
    window_open_ms: int
    timeframe: str
    slots: int
    decisions: int
    releases: tuple[str, ...]
    params: tuple[str, ...]
    mixed_slots: tuple[str, ...]
    """Slots in which more than one release decided in this very window."""

    @property
    def mixed(self) -> bool:
        """True where more than one release decided, in one slot or in different ones."""
        return len(self.releases) > 1


def window_reports(view: JournalView, *, mixed_only: bool = False) -> tuple[WindowReport, ...]:
    having = "having count(distinct release) > 1" if mixed_only else ""
    rows = view.fetch(_WINDOWS.format(having=having))
    return tuple(
        WindowReport(
            window_open_ms=window_open_ms,
            timeframe=timeframe,
            slots=slots,
            decisions=decisions,
            releases=tuple(releases),
            params=tuple(params),
            mixed_slots=tuple(mixed_slots or ()),
        )
        for window_open_ms, timeframe, slots, decisions, releases, params, mixed_slots in rows
    )
