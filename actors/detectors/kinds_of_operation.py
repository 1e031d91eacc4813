"""Alarms about running: inputs, progress of slots, processes, disk and clock."""

from typing import Final

from actors.detectors.alarm_kind import AlarmKind, Reaction
from checkpoints.alarms import Severity

INPUTS: Final = (
    AlarmKind(
        kind="input_drift",
        severity=Severity.WARNING,
        means="An input is far from its values of the last day, on most assets at once.",
        remedy="Did the market move, or did the source change its unit? Compare with the exchange.",
    ),
    AlarmKind(
        kind="inputs_disagree",
        severity=Severity.CRITICAL,
        reaction=Reaction.REDUCE,
        means="The settlement price and the candles of an asset are more than 10 % apart.",
        remedy="Compare both with the exchange; `midstride trading resume` once they agree.",
    ),
    AlarmKind(
        kind="input_frozen",
        severity=Severity.CRITICAL,
        reaction=Reaction.REDUCE,
        means="New candles repeat the old one: the feed looks fresh and is dead.",
        remedy="Check the source of the feed; `midstride trading resume` once prices move again.",
    ),
    AlarmKind(
        kind="input_refused",
        severity=Severity.WARNING,
        means="A feed sent an impossible value. It was not used; while that lasts, slots decide "
        "`no_data: inputs disagree`.",
        remedy="Check the feed named; docs/inputs.md says what is expected of it.",
    ),
    AlarmKind(
        kind="market_refused",
        severity=Severity.WARNING,
        means="The venue lists another market under the name of a slot's window: its rule, source, "
        "times or fee differ. It is not traded.",
        remedy="Compare the evidence with the market's page at the venue.",
    ),
    AlarmKind(
        kind="feed_stale",
        severity=Severity.WARNING,
        means="A feed has sent nothing new for too long. Slots decide `no trade: stale`.",
        remedy="Check network and source; `midstride status` names the trouble.",
    ),
)
PROGRESS: Final = (
    AlarmKind(
        kind="no_decision",
        severity=Severity.CRITICAL,
        means="A slot let a decision deadline pass. A process that hangs is killed and restarted "
        "by itself.",
        remedy="If it comes again, read `midstride logs` of the slot.",
    ),
    AlarmKind(
        kind="missed_decision",
        severity=Severity.WARNING,
        means="A slot gave up a decision point: data or the strategy's answer came too late.",
        remedy="`midstride logs` of the slot says which; is the machine overloaded?",
    ),
    AlarmKind(
        kind="intent_unanswered",
        severity=Severity.CRITICAL,
        means="A slot asked for an order, and the gateway has neither sent nor refused it.",
        remedy="Look at the gateway in `midstride status`; `midstride logs gateway` says why.",
    ),
    AlarmKind(
        kind="order_without_end",
        severity=Severity.CRITICAL,
        means="An order is still open in our books after its market closed.",
        remedy="Compare with the venue: `midstride audit reconcile`.",
    ),
    AlarmKind(
        kind="settlement_overdue",
        severity=Severity.WARNING,
        means="A market closed and the venue has not named its winner yet.",
        remedy="Wait, or compare with the venue: `midstride audit reconcile`.",
    ),
    AlarmKind(
        kind="market_unsettled",
        severity=Severity.WARNING,
        means="The venue has not named a market's winner after many questions. Its shares count "
        "as at risk until then.",
        remedy="Look at the market's page at the venue.",
    ),
    AlarmKind(
        kind="strategy_blocked",
        severity=Severity.CRITICAL,
        means="A strategy's `decide` does not return. The slot's process was killed and starts "
        "again.",
        remedy="`midstride rolling-update rollback`; then look for a loop or a wait in `decide`.",
    ),
)
PROCESSES: Final = (
    AlarmKind(
        kind="slot_hung",
        severity=Severity.CRITICAL,
        means="A slot's process does not answer. It is killed, and Ray starts it again.",
        remedy="If it comes again, read `midstride logs` of the slot.",
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
    ),
    AlarmKind(
        kind="head_died",
        severity=Severity.CRITICAL,
        means="Ray's head process died, and every slot with it. All are started again.",
        remedy="Read Ray's last words in the evidence; is memory or disk short?",
    ),
    AlarmKind(
        kind="exchange_died",
        severity=Severity.CRITICAL,
        means="The sandbox exchange died. It is started again from what it had written.",
        remedy="If it comes again, read its log.",
    ),
    AlarmKind(
        kind="restart_gave_up",
        severity=Severity.CRITICAL,
        means="What died was restarted several times and died again. The fleet is down and stays "
        "down.",
        remedy="Read the causes in the evidence, then `midstride run`. Open orders: "
        "`midstride trading halt` cancels them.",
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
        kind="clock_set",
        severity=Severity.WARNING,
        means="This machine's clock was set. Heartbeats, deadlines and decisions go on unchanged.",
        remedy="Check that the clock is right now (NTP): the venue checks the times of orders.",
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
    ),
    AlarmKind(
        kind="decisions_unread",
        severity=Severity.CRITICAL,
        means="The supervisor cannot read the journal to its end, so it would not notice a bad "
        "release.",
        remedy="Look for `decisions_unread` in `midstride logs supervisor`; check the disk.",
    ),
    AlarmKind(
        kind="damaged_alarm",
        severity=Severity.CRITICAL,
        means="The file of an alarm cannot be read.",
        remedy="Check the disk, read the logs for what it said, then clear it.",
    ),
)
