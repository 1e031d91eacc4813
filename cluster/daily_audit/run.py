"""One audit of one day: every check in turn, also after one that fails by itself."""

import resource
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from actors.config import FleetConfig
from actors.runtime import load_config
from checkpoints.errors import CheckpointsError
from checkpoints.journal_days import SNAPSHOT_DAYS_KEPT
from checkpoints.storage import LocalStorage
from cluster.audit.completeness import read_proven
from cluster.audit.journal_view import read_journal
from cluster.audit.reconcile import Span, reconcile
from cluster.daily_audit import attested, detector_counts
from cluster.daily_audit.calendar import is_over
from cluster.daily_audit.decided import decided
from cluster.daily_audit.figures import day_figures
from cluster.daily_audit.replayed import NAME as REPLAYED
from cluster.daily_audit.replayed import made_again
from cluster.daily_audit.report import Check, CheckState, DayAudit, DayFigures, check_of
from cluster.errors import ClusterError, FleetError
from cluster.local.state_folder import StateFolder
from signals.market import DAY_MS, day_of, day_start_ms

RECORD: Final = "record"
VENUE: Final = "venue"
MARGIN_MS: Final = 3_600_000
"""Wire. A fill is booked within seconds of its match; an hour is far beyond."""
BYTES_PER_KIB: Final = 1_024


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What all checks look at."""

    state: StateFolder
    config: FleetConfig
    day: str
    now_wire_ms: int

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.state.storage)

    @property
    def now_ms(self) -> int:
        """Market time."""
        return self.config.clock.market_ms(self.now_wire_ms)


def open_case(state: StateFolder, day: str | None, now: Callable[[], int]) -> Case:
    """Return what is to be audited: a day, or the latest that is over. Raises `FleetError`.

    `now`: wire time, read once this process follows the fleet's own clock.
    """
    try:
        config = load_config(str(state.storage))
    except FileNotFoundError:
        raise FleetError(f"there is no fleet in {state.root}; --state names another") from None
    except CheckpointsError as error:
        raise FleetError(str(error)) from error
    now_wire_ms = now()
    now_ms = config.clock.market_ms(now_wire_ms)
    chosen = day or day_of(now_ms - DAY_MS)
    if day_start_ms(chosen) > now_ms:
        raise FleetError(
            f"{chosen} has not begun: the latest day that is over is {day_of(now_ms - DAY_MS)}"
        )
    return Case(state=state, config=config, day=chosen, now_wire_ms=now_wire_ms)


def audit(case: Case, now: Callable[[], int]) -> DayAudit:
    """Do all checks of a day."""
    figures = DayFigures()
    checks: list[Check] = []
    try:
        figures, first = read_journal(
            case.state.storage,
            lambda view: (
                (found := day_figures(view, case.day, case.config.clock.speed)),
                decided(view, case.day, found),
            ),
        )
        checks.append(first)
    except (CheckpointsError, ClusterError, OSError) as error:
        checks.append(_impossible("decisions", error))
    for name, part in _parts(case, figures):
        began = time.monotonic()
        try:
            check = part()
        except Exception as error:  # noqa: BLE001 a check that fails by itself is a finding
            check = _impossible(name, error)
        checks.append(msgspec.structs.replace(check, seconds=time.monotonic() - began))
    return DayAudit(
        day=case.day,
        well=all(check.state.good for check in checks),
        over=is_over(case.day, case.now_ms),
        mode=str(case.config.mode),
        began_wire_ms=case.now_wire_ms,
        ended_wire_ms=now(),
        checks=tuple(checks),
        figures=figures,
        memory_bytes_max=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_PER_KIB,
    )


def _parts(case: Case, figures: DayFigures) -> Iterator[tuple[str, Callable[[], Check]]]:
    over = is_over(case.day, case.now_ms)
    pruned = case.day < day_of(case.now_ms - SNAPSHOT_DAYS_KEPT * DAY_MS)
    yield REPLAYED, lambda: made_again(case.state.storage, case.day, figures, pruned=pruned)
    yield RECORD, lambda: _record(case)
    yield VENUE, lambda: _venue(case)
    yield attested.NAME, lambda: attested.attest(case.state)
    yield (
        detector_counts.NAME,
        lambda: detector_counts.compare(case.storage, case.day, figures, over=over),
    )


def _record(case: Case) -> Check:
    """Hold the whole record against all that knows what must be in it."""
    _, found = read_proven(case.state.storage, lambda _view: None)
    wrong = tuple(f"{one.kind} {one.subject}: {one.reason}" for one in found.problems)
    state = CheckState.FAILED if wrong else CheckState.PASSED
    return check_of(RECORD, state, "; ".join(found.checked), wrong)


def _venue(case: Case) -> Check:
    """Compare the day and the one before with the venue: at their border something is under way."""
    found = reconcile(case.config, span_of(case))
    said = f"{found.fills} fills, {found.open_orders} open orders, {found.winners} winners"
    state = CheckState.FAILED if found.differences else CheckState.PASSED
    return check_of(VENUE, state, f"{said} of two days and since, both sides", found.differences)


def span_of(case: Case) -> Span:
    own_from_ms = day_start_ms(case.day) - DAY_MS
    own_from_wire_ms = int(case.config.clock.wire_ms(own_from_ms))
    return Span(
        own_from_ms=own_from_ms,
        venue_from_wire_ms=max(0, own_from_wire_ms - MARGIN_MS),
        blamed_from_wire_ms=max(0, own_from_wire_ms + MARGIN_MS),
    )


def _impossible(name: str, error: Exception) -> Check:
    said = str(error) if isinstance(error, ClusterError) else f"{type(error).__name__}: {error}"
    return check_of(name, CheckState.NOT_POSSIBLE, said)
