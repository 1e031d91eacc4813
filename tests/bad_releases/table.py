"""Run cases on as few fleets as it takes, and print what became of each."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bad_releases.case import Case
from tests.bad_releases.course import Course, Ending
from tests.rolling_update.fleet import running_fleet

SLOTS = ("btc-5m", "eth-5m")
SPEED = 40
HEAD = (
    f"{'bad release':<52} {'caught':<12} {'missed':>6} {'dark':>4} {'back after':>10}  "
    f"{'taken back by':<26} alarm"
)
ALARM_CHARS = 200


def run_table(
    cases: Sequence[Case],
    folder: Path,
    prepare: Callable[[Path], None] = lambda _tree: None,
) -> tuple[list[Ending], list[str]]:
    """Return the endings, and what the ledger and the journal differ in."""
    left, endings, differences = list(cases), [], []
    while left:
        folder.mkdir(exist_ok=True)
        home = folder / f"fleet-{len(left)}"
        with running_fleet(home, SLOTS, SPEED, prepare=prepare) as fleet:
            fleet.await_decisions(2)
            course = Course(fleet, home / "cases")
            while left:
                ending = course.run(left.pop(0))
                print(line(ending), flush=True)
                endings.append(ending)
                if not ending.well or ending.case.lone:
                    break
            course.end()
            if not endings[-1].case.lone:
                differences += fleet.verdict().differences
    print(f"{len(endings)} releases, {len(differences)} differences between ledger and journal")
    return endings, differences


def line(ending: Ending) -> str:
    seconds = ending.account.seconds
    after = "-" if seconds is None else f"{seconds:.1f} s"
    alarm = ending.alarms[0] if ending.alarms else ending.outcome.failure
    alarm = alarm.encode("ascii", "backslashreplace").decode().replace("\n", " ")
    more = f" (+{len(ending.alarms) - 1})" if len(ending.alarms) > 1 else ""
    told = f"  FINDING: {'; '.join(ending.faults)}" if ending.faults else ""
    return (
        f"{ending.case.name:<52} {ending.caught:<12} {ending.account.missed:>6} "
        f"{len(ending.account.dark):>4} {after:>10}  {ending.who:<26} "
        f"{alarm[:ALARM_CHARS]}{more}{told}"
    )
