"""The page of the daily audit: what the last one found, and how the days before came out."""

import time
from typing import Final

import msgspec

from checkpoints.audit_days import audited_days
from checkpoints.storage import LocalStorage
from cluster.daily_audit import records
from cluster.daily_audit.page import FOUND_SHOWN, figures_line, headline
from cluster.daily_audit.report import Check, DayAudit
from cluster.web.pages import Asked
from cluster.web.views.texts import cut

DAYS_SHOWN: Final = 31
OLD_MS: Final = 36 * 3_600_000
"""Wire. A daily audit that is this old was left out."""
NONE_YET: Final = (
    "Nothing was audited yet. The fleet does it once a day; `midstride audit day` does it now."
)
NO_SUCH_DAY: Final = "There is no audit of that day."
FIGURES_MAX: Final = 1_000
"""Letters of a line that this program wrote itself; it may name some releases."""


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    state: str
    good: bool
    text: str
    found: tuple[str, ...]
    more: int
    seconds: str


class DayLine(msgspec.Struct, frozen=True, kw_only=True):
    """One day in the table."""

    day: str
    well: bool
    wrong: str
    """Names of the checks that are not well."""
    decisions: int
    missed: int
    pnl_micro_usd: int


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    headline: str
    well: bool = False
    figures: str = ""
    age_ms: int | None = None
    """None: no audit is shown."""
    old: bool = False
    checks: tuple[CheckView, ...] = ()
    days: tuple[DayLine, ...] = ()
    """Latest first."""


def view(asked: Asked) -> AuditView:
    """Read the audit that the address names, else the latest."""
    storage = asked.storage
    named = asked.query.get("day")
    days = audited_days(storage)
    shown = records.latest(storage) if named is None else _named(storage, named, days)
    kept = (records.read(storage, day) for day in reversed(days[-DAYS_SHOWN:]))
    lines = tuple(_line(one) for one in kept if one is not None)
    if shown is None:
        return AuditView(headline=NONE_YET if named is None else NO_SUCH_DAY, days=lines)
    return view_of(shown, lines, time.time_ns() // 1_000_000)


def view_of(shown: DayAudit, days: tuple[DayLine, ...], now_wire_ms: int) -> AuditView:
    """Put one audit and the days before on the page. Pure."""
    age_ms = max(0, now_wire_ms - shown.ended_wire_ms)
    return AuditView(
        headline=cut(headline(shown)),
        well=shown.well,
        figures=cut(figures_line(shown.figures), FIGURES_MAX),
        age_ms=age_ms,
        old=age_ms > OLD_MS and (not days or days[0].day == shown.day),
        checks=tuple(map(_check, shown.checks)),
        days=days,
    )


def _named(storage: LocalStorage, day: str, days: list[str]) -> DayAudit | None:
    return records.read(storage, day) if day in days else None


def _line(audit: DayAudit) -> DayLine:
    return DayLine(
        day=audit.day,
        well=audit.well,
        wrong=cut(", ".join(check.name for check in audit.wrong)),
        decisions=audit.figures.decisions,
        missed=audit.figures.missed,
        pnl_micro_usd=audit.figures.pnl_micro_usd,
    )


def _check(check: Check) -> CheckView:
    return CheckView(
        name=cut(check.name),
        state=str(check.state),
        good=check.state.good,
        text=cut(check.text, FIGURES_MAX),
        found=tuple(cut(one) for one in check.found[:FOUND_SHOWN]),
        more=max(0, check.found_count - FOUND_SHOWN),
        seconds=f"{check.seconds:.1f} s",
    )
