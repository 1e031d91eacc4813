"""Alarms about code and parameters: what runs, how it decides, and how it was rolled out."""

from typing import Final

from actors.detectors.alarm_kind import AlarmKind, Reaction
from checkpoints.severity import Severity

CODE: Final = (
    AlarmKind(
        kind="wrong_code",
        severity=Severity.CRITICAL,
        means=(
            "A process runs code that was never rolled out here. The gateway lets it send no order."
        ),
        remedy="Find out who started it, end it, and roll out the release that you want.",
        watches=(
            "a process, or an actor from another package, runs code that no owner and no roll "
            "names, or cannot attest"
        ),
        within="5 s from its first answer; before its first order: the gateway grants it no fence",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="fence_of_another_release",
        severity=Severity.CRITICAL,
        reaction=Reaction.HALT,  # it may be trading
        means="A slot runs other code than the gateway has recorded for it, so it may trade "
        "by code that nobody wanted there.",
        remedy="Compare both releases in the evidence, roll the slot back, then "
        "`midstride trading resume`.",
        watches="what an owner runs against what the gateway recorded",
        within="5 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="code_changed_on_disk",
        severity=Severity.CRITICAL,
        means="Files of the code that is running were edited on disk. The running code is the old "
        "one; the next start of these processes would be refused.",
        remedy="Restore the files, or roll the change out with `midstride update`.",
        watches="files under running processes, by folder, against what the processes attest",
        within="5 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="mixed_releases",
        severity=Severity.WARNING,
        means="Slots run different releases, and no roll under way explains it.",
        remedy="Finish it with `midstride rolling-update resume`, or go back with "
        "`midstride rolling-update rollback`.",
        watches="more releases own slots than the last plan explains",
        within="5 min after a roll that stopped",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="release_never_decided",
        severity=Severity.CRITICAL,
        means="A new release took over a slot and has made no decision in it. "
        "The slot goes back by itself.",
        remedy="Read `midstride logs` of the slot, correct the code, roll it out again.",
        watches=(
            "a release that owns a slot and has no decision in its journal; its slot goes back by "
            "the rule below"
        ),
        within="2 decision points (3 C + 4 s)",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="params_never_read",
        severity=Severity.CRITICAL,
        means="Decisions are still made with other parameters than those that were set.",
        remedy="Compare the two parameter ids in the evidence and set the parameters again.",
        watches=(
            "decisions' parameter id against the one computed beside the slot: archived file, "
            "configuration, what was set in place"
        ),
        within="2 decision points (3 C + 4 s)",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="signal_never_ran",
        severity=Severity.CRITICAL,
        reaction=Reaction.ROLL_BACK,
        means="Inputs are complete, but the release computes no probability any more.",
        remedy="Look for a check in its code that returns before the signal is computed.",
        watches=(
            "six decisions in a row with complete inputs and no probability, in a slot where "
            "there once was one"
        ),
        within="6 C + 4 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="release_did_not_start",
        severity=Severity.WARNING,
        means="The job of a roll died before it changed anything. The fleet trades on as before.",
        remedy="Read what it printed (in the evidence), correct the code, then `midstride update`.",
        watches="a roll whose job died of its own code before it began",
        within="its end",
        false_alarms="exact: none",
    ),
)
CONDUCT: Final = (
    AlarmKind(
        kind="outcome_fell",
        severity=Severity.CRITICAL,
        reaction=Reaction.REDUCE,  # the market may have changed as well as the code
        means="The trades of this release have lately won less often than their prices imply.",
        remedy="Compare it with the release before: `midstride audit releases`.",
        watches="outcome minus price by release: CUSUM",
        within="see below",
        false_alarms="below 1 in 12.5 days",
    ),
    AlarmKind(
        kind="release_without_edge",
        severity=Severity.CRITICAL,
        reaction=Reaction.ROLL_BACK,
        means="Over all its trades this release pays more than it wins back.",
        remedy="Look at it in `midstride audit releases` before you roll it out again.",
        watches="outcome minus price over the whole life of a release: e-process",
        within="see below",
        false_alarms="0.1 % per release, ever",
    ),
    AlarmKind(
        kind="decisions_changed",
        severity=Severity.WARNING,
        means="This release decides differently from the one before: how often it trades, which "
        "side, or why not.",
        remedy="Is that what you wanted? If not: `midstride rolling-update rollback`.",
        watches="shares of trades, sides and reasons against the release before",
        within="see below",
        false_alarms="below 1 in 12.5 days",
    ),
    AlarmKind(
        kind="shadow_disagrees",
        severity=Severity.CRITICAL,
        reaction=Reaction.ROLL_BACK,
        means="Run beside the old release on the same inputs, the new one decided differently from "
        "what its plan declares. The roll stops.",
        remedy="Look at the differences in the roll's report; correct the code or plan again.",
        watches="shadow decisions of a roll against what its plan declares to change",
        within="one, or an e-process",
        false_alarms="below 1 in 100 rolls",
    ),
    AlarmKind(
        kind="release_turned_bad",
        severity=Severity.CRITICAL,
        means="A release kept a slot from deciding. The slot goes back by itself to the last "
        "release that worked in it.",
        remedy="Roll the other slots back, correct the release, roll it out again.",
        watches=(
            "a release that keeps its slot from journaling good decisions, see below; the slot "
            "goes back by itself"
        ),
        within="2 decision points",
        false_alarms="see below",
    ),
    AlarmKind(
        kind="no_way_back",
        severity=Severity.CRITICAL,
        reaction=Reaction.REDUCE,
        means="A release keeps a slot from deciding, and no earlier release that worked in "
        "the slot is left to go back to.",
        remedy="Correct the code, roll it out, then `midstride trading resume`.",
        watches=(
            "a release that keeps its slot from deciding, where no release that is proven in the "
            "slot is left"
        ),
        within="2 decision points",
        false_alarms="see below",
    ),
    AlarmKind(
        kind="release_fails",
        severity=Severity.CRITICAL,
        means="A release keeps a slot from deciding, and it is the first that ever ran there.",
        remedy="Correct the code and roll it out.",
        watches="a release that keeps its slot from deciding and is the first that ever ran there",
        within="2 decision points",
        false_alarms="see below",
    ),
    AlarmKind(
        kind="intent_facts_differ",
        severity=Severity.CRITICAL,
        reaction=Reaction.ROLL_BACK,
        means="A release asked for an order that has its market wrong (token, window, close or "
        "size). It was refused and nothing was sent.",
        remedy="Read the evidence, correct the code, roll it out again.",
        watches=(
            "an intent has its market wrong: token, condition, timeframe, window, close, minimum "
            "size; or it is no intent; the order was refused"
        ),
        ends="by a person",
    ),
    AlarmKind(
        kind="break_glass",
        severity=Severity.CRITICAL,
        means="A release was forced in without the approval that it needs.",
        remedy="Review it now; in doubt `midstride rolling-update rollback`.",
    ),
    AlarmKind(
        kind="unapproved_release",
        severity=Severity.CRITICAL,
        means="Code that nobody approved asked to trade. The gateway refused.",
        remedy="Find out who started it. `midstride gate list` shows what may trade.",
    ),
)
ROLLS: Final = (
    AlarmKind(
        kind="rollout_stopped",
        severity=Severity.CRITICAL,
        means="A roll stopped before all slots had switched.",
        remedy="Read the reason, then `midstride rolling-update rollback` or, once it is "
        "corrected, `midstride rolling-update resume`.",
    ),
    AlarmKind(
        kind="rollout_without_driver",
        severity=Severity.CRITICAL,
        means="The process that carried out a roll is gone. Slots half way are put back.",
        remedy="Roll the rest out with `midstride rolling-update resume`, or go back with "
        "`midstride rolling-update rollback`.",
    ),
    AlarmKind(
        kind="handoff_stuck",
        severity=Severity.CRITICAL,
        means="In a roll a slot could go neither to the new release nor back to the old one.",
        remedy="Read the reason and `midstride status`, then `midstride rolling-update rollback` "
        "or `resume`.",
    ),
    AlarmKind(
        kind="shared_handoff_failed",
        severity=Severity.CRITICAL,
        means="In a roll the gateway, market data or the supervisor could not be replaced.",
        remedy="Read the reason and `midstride status`, correct the code, then "
        "`midstride rolling-update resume` or `rollback`.",
    ),
    AlarmKind(
        kind="shared_release_turned_bad",
        severity=Severity.CRITICAL,
        means="The gateway, market data or the supervisor does not work on its new release. "
        "The release before it is brought back.",
        remedy="Read its log (`midstride logs`), correct the code, roll it out again.",
    ),
)
