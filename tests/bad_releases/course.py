"""One bad release on a running fleet, from its roll to the fleet's being well again."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.archive import archive_release
from tests.bad_releases.account import Account, Tail, account, who_took_back
from tests.bad_releases.case import Case, Spot
from tests.bad_releases.drive import Order, Outcome
from tests.bad_releases.driver import Driver
from tests.rolling_update.fleet import LATE_KINDS, Fleet
from tests.rolling_update.trees import copy_tree, release_in

TAKE_BACK_SECONDS = 45.0
"""Wire. Six decision points at speed 40: what is not back by then is taken back by hand."""
HAND_SECONDS = 30.0
WELL_SECONDS = 60.0
BITES = 3
"""Decisions that a release makes which is wrong and well formed, before a person takes it back."""
POLL_SECONDS = 0.3
LATE_ALARM = "not cleared"
TIMED_OUT = "the roll did not end"


@dataclass(frozen=True)
class Ending:
    case: Case
    outcome: Outcome
    account: Account
    who: str
    by_hand: bool
    well: bool
    alarms: tuple[str, ...]
    seconds: float
    """Of the whole case."""
    note: str = ""

    @property
    def caught(self) -> str:
        if self.outcome.outcome == "refused":
            return "refused"
        return "in the roll" if self.outcome.outcome == "stopped" else "afterwards"

    @property
    def faults(self) -> list[str]:
        """Name what must not be."""
        found = [self.note] if self.note else []
        if not self.well:
            found.append("the fleet stayed sick")
        elif self.by_hand and not self.case.waits_for_a_person:
            found.append("nobody took it back")
        if self.account.missed > self.case.missed_max:
            found.append(f"{self.account.missed} missed, {self.case.missed_max} allowed")
        if not self.case.harmless:
            told = [*self.alarms, self.outcome.failure]
            if not any(self.case.caught.lower() in text.lower() for text in told):
                found.append(f"no alarm says {self.case.caught!r}")
            if not self.alarms and self.outcome.outcome != "refused":
                found.append("no alarm")
        return found


class Course:
    """A fleet on a good release, to which cases come one after the other."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self._fleet = fleet
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._old = release_in(fleet.tree)
        self._tail = Tail(fleet)
        self._driver = Driver(fleet, folder / "orders")
        self._count = 0

    def run(self, case: Case) -> Ending:
        """Roll it out, let it turn bad, wait until every slot decides well on the old release."""
        fleet = self._fleet
        self._count += 1
        flag = self._folder / f"turned-{self._count}"
        if case.everything:
            fleet.command("trading", "resume")  # an earlier case may have reduced it
        fleet.clear_alarms()
        bad = self._archived(case, Spot(flag=flag, storage=fleet.state.storage))
        began = time.time() * 1000
        outcome, note = self._roll(case, bad)
        if case.turns and outcome.outcome == "done":
            flag.touch()
        since = time.time() * 1000
        well = self._back_by_itself(case, bad, outcome, since)
        by_hand = not well
        if by_hand or (case.everything and outcome.outcome == "done"):
            well, note = self._back_by_hand(
                case, note
            )  # the slots ran it well: they are left to it
        ended = time.time() * 1000
        alarms = self._alarms_since(began)
        flag.unlink(missing_ok=True)
        fleet.clear_alarms()
        who = who_took_back(fleet, case.slots, bad, self._old, outcome.rollout)
        return Ending(
            case=case,
            outcome=outcome,
            account=account(fleet, began, ended),
            who=f"by hand ({who})" if by_hand else who,
            by_hand=by_hand,
            well=well,
            alarms=tuple(_text(alarm) for alarm in ordered(alarms, bad)),
            seconds=(ended - began) / 1000,
            note=note,
        )

    def end(self) -> None:
        self._driver.end()

    def _archived(self, case: Case, spot: Spot) -> str:
        tree = copy_tree(self._folder / "tree")
        case.make(tree, spot)
        release = archive_release(self._fleet.storage, tree, "bad").release
        shutil.rmtree(tree)
        return release

    def _roll(self, case: Case, bad: str) -> tuple[Outcome, str]:
        order = Order(
            release=bad,
            slots=case.slots,
            canary=case.canary,
            shadow=case.shadow,
            everything=case.everything,
        )
        try:
            outcome = self._driver.do(order)
            while outcome.outcome == "refused" and LATE_ALARM in outcome.failure:
                self._fleet.clear_alarms()  # of the case before, said after it was over
                outcome = self._driver.do(order)
        except AssertionError:
            return Outcome(outcome="stopped", failure=TIMED_OUT), TIMED_OUT
        return outcome, ""

    def _back_by_itself(self, case: Case, bad: str, outcome: Outcome, since: float) -> bool:
        if case.partly:
            return False
        if outcome.outcome != "done":
            return self._until(lambda: self._well(case, since), WELL_SECONDS)
        if case.harmless:
            return self._until(
                lambda: (
                    self._tail.count_since(case.slots[0], bad, since) >= BITES
                    or self._well(case, since)
                ),
                TAKE_BACK_SECONDS,
            ) and self._well(case, since)
        return self._until(lambda: self._well(case, since), TAKE_BACK_SECONDS)

    def _back_by_hand(self, case: Case, note: str) -> tuple[bool, str]:
        order = Order(release=self._old, everything=case.everything, verb="rollback")
        since = time.time() * 1000
        try:
            outcome = self._driver.do(order)
        except AssertionError:
            return False, f"{note} {TIMED_OUT} (rollback)".strip()
        took = time.time() * 1000 - since
        if outcome.outcome != "done":
            note = f"{note} rollback by hand {outcome.outcome}: {outcome.failure}".strip()
        well = self._until(lambda: self._well(case, since), HAND_SECONDS)
        return well, note or (
            "" if case.waits_for_a_person or case.everything else f"by hand in {took / 1000:.1f} s"
        )

    def _well(self, case: Case, since: float) -> bool:
        if not case.everything:
            return self._tail.all_well(self._old, since)
        shared = self._driver.do(Order(release=None)).shared
        culprit = case.name.split()[0].removesuffix("'s")
        return all(release == self._old for kind, release in shared.items() if culprit in kind)

    @staticmethod
    def _until(condition: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not (met := condition()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return met

    def _alarms_since(self, began: float) -> list[Alarm]:
        history = AlarmStore(self._fleet.storage).history()
        raised = [state.alarm for state in history if state.alarm.raised_wire_ms >= began]
        return [alarm for alarm in raised if alarm.kind not in LATE_KINDS]


def ordered(alarms: list[Alarm], bad: str) -> list[Alarm]:
    """Put first what names the release."""
    return sorted(alarms, key=lambda alarm: bad[:12] not in _text(alarm))


def _text(alarm: Alarm) -> str:
    told = " ".join(f"{key}={value}" for key, value in alarm.evidence.items())
    return f"{alarm.kind} {alarm.subject}: {told}"
