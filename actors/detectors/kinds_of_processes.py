"""Alarms about processes, disk and clock."""

from typing import Final

from actors.detectors.alarm_kind import AlarmKind
from checkpoints.severity import Severity

PROCESSES: Final = (
    AlarmKind(
        kind="slot_hung",
        severity=Severity.CRITICAL,
        means="A slot's process does not answer. It is killed, and Ray starts it again.",
        remedy="If it comes again, read `midstride logs` of the slot.",
        watches="a slot's process does not answer; it is ended by id",
        within="10 s",
        false_alarms="seconds of silence are waited for",
    ),
    AlarmKind(
        kind="slot_not_live",
        severity=Severity.CRITICAL,
        means="A slot's process runs, but the gateway has not given it the right to trade.",
        remedy="The reason in the evidence says what to correct.",
    ),
    AlarmKind(
        kind="slot_dies",
        severity=Severity.CRITICAL,
        means="A slot's process dies again and again without a decision. What a roll brought is "
        "taken back by itself.",
        remedy="Read `midstride logs` of the slot and correct the code.",
    ),
    AlarmKind(
        kind="actor_silent",
        severity=Severity.CRITICAL,
        means="The gateway or market data does not answer. A hung process is killed, a missing one "
        "created again.",
        remedy="If it comes again, read `midstride logs` of it.",
        watches="the gateway or market data does not answer; its process is ended by id",
        within="10 s",
        false_alarms="seconds of silence are waited for",
    ),
    AlarmKind(
        kind="head_died",
        severity=Severity.CRITICAL,
        means="Ray's head process died, and every slot with it. All are started again.",
        remedy="Read Ray's last words in the evidence; is memory or disk short?",
        watches="the fleet's watcher finds Ray's head dead and starts it again",
        within="1 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="exchange_died",
        severity=Severity.CRITICAL,
        means="The sandbox exchange died. It is started again from what it had written.",
        remedy="If it comes again, read its log.",
        watches="the fleet's watcher finds the sandbox exchange dead and starts it again",
        within="1 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="restart_gave_up",
        severity=Severity.CRITICAL,
        means="What died was restarted several times and died again. The fleet is down and stays "
        "down.",
        remedy="Read the causes in the evidence, then `midstride run`. Open orders: "
        "`midstride trading halt` cancels them.",
        watches="what died has been started five times in half an hour and died again",
        within="the fifth death",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="fleet_died",
        severity=Severity.CRITICAL,
        means="The fleet died and was not stopped; orders may be open at the venue.",
        remedy="`midstride run` brings it back; `midstride trading halt` cancels all orders now.",
    ),
    AlarmKind(
        kind="heartbeat_gap",
        severity=Severity.CRITICAL,
        means="The venue got no heartbeat for more than 8 s and may have cancelled all open "
        "orders.",
        remedy="Compare with the venue: `midstride audit reconcile`.",
    ),
    AlarmKind(
        kind="clock_skew",
        severity=Severity.CRITICAL,
        means="This machine's clock and the venue's differ too much.",
        remedy="Set this machine's clock (NTP). If only the fleet's own time is off, restart it: "
        "`midstride stop`, `midstride run`.",
    ),
    AlarmKind(
        kind="venue_version",
        severity=Severity.CRITICAL,
        means="The venue speaks a version of its protocol that this code does not know. Nothing is "
        "bought.",
        remedy="Look for a newer release; `midstride trading halt` cancels what is open.",
    ),
    AlarmKind(
        kind="venue_paused",
        severity=Severity.WARNING,
        means="The venue has taken no purchases for ten minutes, by its own word. Nothing is "
        "bought meanwhile.",
        remedy="Look at the venue's status page. It is asked again by itself; the first purchase "
        "that passes ends the alarm.",
    ),
    AlarmKind(
        kind="clock_set",
        severity=Severity.WARNING,
        means="This machine's clock was set. Heartbeats, deadlines and decisions go on unchanged.",
        remedy="Check that the clock is right now (NTP): the venue checks the times of orders.",
        watches=(
            "the machine's clock against the time since boot: set by 250 ms or more, at once or "
            "in small steps; the fleet goes on unmoved"
        ),
        within="1 s",
        false_alarms="a clock that is slewed is not seen: none",
    ),
    AlarmKind(
        kind="clock_off",
        severity=Severity.CRITICAL,
        means="Exchanges agree that this machine's clock or the fleet's own time is more than a "
        "second off: decisions come too early or too late.",
        remedy="Set the clock (NTP). If only the fleet's time is off: `midstride stop`, `midstride "
        "run`.",
        watches="our clock against those of all sources; two must agree, and more than half",
        within="1 min",
        false_alarms="answers that take as long as the difference count as no difference: none",
        ends="our clock is within a second of the exchanges' again",
    ),
    AlarmKind(
        kind="clock_jumped",
        severity=Severity.WARNING,
        means="The fleet's own time jumped against the exchanges' clocks within a minute, as after "
        "a machine that was paused from outside.",
        remedy="If `clock_off` stands beside it, restart the fleet: `midstride stop`, "
        "`midstride run`. Ask who runs the machine for pauses.",
        watches="each exchange's clock against its own reading a minute before: 250 ms or more, in "
        "the middle of at least two",
        within="1 min",
        false_alarms="two exchanges that set their clocks in the same minute",
    ),
)
STORAGE: Final = (
    AlarmKind(
        kind="disk_low",
        severity=Severity.WARNING,
        worst=Severity.CRITICAL,
        means="The disk of the storage is nearly full.",
        remedy="Free space, shorten the retention, or move `storage` to a larger disk.",
    ),
    AlarmKind(
        kind="tape_stopped",
        severity=Severity.WARNING,
        means="The recording of market data cannot be written. Trading goes on without it.",
        remedy="Free space on the disk, or repair it; recording goes on by itself.",
    ),
    AlarmKind(
        kind="journal_damaged",
        severity=Severity.WARNING,
        means="Journal files of a day are damaged. They are kept aside, all others are complete.",
        remedy="Check the disk; `midstride audit check` names what is missing.",
    ),
    AlarmKind(
        kind="journal_failure",
        severity=Severity.CRITICAL,
        means="A slot cannot write its journal. It sends no orders meanwhile.",
        remedy="Free space on the disk of the storage, or repair it.",
    ),
    AlarmKind(
        kind="recovery_damage",
        severity=Severity.WARNING,
        means="A slot found damaged files when it started. It started from older ones.",
        remedy="Check the disk; compare with the venue: `midstride audit reconcile`.",
    ),
    AlarmKind(
        kind="outbox_gap",
        severity=Severity.CRITICAL,
        means="A slot missed reports about its own orders. It opens no new position.",
        remedy="Compare with the venue: `midstride audit reconcile`.",
    ),
    AlarmKind(
        kind="gateway_log_damaged",
        severity=Severity.CRITICAL,
        means="The gateway's log is damaged. All orders are cancelled and none is sent.",
        remedy="Change nothing in the storage; copy it, then read docs/evidence.md.",
    ),
    AlarmKind(
        kind="upkeep_failed",
        severity=Severity.WARNING,
        means="Old files of the storage cannot be closed or deleted.",
        remedy="Correct what the reason names; else the disk fills up.",
    ),
    AlarmKind(
        kind="detectors_failed",
        severity=Severity.CRITICAL,
        means="A check of the fleet failed by itself and finds nothing at present.",
        remedy="Correct what the reason names.",
        watches="a detector that failed itself; the others look on",
        within="10 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="decisions_unread",
        severity=Severity.CRITICAL,
        means="The supervisor cannot read the journal to its end, so it would not notice a bad "
        "release.",
        remedy="Look for `decisions_unread` in `midstride logs supervisor`; check the disk.",
        watches="the supervisor does not read the journal to its end",
        within="30 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="damaged_alarm",
        severity=Severity.CRITICAL,
        means="The file of an alarm cannot be read.",
        remedy="Check the disk, read the logs for what it said, then clear it.",
    ),
)
AUDITS: Final = (
    AlarmKind(
        kind="daily_audit_failed",
        severity=Severity.CRITICAL,
        means="The audit of a whole day found something wrong, or could not look at a part of it.",
        remedy="`midstride audit day --last` shows it. Correct what it names, then `midstride "
        "audit day --date DAY --notify`.",
        watches="a day's decisions made again, its record, the venue, what runs, and whether the "
        "detectors looked",
        within="a day",
        false_alarms="a venue or a process that is away while it is looked at",
        ends="a later audit of the day, made with `--notify` or by the fleet, finds nothing",
    ),
    AlarmKind(
        kind="daily_audit_missed",
        severity=Severity.WARNING,
        means="The audit of a day was not made at its time. If the fleet runs, it is made now.",
        remedy="If it stays, read `daily-audit.log` in the state folder's `logs`; `midstride audit "
        "day` makes it by hand.",
        watches="the records of audits against the days of the journal",
        within="six hours after its time, or at the next start of the fleet",
        false_alarms="a machine that was off and a fleet that was not stopped before",
        ends="the audit of that day was made and all is well",
    ),
    AlarmKind(
        kind="still_well",
        severity=Severity.NOTICE,
        means="The audit of a day found nothing wrong. It is a message, not an alarm: it does not "
        "latch.",
        remedy="Nothing. A day without this message is a day to look at.",
    ),
)
